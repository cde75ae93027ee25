"""The state of one fetch on its way through redirects: where it is, what it used of its limits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from atlas.domain.addresses.reach import USUAL_PORTS_SAID, Reach, place_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError, FetchRequest, FetchResult, Redirect
from atlas.web import response_head


class Journey:
    """Counts hops, bytes and seconds of one fetch; every check raises PageError."""

    def __init__(self, request: FetchRequest) -> None:
        self.request = request
        self.url = request.url
        self.status: int | None = None
        self.redirects: tuple[Redirect, ...] = ()
        self.crawl_delay: float | None = None
        self.robots_ignored = False
        self._spent = 0.0
        self._since: float | None = None
        self._wire = 0
        self._decoded = 0
        try:
            self.url = canonicalize(request.url)
            self.reach = request.reach or Reach((self.url,))
        except InvalidUrl as error:
            raise self.failed(PageError(ErrorClass.INVALID, "invalid_url", str(error))) from error

    @property
    def remaining(self) -> float:
        """Seconds left of the total limit."""
        return max(self.request.total_timeout - self.elapsed, 0.0)

    @property
    def elapsed(self) -> float:
        """Seconds spent on all hops so far."""
        running = time.monotonic() - self._since if self._since is not None else 0.0
        return self._spent + running

    @property
    def led_by(self) -> tuple[str, ...]:
        """What led to where it is now: the request's own leaders, and the hops so far."""
        return self.request.led_by + tuple(hop.url for hop in self.redirects)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time within; waiting for robots.txt or a slot stays outside."""
        self.status = None
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._spent, self._since = self.elapsed, None

    def conditions(self) -> dict[str, str]:
        """If-None-Match and If-Modified-Since, if the validators belong to this hop's URL."""
        validators = self.request.validators
        if not self._is_conditional():
            return {}
        pairs = (
            ("if-none-match", validators.etag),
            ("if-modified-since", validators.last_modified),
        )
        return {name: value for name, value in pairs if value}

    def follow(self, location: str | None) -> None:
        """Go on to where a redirect points."""
        assert self.status is not None
        target = self._target(location)
        falls = self.url.startswith("https:") and target.startswith("http:")
        if falls and not self.reach.allow_http:
            fix = self.reach.http_fix()
            raise PageError(
                ErrorClass.BLOCKED,
                "redirect_insecure",
                f"leads from https to http, where anyone on the way may answer: {target[:300]}"
                + (f"; {fix}" if fix else ""),
            )
        self.redirects += (Redirect(self.url, self.status),)
        if any(passed.url == target for passed in self.redirects):
            raise PageError(
                ErrorClass.INVALID, "redirect_loop", f"redirects lead in a circle: {target}"
            )
        if len(self.redirects) > self.request.max_redirects:
            raise PageError(
                ErrorClass.INVALID,
                "too_many_redirects",
                f"more than {self.request.max_redirects} redirects",
            )
        self.url = target

    def refuse_port(self) -> None:
        """Refuse a URL whose port is none that its source opens; nothing is sent there."""
        if not self.reach.opens_port(self.url):
            host, port = place_of(self.url)
            raise PageError(
                ErrorClass.BLOCKED,
                "port_refused",
                f"{host}: port {port} is none of {USUAL_PORTS_SAID} or those of the source's URLs; "
                f"if it is right, {self.reach.port_fix(self.url)}",
            )

    def refuse_declared(self, content_length: str | None) -> None:
        """Refuse a body whose stated length is over the limit, before reading it."""
        if content_length and content_length.isdecimal() and len(content_length) < 20:
            self._refuse_over(int(content_length))

    def count_wire(self, size: int) -> None:
        """Count bytes of the body as sent."""
        self._wire += size
        self._refuse_over(self._wire)

    def count_decoded(self, size: int) -> None:
        """Count bytes of the body after decoding."""
        self._decoded += size
        self._refuse_over(self._decoded)

    def modified(self, headers: httpx.Headers) -> FetchResult:
        """The result of a hop whose body was read."""
        return self._fetched(headers, modified=True)

    def not_modified(self, headers: httpx.Headers) -> FetchResult:
        """The result of a 304; only an answer to a condition that was sent."""
        if not self._is_conditional():
            raise PageError(
                ErrorClass.TRANSIENT, "unexpected_304", "304 although no validator was sent"
            )
        return self._fetched(headers, modified=False)

    def failed(self, error: PageError) -> FetchError:
        """`error` with what the ledger needs."""
        return FetchError(
            error.error_class,
            error.code,
            error.message,
            url=self.request.url,
            final_url=self.url,
            status=self.status,
            redirects=self.redirects,
            wire_bytes=self._wire,
            elapsed=self.elapsed,
            retry_after=error.retry_after,
            robots_ignored=self.robots_ignored,
        )

    def _is_conditional(self) -> bool:
        owner = self.request.validators_url or self.request.url
        return bool(self.request.validators) and self.url == canonicalize(owner)

    def _target(self, location: str | None) -> str:
        try:
            if not location:
                raise InvalidUrl(location, "is no place to go; a redirect needs a Location")
            return canonicalize(location, self.url)
        except InvalidUrl as error:
            raise PageError(ErrorClass.INVALID, "redirect_invalid", str(error)) from error

    def _refuse_over(self, size: int) -> None:
        limit = self.request.max_bytes
        if size > limit:
            raise PageError(
                ErrorClass.QUOTA, "body_too_large", f"the body is larger than {limit} bytes"
            )

    def _fetched(self, headers: httpx.Headers, modified: bool) -> FetchResult:
        assert self.status is not None
        content_type, charset = response_head.content_type_of(headers)
        validators = response_head.validators_of(headers)
        return FetchResult(
            url=self.request.url,
            final_url=self.url,
            status=self.status,
            redirects=self.redirects,
            content_type=content_type,
            charset=charset,
            validators=validators if modified or validators else self.request.validators,
            modified=modified,
            content_length=self._decoded,
            wire_bytes=self._wire,
            max_age=response_head.max_age_of(headers),
            elapsed=self.elapsed,
            robots_tag=response_head.robots_tag_of(headers),
            crawl_delay=self.crawl_delay,
            date=response_head.date_of(headers),
            robots_ignored=self.robots_ignored,
        )
