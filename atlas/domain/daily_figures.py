"""What is frozen of one UTC day, for ever: reports are made from this alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from atlas.domain.timing.silent_sources import SourceHistory
from atlas.domain.timing.weeks import Week

TOTAL = ""
"""The source name under which the whole corpus is counted: a page that several sources hold
counts once here, so the sources' figures need not add up to it."""

SLOTS_PER_DOUBLING = 4
SLOTS = 72
"""Slot k of a histogram holds elapsed times below 2 ** (k / 4) milliseconds, the last all others
(more than 220 s): about 19% from one to the next."""

Tree = Mapping[str, Mapping[str, int]]
"""Two names → how many."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One source's day, or the whole corpus's (`source` is `TOTAL`)."""

    day: date
    source: str
    added: int = 0
    """Pages that became live."""
    changed: int = 0
    """Live pages that got another text."""
    gone: int = 0
    """Pages that stopped being live."""
    requests: int = 0
    """HTTP attempts."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """2xx, 304, 3xx, 4xx, 5xx, none (no answer) → attempts."""
    errors: Tree = field(default_factory=dict)
    """Error class → code → attempts that failed so."""
    failed: Tree = field(default_factory=dict)
    """Error class → code → pages given up, of runs that ended on the day."""
    runs: Tree = field(default_factory=dict)
    """Workflow type → outcome → runs that ended on the day."""
    bytes: int = 0
    """Decoded bytes of bodies."""
    wire_bytes: int = 0
    """Bytes as they came over the network."""
    live: int = 0
    """Pages live at the end of the day."""
    texts: int = 0
    """Distinct texts of these."""
    near_texts: int = 0
    """Of these texts, those beyond the first of their cluster of near-duplicates."""
    truncated: int | None = None
    """Of the live pages, those whose text lacks a part of the body; None: not counted then."""
    fresh: int = 0
    """Of the live pages, those that were not overdue: one to four cadences after the last check, as
    the page needs it, and an hour for hourly_collection to come by."""
    age_median: float | None = None
    """Seconds since the last check of a live page, median."""
    age_p90: float | None = None
    paused: bool = False
    robots_ignored: bool = False
    """Whether its rules said that robots.txt is not asked at its own hosts."""
    objective: str | None = None
    """What its rules promised of freshness, such as `95% within 2h`."""
    achieved: float | None = None
    """Of its pages, the share that was seen in that time, as counted over the day; None: not
    counted."""


@dataclass(frozen=True, slots=True)
class DayStorage:
    """What the corpus took on disk when the day was frozen."""

    day: date
    blobs: int
    blob_bytes: int
    """Of the bodies, before compression."""
    stored_bytes: int
    """As they lie in the store; a body that no clean-up has seen there counts with its own size."""
    database_bytes: int


@dataclass(frozen=True, slots=True)
class HostDay:
    """How fast one host answered on one day."""

    day: date
    host: str
    requests: int
    failed: int
    median: float
    """Seconds."""
    p95: float
    slots: tuple[int, ...]
    """Histogram: see `SLOTS`."""


@dataclass(frozen=True, slots=True)
class FrozenWeeks:
    """The frozen days of a week and of the one before, and what is known of each source."""

    week: Week
    first_frozen: date | None
    """The oldest frozen day there is."""
    figures: tuple[DayFigures, ...]
    storage: tuple[DayStorage, ...]
    hosts: tuple[HostDay, ...]
    histories: Mapping[str, SourceHistory]
