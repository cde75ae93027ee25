"""The one list of error classes; the class decides retry, ledger outcome and report line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class ErrorClass(StrEnum):
    """What kind of failure it was, set where the failure is raised."""

    TRANSIENT = "transient"  # may succeed later: time-outs, resets, 5xx
    THROTTLED = "throttled"  # the host asked for patience: 429, 503 with Retry-After
    GONE = "gone"  # 404, 410: the page is not there
    BLOCKED = "blocked"  # robots.txt, 401, 403, a refused network address
    INVALID = "invalid"  # the content or the address cannot be used; never retried
    QUOTA = "quota"  # over a limit set for size, pages or time
    BUG = "bug"  # our own fault


@dataclass(frozen=True, slots=True)
class Handling:
    """What a class of errors means for the page, the run and the people who read of it."""

    retried: bool
    """Whether the same run (or the same single fetch) may try the page again."""
    soon: bool
    """Whether the next run's check backs off from an hour, not from the source's cadence."""
    expected: bool
    """The web's doing: no alarm, no traceback in the log."""
    says: str
    """The class in a report's words, after a number of pages."""


_HANDLING = {
    ErrorClass.TRANSIENT: Handling(True, True, True, "did not answer, or with a server error"),
    ErrorClass.THROTTLED: Handling(True, True, True, "asked for patience (429, 503)"),
    ErrorClass.GONE: Handling(False, False, True, "are not there (404, 410)"),
    ErrorClass.BLOCKED: Handling(False, False, True, "are refused (robots.txt, 401, 403)"),
    ErrorClass.INVALID: Handling(False, False, True, "cannot be used (address or content)"),
    ErrorClass.QUOTA: Handling(False, False, True, "are over a limit (size, time, pages)"),
    ErrorClass.BUG: Handling(False, True, False, "hit a fault of Atlas"),
}

Outcome = Literal["failed", "skipped"]

NOINDEX = "noindex"
"""Code of a page that asks to be left out of the index."""
PURGED = "purged"
"""Code of an address that was erased for good, and of what leads there."""
PURGED_SAYS = (
    "the address was erased with `atlas purge` and is kept away; "
    "`atlas purge --allow URL` lets it be collected again"
)
"""It does not name the address."""
HELD = (
    "suspicious_body",
    "cut_body",
    "undone_body",
    "login_page",
    "challenge_page",
    "block_page",
    "consent_wall",
    "soft_404",
    "maintenance_page",
    "error_page",
)
"""Codes of pages whose new text was held: by what it is (`suspicious_bodies.py`, `bad_bodies/`), or
because a person undid it."""
SET_ASIDE = "set_aside"
"""Code of a request that was cut short because its host kept others waiting: no failure; the page
is asked for again, with its full time."""


def handling(error_class: ErrorClass) -> Handling:
    """The row of the table."""
    return _HANDLING[error_class]


def outcome_of(error: PageError) -> Outcome:
    """The outcome of a page in its run's record: one that leads to another is not missing, and one
    that asks to be left out is not broken."""
    skipped = error.code.startswith("redirected") or error.code in (NOINDEX, PURGED)
    return "skipped" if skipped else "failed"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how soon what failed is tried again; seconds."""

    attempts: int = 3
    delay: float = 5.0
    """Before the first repetition; doubles each time."""
    patience: float = 600.0
    """The longest pause that is waited for."""

    def pause(self, error: PageError, attempt: int) -> float | None:
        """Seconds after the failed `attempt` (from 1) until the next one; None: it is given up."""
        if not handling(error.error_class).retried or attempt >= self.attempts:
            return None
        pause = max(error.retry_after or 0.0, self.delay * 2 ** (attempt - 1))
        return pause if pause <= self.patience else None


class PageError(Exception):
    """A failure that belongs to one page: recorded by name, never fails a run.

    `code` is a short snake_case name such as ``redirect_loop``; `retry_after` is in seconds.
    """

    def __init__(
        self, error_class: ErrorClass, code: str, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.code = code
        self.message = message
        self.retry_after = retry_after


_HOST_CODES = frozenset(
    "dns_failure connect_timeout connection_refused connect_failed tls_certificate tls_failure "
    "header_timeout read_timeout connection_closed connection_reset network_error "
    "http_502 http_503 http_504 http_429 "
    # Not the host's doing, but its pages wait for the proxy as they would for the host.
    "proxy_unreachable proxy_login".split()
)


_SILENT_CODES = frozenset(
    "address_refused port_refused proxy_refused invalid_url total_timeout".split()
)

HostVerdict = Literal["up", "down", "unknown"]


def verdict_on_host(error: PageError) -> HostVerdict:
    """What a failed request says of its host, whichever page was asked for.

    A 500 is one page's: the host answered. So is a body that was cut off.
    """
    if error.code in _HOST_CODES:
        return "down"
    return "unknown" if error.code in _SILENT_CODES else "up"


class SlotDeadline(Exception):
    """No slot at the host before the activity has to stop: the page goes back to the queue.

    `wait`: seconds until the host may be asked again.
    """

    def __init__(self, host: str, wait: float) -> None:
        super().__init__(host)
        self.host = host
        self.wait = wait


class HostClosed(SlotDeadline):
    """The host is down (its breaker is open) or asked for patience: nothing was sent.

    `down_for`: seconds since the first of its failures in a row. `reason`: the last one's words.
    """

    def __init__(
        self, host: str, wait: float, *, down_for: float, throttled: bool, reason: str
    ) -> None:
        super().__init__(host, wait)
        self.down_for = down_for
        self.throttled = throttled
        self.reason = reason

    def as_error(self) -> PageError:
        """The failure of a page that cannot wait for its host."""
        if self.throttled:
            words = f"{self.host} asked for patience: {self.reason}"
            return PageError(ErrorClass.THROTTLED, "host_throttled", words, retry_after=self.wait)
        words = f"{self.host} is down: {self.reason}"
        return PageError(ErrorClass.TRANSIENT, "host_down", words, retry_after=self.wait)
