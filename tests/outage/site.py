"""A site whose pages are all known, and its source, to have bad days."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bad_answers import Answers, document
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

SPAN = 10_000
"""Numbers of one site's documents; those of the next begin after them."""


@dataclass
class Site:
    """Pages `/docs/0.html` and on, listed by a sitemap or a feed, by name, or found by their links.
    Of several sites in one Atlas each has a number of its own, and texts that no other has."""

    origin: Origin
    pages: int
    kind: str = "sitemap"
    names: dict[str, Callable[[], str]] = field(default_factory=dict)
    """Of the resolver: what the host's name leads to."""
    number: int = 0
    certificates: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    """Of a site with TLS: what a certificate is → its file and its key's."""

    @property
    def name(self) -> str:
        """Of its source."""
        return f"docs{self.number}"

    @property
    def host(self) -> str:
        """The name that the site is declared by: a resolver of the test's own leads it to the
        origin."""
        return f"{self.name}.test"

    @property
    def base(self) -> str:
        return self._at(self.host)

    @property
    def moved_to(self) -> str:
        """Another name, which its source may be led to."""
        return f"new-{self.host}"

    def move(self) -> str:
        """Let the other name lead to the origin too; what its URLs begin with."""
        self.names[self.moved_to] = lambda: "127.0.0.1"
        return self._at(self.moved_to)

    def _at(self, host: str) -> str:
        """On the origin, by this name."""
        scheme, _, place = self.origin.base.rpartition("//")
        return f"{scheme}//{host}:{place.rpartition(':')[2]}"

    @property
    def paths(self) -> list[str]:
        return [f"/docs/{number}.html" for number in range(self.pages)]

    def url(self, path: str) -> str:
        return self.base + path

    async def declare(self, env: AtlasEnv, **rules: object) -> None:
        start = {
            "sitemap": [self.url("/sitemap.xml")],
            "feed": [self.url("/feed.xml")],
            "urls": [self.url(path) for path in self.paths],
            "site": [self.url("/docs/0.html")],
        }[self.kind]
        if self.kind != "urls":
            rules["prefix"] = self.url("/docs/")
        rules["allow"] = (self._at(self.moved_to).rpartition("/")[2],)
        await env.add_source(self.name, self.kind, *start, **rules)

    def good(self) -> None:
        """A good day: every page as it was on the first one."""
        self.names[self.host] = lambda: "127.0.0.1"
        self.presents("good")
        self.origin.status("/robots.txt", 404)
        for number, path in enumerate(self.paths):
            self.origin.page(path, self.document(number))
        self.origin.page("/", self.text(SPAN - 1))
        self.origin.page("/login", SIGN_IN)
        self.lists(self.paths)

    def presents(self, certificate: str) -> None:
        """Let a site with TLS present this one of `certificates` from now on."""
        if self.origin.tls:
            self.origin.tls.load_cert_chain(*self.certificates[certificate])
            self.origin.disconnect()  # an open connection has seen the other one

    def text(self, number: int) -> str:
        """A page's text alone."""
        return document(self.number * SPAN + number)

    def document(self, number: int) -> str:
        """A page's text, with links onwards as a crawl needs them."""
        onwards = [n for n in (3 * number + 1, 3 * number + 2, 3 * number + 3) if n < self.pages]
        return self.linking(number, [(f"/docs/{n}.html", _title(n)) for n in onwards])

    def linking(self, number: int, links: Iterable[tuple[str, str]]) -> str:
        """A page's text, with these links beside it."""
        rows = "".join(f'<li><a href="{path}">{title}</a></li>' for path, title in links)
        return self.text(number).replace("</main>", f"</main><nav><ul>{rows}</ul></nav>")

    def lists(self, paths: Iterable[str], base: str | None = None) -> None:
        """What the sitemap and the feed name."""
        urls = [(base or self.base) + path for path in paths]
        sitemap = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
        self.origin.page(
            "/sitemap.xml", f"<urlset>{sitemap}</urlset>", content_type="application/xml"
        )
        feed = "".join(f"<item><title>News</title><link>{url}</link></item>" for url in urls)
        self.origin.page(
            "/feed.xml",
            f"<rss version='2.0'><channel><title>News</title>{feed}</channel></rss>",
            content_type="application/rss+xml",
        )

    def answer(self, answers: Answers, numbers: Iterable[int] | None = None) -> None:
        """Let pages (all, or these) answer otherwise."""
        paths = self.paths
        for number in range(self.pages) if numbers is None else numbers:
            reply = answers(self.number * SPAN + number, paths[number])
            self.origin.reply(paths[number], reply)


SIGN_IN = """<!DOCTYPE html><html lang=en><head><title>Sign in</title></head><body>
<form method=post action="/login"><h1>Sign in</h1>
<label>User name <input name=user></label><label>Password <input type=password name=pw></label>
<button>Sign in</button> <a href="/forgotten">Forgotten your password?</a></form></body></html>"""


def _title(number: int) -> str:
    return f"On to {random.Random(number).choice(('harbour', 'quarry', 'meadow'))} {number}"
