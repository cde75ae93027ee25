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
    longest_pause: float = 900.0

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
