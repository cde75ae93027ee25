"""Documents of a site, and what it answers on a bad day in their place: walls, and bodies that are
cut off."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.origin import Reply

Answers = Callable[[int, str], Reply]
"""What a page answers: by its number and path."""

_WORDS = (
    "harbour bakery ferry lantern orchard quarry meadow chapel anchor barrel cellar drizzle ember "
    "furrow gravel hollow island juniper kettle lattice marble needle oyster pebble quiver rafter "
    "saddle timber umbrella valley willow carries beneath gathers wanders measures slowly bright "
    "silent narrow gentle hidden wooden copper distant evening northern broken"
).split()


def document(number: int, edition: int = 0) -> str:
    """A page with a text of its own; another edition is another text."""
    dice = random.Random(f"{number}/{edition}")
    sentences = [" ".join(dice.choices(_WORDS, k=12)).capitalize() + "." for _ in range(12)]
    paragraphs = "".join(
        f"<p>{' '.join(sentences[at : at + 3])}</p>\n" for at in range(0, len(sentences), 3)
    )
    return (
        f"<!DOCTYPE html><html lang=en><head><title>Page {number} on {dice.choice(_WORDS)}</title>"
        f"</head><body><main><h1>About number {number}</h1>\n{paragraphs}</main></body></html>"
    )


def everywhere(reply: Reply) -> Answers:
    return lambda number, path: reply


def wall(title: str, text: str) -> Answers:
    """One text for every page; `{…}` in it is each copy's own."""

    def reply(number: int, path: str) -> Reply:
        dice = random.Random(number)
        own = {
            "path": path,
            "title": f"About number {number}",
            "token": f"{dice.getrandbits(64):016x}",
            "time": f"2026-11-{1 + number % 28:02} 12:{number % 60:02}:07",
        }
        body = f"<p>{text.format(**own)}</p>"
        return Reply(
            f"<html lang=en><head><title>{title.format(**own)}</title></head>"
            f"<body><main><h1>{title.format(**own)}</h1>{body}</main></body></html>"
        )

    return reply


LOGIN = wall(
    "Sign in",
    "Please sign in with your name and your password to go on reading. Forgotten your password? "
    "Write to the people at the desk, who will send you a new one within the hour.",
)
CHECK = wall(
    "Just a moment",
    "Verify that you are human. This may take a few seconds. The site has to review the security "
    "of your connection before you can proceed. Ray {token}, seen at {time}.",
)
CONSENT = wall(
    "Before you read {title}",
    "We and our 842 partners store cookies on your device to show advertisements and to measure "
    "them. Accept all of them, or choose which purposes you agree to, and go on to {title}.",
)
MAINTENANCE = wall(
    "Back soon",
    "The site is being maintained and will be back before long. We are sorry for the trouble this "
    "may cause you, and thank you for your patience. It is {time} here.",
)
SOFT_404 = wall(
    "Page not found",
    "Sorry, we could not find {path} anywhere. It may have been moved or taken away, or the "
    "address may have been mistyped. Try the search above, or begin at the start of our site.",
)


def half(number: int, path: str) -> Reply:
    """The whole transfer of half a document, from a cache that was cut off."""
    body = document(number).encode()
    return Reply(body[: len(body) // 2])


def short(number: int, path: str) -> Reply:
    body = document(number).encode()
    return Reply(body[: len(body) // 2], declared_length=len(body))


def endless(number: int, path: str) -> Reply:
    """A chunked body whose last chunk never comes."""
    body = document(number).encode()
    body = body[: len(body) // 2]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Reply(raw=head + b"%x\r\n%b\r\n" % (len(body), body))


def unbounded(number: int, path: str) -> Reply:
    """Half a body that ends where the connection does: nothing in HTTP shows that."""
    body = document(number).encode()
    return Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body[: len(body) // 2])
