"""The one list of error classes; the class decides retry, ledger outcome and report line."""

from enum import StrEnum


class ErrorClass(StrEnum):
    """What kind of failure it was, set where the failure is raised."""

    TRANSIENT = "transient"  # may succeed later: time-outs, resets, 5xx
    THROTTLED = "throttled"  # the host asked for patience: 429, 503 with Retry-After
    GONE = "gone"  # 404, 410: the page is not there
    BLOCKED = "blocked"  # robots.txt, 401, 403, a refused network address
    INVALID = "invalid"  # the content or the address cannot be used; never retried
    QUOTA = "quota"  # over a limit set for size, pages or time
    BUG = "bug"  # our own fault


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


class SlotDeadline(Exception):
    """No slot at the host before the activity has to stop: the page goes back to the queue.

    `wait`: seconds until the host may be asked again.
    """

    def __init__(self, host: str, wait: float) -> None:
        super().__init__(host)
        self.wait = wait
