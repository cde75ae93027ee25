"""Lantern Harbour: a small web site of our own writing, for the demo and the tests.

`python -m atlas.demo.site [PORT]` serves it on loopback until Ctrl-C.
"""

import asyncio
import hashlib
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from types import MappingProxyType, TracebackType
from typing import Self

from aiohttp import web

from atlas.demo.prose import Page, first_edition, second_edition
from atlas.demo.render import feed, last_modified, rendered, robots, sitemap

REDIRECTS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "/old-tides": (301, "/harbour/tides"),
        "/old-library": (302, "/library"),
        "/library": (308, "/people/library"),
    }
)
FAILS_FIRST = "/harbour/fog-signals"
GONE = "/harbour/steam-crane"
DISALLOWED = "/private/"
REMOVED = "/kitchen/pickled-samphire"
# Listed in the sitemap though no robot gets a page of that address.
LISTED_ANYWAY = ("/old-tides", GONE, "/private/ledger")

FEED_LENGTH = 12
DEFAULT_PORT = 8640


@dataclass(frozen=True)
class Hit:
    """One request as the site answered it."""

    method: str
    path: str
    status: int
    conditional: bool
    user_agent: str


@dataclass(frozen=True)
class Expectations:
    """What is planted in the current edition. Everything is a path below the site.

    `pages` are those a robot may read, each once; `listed` is the sitemap; `sentences` has, by
    path, a sentence that stands on no other page but its copies.
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
    Port 0 means any free one; a taken port raises OSError.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._runner: web.AppRunner | None = None
        self._pages = first_edition()
        self._gone = {GONE}
        self._has_failed = False
        self._changed = False
        self.requests: list[Hit] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Address of the home page, in canonical form."""
        return f"{self._base}/"

    def address(self, path: str) -> str:
        """The URL of a path that begins with a slash."""
        return self._base + path

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def change(self) -> list[str]:
        """Put up the second edition and say in words what changed; once only."""
        if self._changed:
            return []
        self._changed = True
        said = [self._put_up(page) for page in second_edition(self._pages).values()]
        removed = self._pages.pop(REMOVED)
        self._gone.add(REMOVED)
        return [*said, f"removed: “{removed.title}” ({REMOVED}) answers 410 and is listed no more"]

    def _put_up(self, page: Page) -> str:
        known = page.path in self._pages
        edits = f", {page.edits} passages rewritten" if known else ""
        self._pages[page.path] = page
        return f"{'edited' if known else 'added'}: “{page.title}” ({page.path}){edits}"

    @property
    def expectations(self) -> Expectations:
        """What a robot should find in the edition that is up now."""
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
        agent = request.headers.get("User-Agent", "")
        hit = Hit(request.method, request.path, response.status, conditional, agent)
        self.requests.append(hit)
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
            page = self._pages[path]
            return *rendered(page), last_modified(page.date)
        newest = last_modified(max(page.date for page in self._pages.values()))
        if path == "/feed.xml":
            return "application/rss+xml; charset=utf-8", feed(self._newest(), self._base), newest
        if path == "/sitemap.xml":
            listed = sitemap(self._readable(), LISTED_ANYWAY, self._base)
            return "application/xml", listed, newest
        if path == "/robots.txt":
            return "text/plain; charset=utf-8", robots(DISALLOWED, self._base), newest
        return None


def _final(path: str) -> str:
    while path in REDIRECTS:
        path = REDIRECTS[path][1]
    return path


def _conditional(
    request: web.Request, content_type: str, body: bytes, changed: datetime
) -> web.Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Last-Modified": format_datetime(changed, usegmt=True)}
    if _is_fresh(request, etag, changed):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": content_type})


def _is_fresh(request: web.Request, etag: str, changed: datetime) -> bool:
    """If-None-Match decides alone where it is sent (RFC 9110 section 13.2.2)."""
    if (known := request.headers.get("If-None-Match")) is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return etag in tags or "*" in tags
    with suppress(KeyError, ValueError, TypeError):
        since = parsedate_to_datetime(request.headers["If-Modified-Since"])
        return changed <= since.replace(tzinfo=since.tzinfo or UTC)
    return False


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
    """Serve until Ctrl-C; 2 for an argument that is no port or a port that is taken."""
    given = arguments[0] if arguments else str(DEFAULT_PORT)
    if not given.isdecimal() or int(given) > 65535:
        sys.stderr.write(f"PORT: {given!r} is no port; give a number from 0 (any) to 65535\n")
        return 2
    try:
        asyncio.run(_serve(int(given)))
    except OSError as error:
        sys.stderr.write(f"PORT: {given} cannot be used ({error.strerror}); give another, or 0\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
