"""Clocks that should agree."""

from __future__ import annotations

from datetime import datetime

MOST_SKEW = 60.0
"""Seconds by which a worker's clock may differ from the database's: signatures of S3, Retry-After
and the times in logs are still right within them."""

NTP_SKEW = 5.0
"""Seconds: clocks that differ by more are not synchronised by NTP and will drift further."""


def beyond(moment: datetime, before: datetime, after: datetime) -> float:
    """How far a time read from another clock lies outside the span in which, by ours, it was
    read; in seconds; positive: the other clock is ahead."""
    if moment > after:
        return (moment - after).total_seconds()
    return min((moment - before).total_seconds(), 0.0)
