"""When a host counts as down, and how long it is then left alone: pure rules.

A circuit breaker (Nygard, "Release It!", 2007): closed while requests succeed; open after
`threshold` failures in a row that blame the host; after a pause half open, when one request at a
time tries it. A success closes it, a failure opens it for twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "throttled", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """Pauses in seconds."""

    threshold: int = 5
    first_pause: float = 30.0
    longest_pause: float = 600.0
    longest_asked: float = 900.0
    """For so long a page's Retry-After closes its host; the page itself waits as long as asked."""

    @classmethod
    def of(cls, threshold: int, first_pause: float, patience: float) -> Breaker:
        """The breaker of runs that wait `patience` seconds: no longer pause than that, so that
        every run tries a host that was down before it gives its pages up; but what was asked for
        is longer than that, and not waited for."""
        longest = max(first_pause, min(first_pause * 30, patience))
        return cls(threshold, first_pause, longest, longest * 1.5)

    def pause(self, failures: int) -> float | None:
        """How long the host is left alone after so many failures in a row; None: it is not."""
        if failures < self.threshold:
            return None
        doublings = min(failures - self.threshold, 30)
        return float(min(self.first_pause * 2.0**doublings, self.longest_pause))


def state_of(waits: float | None, *, throttled: bool) -> State:
    """What a host is now. `waits`: seconds before it may be asked, 0 or less if that is over,
    None if nothing closed it; `throttled`: it was closed by asking for patience."""
    if waits is None or (throttled and waits <= 0):
        return "closed"
    if waits <= 0:
        return "half_open"
    return "throttled" if throttled else "open"
