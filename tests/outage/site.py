"""A site whose pages are all known, and its source, to have bad days."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.bad_answers import Answers, document
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

HOST = "docs.test"
"""The name that the site is declared by: a resolver of the test's own leads it to the origin."""


@dataclass
class Site:
    """Pages `/docs/0.html` and on, listed by a sitemap, by name, or found by their links."""

    origin: Origin
    pages: int
    kind: str = "sitemap"
    names: dict[str, Callable[[], str]] = field(default_factory=dict)
    """Of the resolver: what the host's name leads to."""

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self.origin.host.rpartition(':')[2]}"

    @property
    def paths(self) -> list[str]:
        return [f"/docs/{number}.html" for number in range(self.pages)]

    def url(self, path: str) -> str:
        return self.base + path

    async def declare(self, env: AtlasEnv, **rules: object) -> None:
        start = {
            "sitemap": [self.url("/sitemap.xml")],
            "urls": [self.url(path) for path in self.paths],
            "site": [self.url("/docs/0.html")],
        }[self.kind]
        prefix = {} if self.kind == "urls" else {"prefix": self.url("/docs/")}
        await env.add_source("docs", self.kind, *start, **prefix, **rules)

    def good(self) -> None:
        """A good day: every page as it was on the first one."""
        self.names[HOST] = lambda: "127.0.0.1"
        self.origin.status("/robots.txt", 404)
        for number, path in enumerate(self.paths):
            self.origin.page(path, self.document(number))
        self.origin.page("/", document(10_000))
        self.origin.page("/login", SIGN_IN)
        self.lists(self.paths)

    def document(self, number: int) -> str:
        """A page's text, with links onwards as a crawl needs them."""
        onwards = [n for n in (3 * number + 1, 3 * number + 2, 3 * number + 3) if n < self.pages]
        links = "".join(f'<li><a href="/docs/{n}.html">{_title(n)}</a></li>' for n in onwards)
        return document(number).replace("</main>", f"</main><nav><ul>{links}</ul></nav>")

    def lists(self, paths: Iterable[str], base: str | None = None) -> None:
        """What the sitemap names."""
        urls = "".join(f"<url><loc>{(base or self.base) + path}</loc></url>" for path in paths)
        self.origin.page("/sitemap.xml", f"<urlset>{urls}</urlset>", content_type="text/xml")

    def answer(self, answers: Answers, numbers: Iterable[int] | None = None) -> None:
        """Let pages (all, or these) answer otherwise."""
        for number in range(self.pages) if numbers is None else numbers:
            path = self.paths[number]
            self.origin.reply(path, answers(number, path))


SIGN_IN = """<!DOCTYPE html><html lang=en><head><title>Sign in</title></head><body>
<form method=post action="/login"><h1>Sign in</h1>
<label>User name <input name=user></label><label>Password <input type=password name=pw></label>
<button>Sign in</button> <a href="/forgotten">Forgotten your password?</a></form></body></html>"""


def _title(number: int) -> str:
    return f"On to {random.Random(number).choice(('harbour', 'quarry', 'meadow'))} {number}"
