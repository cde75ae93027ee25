"""Counts and times the work of this process, through the meter of the Temporal SDK's core.

A count costs some microseconds; without an export the meter does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

from temporalio.common import MetricCounter, MetricHistogramTimedelta, MetricMeter

from atlas.domain.errors import ErrorClass
from atlas.domain.media_kinds import Media
from atlas.telemetry import instruments as own

if TYPE_CHECKING:
    from atlas.domain.batch import FetchRow
    from atlas.telemetry.instruments import Instrument

FETCH_OUTCOMES = ("modified", "same", "not_modified", "redirected")
OUTCOMES = ("added", "updated", "unchanged", "failed", "skipped")
NO_ERROR = "none"
_CODES = 50
"""Codes of failed extractions that get series of their own."""


class CountedMeasures:
    """Counters and histograms of what this process does (`atlas.domain.measures`)."""

    def __init__(self, meter: MetricMeter) -> None:
        self._fetches = _counter(meter, own.FETCHES)
        self._bytes = _counter(meter, own.FETCH_BYTES)
        self._fetch_time = _durations(meter, own.FETCH_DURATION)
        self._delay = _durations(meter, own.HOST_DELAY)
        self._breakers = _counter(meter, own.BREAKERS)
        self._extraction = _durations(meter, own.EXTRACTION_DURATION)
        self._unreadable = _counter(meter, own.EXTRACTION_FAILURES)
        self._spared = _counter(meter, own.EXTRACTIONS_SPARED)
        self._rendering = _durations(meter, own.RENDERING_DURATION)
        self._unrendered = _counter(meter, own.RENDERING_FAILURES)
        self._truncated = _counter(meter, own.TRUNCATED)
        self._documents = _counter(meter, own.DOCUMENTS)
        self._duplicates = _counter(meter, own.DUPLICATES)
        self._codes: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        """Start every series at 0: a rate needs a value before the first event."""
        for outcome in FETCH_OUTCOMES:
            self._fetches.add(0, {"outcome": outcome, "error_class": NO_ERROR})
        for kind in ErrorClass:
            self._fetches.add(0, {"outcome": "failed", "error_class": kind.value})
        for counter in (self._bytes, self._breakers, self._spared):
            counter.add(0)
        for media in get_args(Media):
            self._truncated.add(0, {"media": media})
        self.ended(dict.fromkeys(OUTCOMES, 0))
        self.duplicates(0, 0)

    def fetched(self, row: FetchRow) -> None:
        if not row.asked:
            return
        outcome = _outcome(row)
        failed = row.error.error_class.value if row.error and outcome == "failed" else NO_ERROR
        self._fetches.add(1, {"outcome": outcome, "error_class": failed})
        self._bytes.add(row.wire_bytes or 0)
        self._fetch_time.record(timedelta(seconds=row.elapsed), {"outcome": outcome})

    def host_waited(self, seconds: float) -> None:
        self._delay.record(timedelta(seconds=seconds))

    def breaker_opened(self) -> None:
        self._breakers.add(1)

    def extracted(self, media: str, seconds: float, failure: str | None) -> None:
        self._extraction.record(timedelta(seconds=seconds), {"media": media})
        if failure is not None:
            self._unreadable.add(1, {"error_code": self._known(failure)})

    def spared(self) -> None:
        self._spared.add(1)

    def rendered(self, seconds: float, failure: str | None) -> None:
        outcome = "done" if failure is None else "failed"
        self._rendering.record(timedelta(seconds=seconds), {"outcome": outcome})
        if failure is not None:
            self._unrendered.add(1, {"error_code": self._known(failure)})

    def truncated(self, media: str) -> None:
        self._truncated.add(1, {"media": media})

    def _known(self, code: str) -> str:
        """The code, or `other` beyond the first `_CODES`: it comes from a process that a document
        may have taken over, and each distinct code makes a permanent series."""
        if len(self._codes) < _CODES:
            self._codes.add(code)
        return code if code in self._codes else "other"

    def ended(self, outcomes: Mapping[str, int]) -> None:
        for outcome, pages in outcomes.items():
            self._documents.add(pages, {"outcome": outcome})

    def duplicates(self, exact: int, near: int) -> None:
        self._duplicates.add(exact, {"kind": "exact"})
        self._duplicates.add(near, {"kind": "near"})


class Gauge:
    """A gauge without a label, or one whose series, by its one label, can come and go.

    The SDK exports a series for ever once it was set; one that no longer exists becomes NaN, which
    no panel draws and no alert matches.
    """

    def __init__(self, meter: MetricMeter, instrument: Instrument) -> None:
        self._label = "".join(instrument.labels)
        self._gauge = meter.create_gauge_float(
            instrument.name, instrument.says, "" if instrument.unit != "seconds" else "s"
        )
        self._shown: set[str] = set()

    def set(self, value: float) -> None:
        """The one value of a gauge without labels."""
        self._gauge.set(value)

    def replace(self, values: Mapping[str, float]) -> None:
        """All current values, by the value of the label."""
        for label in self._shown - values.keys():
            self._gauge.set(float("nan"), {self._label: label})
        for label, value in values.items():
            self._gauge.set(value, {self._label: label})
        self._shown |= values.keys()


def _counter(meter: MetricMeter, instrument: Instrument) -> MetricCounter:
    return meter.create_counter(instrument.bare, instrument.says)


def _durations(meter: MetricMeter, instrument: Instrument) -> MetricHistogramTimedelta:
    return meter.create_histogram_timedelta(instrument.bare, instrument.says, "duration")


def _outcome(row: FetchRow) -> str:
    if row.redirected:
        return "redirected"
    if row.error is not None:
        return "failed"
    if row.status == 304:
        return "not_modified"
    return "same" if row.settled else "modified"
