"""When a held body becomes the page's own by itself: pure rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from atlas.domain.removal.removal_rules import RemovalSign, enough
from atlas.domain.sources import Deletion

PATIENCE = timedelta(days=1)
"""The first and the last look are at least so far apart: a schedule may run every few minutes, and
a site's bad day lasts hours."""


def is_real(policy: Deletion, looks: int, *, first: datetime, now: datetime) -> bool:
    """Whether so many counted looks make the body the page's own, under the most careful policy of
    the page's sources."""
    return enough(policy, RemovalSign.SUSPICIOUS, looks) and now - first >= PATIENCE
