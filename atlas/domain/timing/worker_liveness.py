"""Whether a worker lives, by its heartbeats: pure rules that no clock's error misleads.

A heartbeat carries the time of the worker's clock, and Temporal goes on calling a killed worker
running. What proves life is that the time *moves* between two looks; from when it moved we learn
how far the worker's clock is from ours, and so the true age of each later heartbeat. A first look
has nothing to compare with: it believes a heartbeat that is fresh by our clock, and calls any
other one doubtful, to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LOST_AFTER = 3.0
"""Seconds without a heartbeat after which a worker that beats each second counts as lost."""


def patience(interval: float) -> float:
    """How old the last heartbeat of a living worker may be; `interval`: seconds between its last
    two (0: not known). Workers of older versions beat each minute."""
    return max(LOST_AFTER, 2.0 * interval + 1.0)


@dataclass(slots=True)
class Pulse:
    """One worker's heartbeats, as one who looks saw them; times in seconds."""

    at: float
    """The last heartbeat, by the worker's clock."""
    _offset: float | None = None  # our clock minus the worker's, at most a look's distance too big

    def look(self, at: float, now: float) -> None:
        """Take note of the last heartbeat that is known `now`."""
        if at != self.at:  # it beat since the look before
            offset = now - at
            self._offset = offset if self._offset is None else min(self._offset, offset)
            self.at = at

    def age(self, now: float) -> float:
        """Seconds since the last heartbeat."""
        return max(0.0, now - self.at - (self._offset or 0.0))

    def doubtful(self, now: float, interval: float) -> bool:
        """Whether only another look can decide."""
        return self._offset is None and abs(now - self.at) > patience(interval)

    def lost(self, now: float, interval: float) -> bool:
        """Whether it has not beaten for too long."""
        return self.doubtful(now, interval) or self.age(now) > patience(interval)


@dataclass(slots=True)
class Pulses:
    """The pulses of many workers, by key; those no longer reported are forgotten."""

    _known: dict[str, Pulse] = field(default_factory=dict)

    def look(self, beats: dict[str, float], now: float) -> dict[str, Pulse]:
        """Take note of a look: the last heartbeat of each worker, by the workers' clocks."""
        self._known = {key: self._known.get(key) or Pulse(at) for key, at in beats.items()}
        for key, at in beats.items():
            self._known[key].look(at, now)
        return self._known
