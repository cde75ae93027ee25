"""Examples of the contracts of collecting."""

from datetime import UTC, datetime

from pydantic import BaseModel

from atlas.contracts import activities as a
from atlas.contracts import collect as c
from atlas.contracts import sync_pipeline as s
from atlas.contracts import work as w
from atlas.contracts.models import Counts

_COUNTS = Counts(seen=9, added=3, updated=2, unchanged=1, failed=2, skipped=1)
_LIMITS = w.Limits(pages=100, bytes=1_000_000, minutes=30.0)
_IN_FORCE = w.RunLimits(
    pages=100, bytes=1_000_000, minutes=30.0, deadline=datetime(2026, 11, 24, 18, tzinfo=UTC)
)
_WAITING = s.WaitingSource(source="docs", host="example.org")
_STATE = s.SyncState(
    level=1,
    listed=True,
    lane_numbers=[4],
    after="50",
    opened=False,
    kind="site",
    limits=_IN_FORCE,
    cut=True,
    waiting=[_WAITING],
    done=7,
    total=60,
    bytes=4096,
    by_outcome={"completed": 7},
    exhausted=True,
)
_FAILURE = s.Failure(url="https://example.org/a", error_class="gone", code="not_found")
_OUTCOME = s.SourceOutcome(source="docs", outcome="limit_reached", counts=_COUNTS, bytes=4096)
_SELECTION = {"sources": ["docs"], "tags": ["news"], "due": True}

EXAMPLES: list[BaseModel] = [
    _LIMITS,
    _IN_FORCE,
    _WAITING,
    c.CollectRequest(
        source="docs",
        mode="failed",
        limits=_LIMITS,
        wait_for_lease=True,
        trigger="cli",
        lanes=2,
        batch=50,
        max_history_events=500,
        state=_STATE,
    ),
    c.CollectResult(
        workflow_id="collect_from_source:docs",
        run_id="0190",
        source="docs",
        outcome="limit_reached",
        counts=_COUNTS,
        complete=True,
        skipped={"budget": 1},
        bytes=4096,
        removed=1,
        failures=[_FAILURE],
        message="none",
        events=42,
    ),
    c.AddUrls(urls=["https://example.org/a"]),
    c.RefusedUrl(url="no url", reason="no scheme"),
    c.UrlsAdded(
        added=1, known=2, refused=1, refusals=[c.RefusedUrl(url="no url", reason="no scheme")]
    ),
    c.CollectAllRequest(
        **_SELECTION,
        mode="full",
        limits=_LIMITS,
        parallel=3,
        trigger="client",
        lanes=2,
        batch=50,
        max_history_events=500,
        state=_STATE,
    ),
    c.CollectAllResult(
        workflow_id="collect_all_sources",
        run_id="0190",
        outcome="completed_with_failures",
        selected=2,
        counts=_COUNTS,
        bytes=4096,
        outcomes={"completed": 1, "limit_reached": 1},
        sources=[_OUTCOME],
        message="docs: limit_reached",
        events=42,
    ),
    c.HourlyRequest(
        trigger="manual", limits=_LIMITS, parallel=3, max_history_events=500, state=_STATE
    ),
    c.HourlyResult(
        workflow_id="hourly_collection",
        run_id="0190",
        outcome="completed",
        due=2,
        started=1,
        counts=_COUNTS,
        bytes=4096,
        outcomes={"completed": 1, "already_running": 1},
        sources=[_OUTCOME],
        message="none",
        events=42,
    ),
    a.EnlistUrls(run_id="0190", urls=["https://example.org/a"], level=1, limits=_IN_FORCE),
    a.ApplyLimits(run_id="0190", level=1, limits=_IN_FORCE),
    a.PlanSources(run_id="0190", names=["docs"], tags=["news"], due=True, own_schedules=False),
    a.SourcesPlanned(sources=2, unknown=["dcos"], message="no source"),
    a.NextSources(run_id="0190", after=50, limit=10),
    a.PlannedPart(sources=[_WAITING], last=51),
]
