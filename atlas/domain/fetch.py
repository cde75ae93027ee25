"""What is asked of the web and what it answered: plain values, no I/O."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from atlas.domain.addresses.reach import Reach
from atlas.domain.errors import ErrorClass, PageError

MIB = 1024 * 1024


class RobotsMode(StrEnum):
    """Whether robots.txt is asked before a page is fetched (RFC 9309)."""

    OBEY = "obey"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Validators:
    """What makes a later request conditional (RFC 9110, 8.8): sent back as it came.

    Only printable ASCII is kept; a page whose ETag holds other bytes is fetched in full.
    """

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        return self.etag is not None or self.last_modified is not None


@dataclass(frozen=True)
class FetchRequest:
    """One page to fetch, and the limits that hold for it.

    `validators` are sent only to `validators_url`, the final URL they came from (the page's own
    URL if None): an equal ETag of another page would pass for "not modified". `max_bytes` bounds
    the body both as sent and decoded; `header_timeout` one answer's headers, connecting included;
    `idle_timeout` the silence between two reads; `total_timeout` all hops together. Times are
    seconds, and waiting for a slot is not counted. `robots_ignored_at`: hosts, as `host_of` spells
    them, at which robots.txt is not asked although it is obeyed elsewhere. `led_by` are the URLs
    that the web, and no person, led here from: when one of them is at a public address, this must
    be at one, too. `reach` says which hosts and ports are open beside that (None: those of `url`);
    `authorized` the origins that get their credentials (None: each that has some).
    """

    url: str
    validators: Validators = Validators()
    validators_url: str | None = None
    accept: str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
    robots: RobotsMode = RobotsMode.OBEY
    robots_ignored_at: Collection[str] = ()
    max_bytes: int = 32 * MIB
    max_redirects: int = 10
    header_timeout: float = 30.0
    idle_timeout: float = 30.0
    total_timeout: float = 120.0
    led_by: tuple[str, ...] = ()
    reach: Reach | None = None
    authorized: frozenset[str] | None = None


@dataclass(frozen=True)
class Redirect:
    """A hop that was followed: the URL that answered, and its 3xx status."""

    url: str
    status: int


@dataclass(frozen=True)
class FetchResult:
    """A fetch that succeeded: a 2xx whose body went to the sink, or a 304 (`modified` False).

    `content_type` is the media type in lower case ("" if not sent), `charset` its parameter as
    sent. `content_length` counts decoded bytes, `wire_bytes` the bytes of the body as sent.
    `validators` are those to store; after a 304 that sent none, the ones asked with. `max_age`
    is the freshness the server stated, `crawl_delay` the pause robots.txt asks for, `elapsed`
    the time spent on all hops: seconds. `robots_tag` is what X-Robots-Tag asks of Atlas (None:
    it was not sent), `date` the time by the server's clock. `robots_ignored`: robots.txt was not
    asked at a host on the way.
    """

    url: str
    final_url: str
    status: int
    redirects: tuple[Redirect, ...] = ()
    content_type: str = ""
    charset: str | None = None
    validators: Validators = field(default_factory=Validators)
    modified: bool = True
    content_length: int = 0
    wire_bytes: int = 0
    retry_after: float | None = None
    max_age: float | None = None
    elapsed: float = 0.0
    robots_tag: str | None = None
    crawl_delay: float | None = None
    date: datetime | None = None
    robots_ignored: bool = False


class FetchError(PageError):
    """A fetch that failed, with what its row in the ledger needs.

    `status` is None when no answer came; `final_url` is the URL of the hop that failed;
    `elapsed` and `retry_after` are seconds, `robots_ignored` as in FetchResult. The class and code
    come from PageError.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        code: str,
        message: str,
        *,
        url: str,
        final_url: str | None = None,
        status: int | None = None,
        redirects: Sequence[Redirect] = (),
        wire_bytes: int = 0,
        elapsed: float = 0.0,
        retry_after: float | None = None,
        robots_ignored: bool = False,
    ) -> None:
        super().__init__(error_class, code, message, retry_after=retry_after)
        self.url = url
        self.final_url = final_url or url
        self.status = status
        self.redirects = tuple(redirects)
        self.wire_bytes = wire_bytes
        self.elapsed = elapsed
        self.robots_ignored = robots_ignored


@dataclass(frozen=True)
class RobotsRecord:
    """The robots.txt of one origin as last read (RFC 9309): what a cache keeps.

    `status` is that of the last answer, 0 if none came; `body` is "as sent" after content
    decoding, at most 500 KiB, and empty unless the status is 2xx.
    """

    status: int
    body: bytes
    fetched_at: datetime
