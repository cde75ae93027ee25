"""When a page is checked next: from how often it changed, within bounds. Pure rules, no clock.

The model is that of Cho and Garcia-Molina, "Estimating Frequency of Change" (ACM Transactions on
Internet Technology 3(3), 2003): changes of a page are a Poisson process of which each check sees
only whether there was one since the check before. Where they add half an observation against the
bias of few checks, this adds one check that saw a change and one that did not, a cadence apart
each (Laplace's rule): a page never checked is expected to change once in a cadence as likely as
not, and one that never changed still gets a finite interval.

A page is due again when a change is as likely as not.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.errors import ErrorClass, handling

LONGEST_CADENCES = 4
"""A page that never changes is checked this many cadences after its last check at the latest."""

_MEMORY = 0.8
"""What a check a cadence later leaves of the weight of those before it: about five count."""

_FORGOTTEN = 0.5
"""Weight of changes below which the page counts as one that does not change."""

_SPREAD = 0.5
"""The share of what an interval has above its floor by which the page's place may shorten it."""

_SLACK = 0.1
"""Share of the cadence by which a run may be early (its schedule's jitter) and find pages due."""

_FIRST_BACK_OFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class History:
    """What checks saw of a page: fading counts of checks and changes, and the seconds between."""

    checks: float = 0.0
    changes: float = 0.0
    watched: float = 0.0

    def seen(self, *, changed: bool, after: timedelta, cadence: timedelta) -> History:
        """The history with one more check, `after` the one before.

        A check soon after another says little, so it makes little of the past fade.
        """
        seconds = max(0.0, after.total_seconds())
        keep = _MEMORY ** min(1.0, seconds / cadence.total_seconds())
        return History(
            self.checks * keep + 1.0,
            self.changes * keep + float(changed),
            self.watched * keep + seconds,
        )


@dataclass(frozen=True, slots=True)
class Stated:
    """What the server says: seconds for which the page is fresh (Cache-Control, Expires), and for
    which it wants no request (Retry-After)."""

    max_age: float | None = None
    retry_after: float | None = None


def longest(cadence: timedelta) -> timedelta:
    """The longest that a page goes unchecked while its checks succeed."""
    return cadence * LONGEST_CADENCES


def slack(cadence: timedelta) -> timedelta:
    """How much before its time a page counts as due: else a run a minute early misses it for a
    whole cadence."""
    return cadence * _SLACK


def expected(history: History, cadence: timedelta) -> timedelta:
    """The interval after which a change is as likely as not, unbounded."""
    chance = (history.changes + 1.0) / (history.checks + 2.0)
    pause = (history.watched + 2.0 * cadence.total_seconds()) / (history.checks + 2.0)
    return timedelta(seconds=min(math.log(0.5) / math.log1p(-chance) * pause, 1e9))


def interval(history: History, cadence: timedelta, stated: Stated, url: str) -> timedelta:
    """How long after a successful check the page is due: from one cadence to `longest`.

    A freshness that the server states counts unless the page was seen to change within it. The
    page's place (`place_of`) spreads those that would else fall due together.
    """
    most = longest(cadence)
    floor = cadence
    if stated.max_age and history.changes < _FORGOTTEN:
        floor = min(max(cadence, timedelta(seconds=stated.max_age)), most)
    ideal = min(max(expected(history, cadence), floor), most)
    return floor + (ideal - floor) * (1.0 - _SPREAD * place_of(url))


def back_off(error: ErrorClass, failures: int, cadence: timedelta, stated: Stated) -> timedelta:
    """How long after its `failures`th failed run in a row (1 or more) the page is due.

    What may pass is tried again after an hour (or the cadence, if shorter), doubling; a page that
    is not there, is refused or cannot be used after a cadence, doubling. Never later than
    `longest`, but never before the Retry-After that the server asked for.
    """
    first = min(_FIRST_BACK_OFF, cadence) if handling(error).soon else cadence
    # A second and a third look at a 404 are evidence: the doubling begins when they have been had.
    doublings = failures - 2 if error is ErrorClass.GONE else failures - 1
    pause = min(first * 2.0 ** min(max(doublings, 0), 20), longest(cadence))
    # Pauses of whole cadences leave the next run its slack; an hour is meant as an hour.
    pause -= timedelta() if handling(error).soon else slack(cadence)
    return max(pause, timedelta(seconds=stated.retry_after or 0.0))


def listing_interval(cadence: timedelta, ttl: float | None) -> timedelta:
    """How long after a listing was read it is due: a cadence, or longer (up to `longest`) where a
    feed's `<ttl>` or `sy:updatePeriod` says, in seconds, that it is not worth reading sooner."""
    return min(max(cadence, timedelta(seconds=ttl or 0.0)), longest(cadence))


def latest_sense(said: datetime, now: datetime) -> datetime:
    """The latest moment that a listing's word for when a page changed (a sitemap's `lastmod`) can
    mean: a date without a time is any time of that day, as far as that is not to come."""
    if (said.hour, said.minute, said.second) != (0, 0, 0):
        return said
    return max(said, min(said + timedelta(days=1), now))


def due_from(checked: datetime, run_started: datetime, cadence: timedelta) -> datetime:
    """From when an interval counts: the run's start, so that the next run of a schedule finds all
    that this one checked due again; of a long run, half a cadence before the check at most."""
    return max(run_started, checked - cadence / 2)


def place_of(url: str) -> float:
    """The page's place in [0, 1), always the same: by the hash of its URL, not by chance."""
    return int.from_bytes(hashlib.sha256(url.encode()).digest()[:8]) / 2**64
