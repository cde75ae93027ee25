"""Lantern Harbour: a small web site of our own writing, for the demo and the tests.

`python -m atlas.demo.site [PORT]` serves it on loopback until Ctrl-C.
"""

import asyncio
import hashlib
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from aiohttp import web

from atlas.demo.editions import Page, edition, render

REDIRECTS = {
    "/old-tides": (301, "/harbour/tides"),
    "/old-library": (302, "/library"),
    "/library": (308, "/people/library"),
}
FAILS_FIRST = "/harbour/fog-signals"
GONE = "/harbour/steam-crane"
DISALLOWED = "/private/"
REMOVED = "/kitchen/pickled-samphire"
# Listed in the sitemap, though a crawler gets no page at these addresses.
LISTED_ANYWAY = ("/old-tides", GONE, "/private/ledger")

FEED_LENGTH = 12
DEFAULT_PORT = 8640


@dataclass(frozen=True)
class ServedRequest:
    """One request as the site answered it."""

    path: str
    status: int
    conditional: bool


@dataclass(frozen=True)
class Expectations:
    """What is planted in the current edition, by path.

    `pages` are those a robot may read, each once; `listed` is the sitemap; `sentences` gives each
    page a sentence that no other page has except its copies.
    """

    pages: tuple[str, ...]
    listed: tuple[str, ...]
    in_feed: tuple[str, ...]
    exact_duplicates: tuple[tuple[str, str], ...]
    near_duplicates: tuple[tuple[str, str], ...]
    redirects: Mapping[str, str]
    fails_first: str
    gone: tuple[str, ...]
    disallowed: tuple[str, ...]
    languages: Mapping[str, int]
    sentences: Mapping[str, str]


class DemoSite:
    """The site on 127.0.0.1, within the running event loop.

    `async with DemoSite() as site` serves the first edition; `site.change()` puts up the second.
    Port 0 means any free one; a port in use raises OSError.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._pages = edition("first")
        self._gone = {GONE}
        self._has_failed = False
        self._changed = False
        self.requests: list[ServedRequest] = []
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Address of the home page, in canonical form."""
        return self.address("/")

    def address(self, path: str) -> str:
        """The URL of a path that begins with a slash."""
        return f"http://127.0.0.1:{self._port}{path}"

    def statuses(self, path: str) -> list[int]:
        """What the site answered for `path`, in order."""
        return [hit.status for hit in self.requests if hit.path == path]

    def change(self) -> list[str]:
        """Publish the second edition; a description of each change. Has an effect only once."""
        if self._changed:
            return []
        self._changed = True
        said = [self._put_up(page) for page in edition("second").values()]
        removed = self._pages.pop(REMOVED)
        self._gone.add(REMOVED)
        return [*said, f"removed: “{removed.title}” ({REMOVED}): 410, no longer in the sitemap"]

    def _put_up(self, page: Page) -> str:
        known = page.path in self._pages
        edits = f", {page.edits} passages rewritten" if known else ""
        self._pages[page.path] = page
        return f"{'edited' if known else 'added'}: “{page.title}” ({page.path}){edits}"

    @property
    def expectations(self) -> Expectations:
        """What a crawler should find in the current edition."""
        copies = [page for page in self._readable() if page.copy_of not in (None, page.path)]
        return Expectations(
            pages=tuple(page.path for page in self._readable()),
            listed=(*(page.path for page in self._readable()), *LISTED_ANYWAY),
            in_feed=tuple(page.path for page in self._newest()),
            exact_duplicates=tuple((str(p.copy_of), p.path) for p in copies if not p.edits),
            near_duplicates=tuple((str(p.copy_of), p.path) for p in copies if p.edits),
            redirects={path: _final(path) for path in REDIRECTS},
            fails_first=FAILS_FIRST,
            gone=tuple(sorted(self._gone)),
            disallowed=tuple(path for path in self._pages if path.startswith(DISALLOWED)),
            languages=Counter(page.lang for page in self._readable()),
            sentences={page.path: page.sentence for page in self._readable()},
        )

    def _readable(self) -> list[Page]:
        pages = sorted(self._pages.values(), key=lambda page: page.path)
        return [page for page in pages if not page.path.startswith(DISALLOWED)]

    def _newest(self) -> list[Page]:
        return sorted(self._readable(), key=lambda page: page.date, reverse=True)[:FEED_LENGTH]

    async def _answer(self, request: web.Request) -> web.Response:
        response = self._response(request)
        conditional = not {"If-None-Match", "If-Modified-Since"}.isdisjoint(request.headers)
        self.requests.append(ServedRequest(request.path, response.status, conditional))
        return response

    def _response(self, request: web.Request) -> web.Response:
        path = request.path
        if path in REDIRECTS:
            status, target = REDIRECTS[path]
            return web.Response(status=status, headers={"Location": target})
        if path in self._gone:
            return web.Response(status=410, text="This page was taken down.\n")
        if path == FAILS_FIRST and not self._has_failed:
            self._has_failed = True
            return web.Response(status=503, text="Too much fog. Look again.\n")
        found = self._content(path)
        if found is None:
            return web.Response(status=404, text="No such page in the handbook.\n")
        return _conditional(request, *found)

    def _content(self, path: str) -> tuple[str, bytes, datetime] | None:
        if path in self._pages:
            return *self._pages[path].content, self._pages[path].changed
        base, newest = self.address(""), max(page.changed for page in self._pages.values())
        if path == "/feed.xml":
            body = render("feed.xml", pages=self._newest(), base=base)
            return "application/rss+xml; charset=utf-8", body, newest
        if path == "/sitemap.xml":
            body = render("sitemap.xml", pages=self._readable(), undated=LISTED_ANYWAY, base=base)
            return "application/xml", body, newest
        if path == "/robots.txt":
            text = f"User-agent: *\nDisallow: {DISALLOWED}\n\nSitemap: {base}/sitemap.xml\n"
            return "text/plain; charset=utf-8", text.encode(), newest
        return None


def _final(path: str) -> str:
    while path in REDIRECTS:
        path = REDIRECTS[path][1]
    return path


def _conditional(
    request: web.Request, content_type: str, body: bytes, changed: datetime
) -> web.Response:
    etag = hashlib.sha256(body).hexdigest()[:16]
    if _is_fresh(request, etag, changed):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, headers={"Content-Type": content_type})
    response.etag, response.last_modified = etag, changed
    return response


def _is_fresh(request: web.Request, etag: str, changed: datetime) -> bool:
    # Where If-None-Match is sent, it alone decides (RFC 9110, section 13.2.2).
    if request.if_none_match is not None:
        return any(known.value in (etag, "*") for known in request.if_none_match)
    return request.if_modified_since is not None and changed <= request.if_modified_since


async def _serve(port: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    # Not KeyboardInterrupt: a shell's background job inherits SIGINT as ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with DemoSite(port) as site:
        sys.stdout.write(f"Lantern Harbour is at {site.url} until Ctrl-C\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C; the exit code: 2 for an invalid port or one in use."""
    given = arguments[0] if arguments else str(DEFAULT_PORT)
    if not given.isdecimal() or int(given) > 65535:
        sys.stderr.write(f"PORT: invalid port {given!r}; use a number from 0 (any) to 65535\n")
        return 2
    try:
        asyncio.run(_serve(int(given)))
    except OSError as error:
        sys.stderr.write(f"PORT: {given} cannot be used ({error.strerror}); use another, or 0\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
