"""When a held body becomes the page's own by itself: pure rules."""

from __future__ import annotations

from datetime import datetime, timedelta

LOOKS = 3
"""Looks in a row that must have found one text, or nearly."""
SPACING = timedelta(days=1)
"""Two looks count as two if so far apart, or if two scheduled runs made them."""
PATIENCE = timedelta(days=1)
"""The first and the last look are at least so far apart: a schedule may run every few minutes, and
a site's bad day lasts hours."""


def counts(*, last: datetime, same_run: bool, scheduled: bool, now: datetime) -> bool:
    """Whether a look adds to those before, the last of them counted at `last`."""
    return not same_run and (scheduled or now - last >= SPACING)


def is_real(looks: int, *, first: datetime, now: datetime) -> bool:
    """Whether so many counted looks make the body the page's own."""
    return looks >= LOOKS and now - first >= PATIENCE
