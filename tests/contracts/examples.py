"""One full example of every contract. `python -m tests.contracts.examples` records those that
have no file in `recorded/` yet; a recorded file is never changed, for a worker of that age may
still be answering."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel

from atlas.contracts import activities as a
from atlas.contracts import deduplicate_documents as d
from atlas.contracts import fetch_url as f
from atlas.contracts import jobs as j
from atlas.contracts import rebuild_index as r
from atlas.contracts import sync_pipeline as s
from atlas.contracts import weekly_report as w
from atlas.contracts.models import Counts
from tests.contracts import (
    examples_audit,
    examples_cleanup,
    examples_collect,
    examples_deletions,
    examples_export,
    examples_health,
    examples_processing,
    examples_purge,
    examples_push,
    examples_restore,
)

RECORDED = Path(__file__).parent / "recorded"

_COUNTS = Counts(seen=9, added=3, updated=2, unchanged=1, failed=2, skipped=1)
_FAILURE = s.Failure(
    url="https://example.org/a", error_class="gone", code="not_found", message="404"
)
_OUTCOME = s.SourceOutcome(
    source="docs",
    outcome="completed",
    counts=_COUNTS,
    workflow_id="sync_pipeline:docs",
    run_id="0190",
    message="none",
)
_STATE = s.SyncState(
    level=2,
    listed=True,
    lane_numbers=[4, 5, 6],
    paused_since=1.5,
    complete=False,
    message="a part could not be read",
    after="docs",
    totals=_COUNTS,
    outcomes=[_OUTCOME],
    events=3001,
)

_WEEK_TOTALS = w.WeekTotals(added=3, changed=2, gone=1, live=9, requests=12, failed=2, silent=1)

_DUPLICATES = d.DuplicateCounts(
    texts=9,
    pages=12,
    exact_groups=1,
    near_groups=2,
    duplicates=5,
    marked=4,
    unmarked=1,
    drifted=3,
    repaired=2,
)
_MEMBER = d.GroupMember(url="https://example.org/b", kind="near", similarity=0.875)
_GROUP = d.Group(winner="https://example.org/a", kind="near", pages=2, texts=2, members=[_MEMBER])
_DEDUP_STATE = d.DedupState(
    stage=2,
    cursor="ab",
    checked=3,
    drifted=2,
    repaired=1,
    texts=9,
    pages=12,
    progress=j.Progress(stage="finding groups", done=3, total=9, of="pages"),
    started=1.5,
    events=3001,
)

_REBUILD_STATE = r.RebuildState(
    generation=2,
    after="ab" * 32,
    progress=j.Progress(stage="copying", done=3, total=9, of="texts"),
    started=1.5,
    events=3001,
)
_GATE = r.Gate(name="queries", passed=False, detail="49 of 50")
_LOSS = r.Loss(query="lighthouse", found=10, lost=["https://example.org/a"])

EXAMPLES: list[BaseModel] = [
    _COUNTS,
    _FAILURE,
    _OUTCOME,
    _STATE,
    s.SyncRequest(
        sources=["docs"],
        due=True,
        wait_for_lease=True,
        trigger="schedule",
        lanes=2,
        batch=50,
        max_history_events=500,
        state=_STATE,
    ),
    s.SyncResult(
        workflow_id="sync_pipeline:docs",
        run_id="0190",
        outcome="completed_with_failures",
        counts=_COUNTS,
        complete=True,
        removed=1,
        levels=3,
        failures=[_FAILURE],
        sources=[_OUTCOME],
        message="none",
        events=42,
    ),
    s.SyncProgress(
        source="docs",
        stage="paused",
        level=1,
        counts=_COUNTS,
        paused=True,
        paused_since=1.5,
        sources_done=1,
        sources_total=2,
    ),
    f.FetchUrlRequest(
        url="https://example.org/",
        force=True,
        timeout=5.0,
        max_bytes=1000,
        max_redirects=2,
        robots="ignore",
    ),
    f.Hop(url="https://example.org/", status=301),
    f.FetchUrlResult(
        url="https://example.org/",
        status_code=200,
        content_length=10,
        success=True,
        final_url="https://example.org/b",
        redirects=[f.Hop(url="https://example.org/", status=301)],
        etag='"1"',
        last_modified="Tue, 24 Nov 2026 08:00:00 GMT",
        content_type="text/html",
        content_hash="ab" * 32,
        modified=True,
        elapsed=0.5,
        error_class="transient",
        error_code="read_timeout",
        error="fell silent",
    ),
    f.RenderOne(
        request=f.FetchUrlRequest(url="https://example.org/", render="when_needed"),
        found=f.FetchUrlResult(url="https://example.org/", error_code="needs_browser"),
    ),
    f.NotRendered(
        result=f.FetchUrlResult(url="https://example.org/", error_code="no_browser"),
    ),
    a.ResolveSources(names=["docs"], all=True, after="a", limit=10),
    a.ResolvedSources(names=["docs"], unknown=["dcos"], message="no source", last="docs"),
    a.OpenRun(
        run_id="0190", workflow_id="sync_pipeline:docs", source="docs", trigger="cli", due=True
    ),
    a.RunOpened(outcome="already_running", message="held", kind="site", levels=3),
    a.ListLevel(run_id="0190", level=1),
    a.LevelListed(pages=5, complete=False, failed=True, unfinished=2, message="no", counts=_COUNTS),
    a.Batch(run_id="0190", lane=1, number=7),
    a.ClaimBatch(run_id="0190", lane=1, number=7, level=2, size=50),
    a.Claimed(pages=50, wait=2.5, counts=_COUNTS),
    a.Fetched(to_process=40),
    a.Processed(to_settle=39),
    a.BatchRendered(left=3),
    a.WithoutBrowser(served=True),
    a.Settled(counts=_COUNTS),
    a.CloseRun(run_id="0190", outcome="cancelled", complete=True, message="stop"),
    a.RunClosed(
        outcome="completed", counts=_COUNTS, removed=1, failures=[_FAILURE], message="braked"
    ),
    a.PauseRun(run_id="0190", paused=True),
    j.Progress(
        stage="copying",
        done=3,
        total=9,
        of="texts",
        counts=_COUNTS,
        paused=True,
        paused_since=1.5,
        note="half",
    ),
    j.BeginJob(run_id="0190", workflow_id="rebuild_index", kind="rebuild_index", trigger="cli"),
    j.EndJob(run_id="0190", outcome="completed", message="none", summary={"texts": 9}),
    j.JobPaused(run_id="0190", paused=True),
    _REBUILD_STATE,
    r.RebuildRequest(
        reason="new analyser",
        queries=["lighthouse"],
        min_overlap=0.9,
        keep_days=1.5,
        chunk=100,
        trigger="cli",
        max_history_events=500,
        state=_REBUILD_STATE,
    ),
    _GATE,
    _LOSS,
    r.RebuildResult(
        workflow_id="rebuild_index",
        run_id="0190",
        outcome="gate_failed",
        generation=2,
        previous=1,
        texts=9,
        entries=10,
        tokens=900,
        gates=[_GATE],
        losses=[_LOSS],
        seconds=1.5,
        events=60,
        message="the old index still serves",
    ),
    r.StartGeneration(run_id="0190", workflow_id="rebuild_index"),
    r.GenerationStarted(generation=2, texts=9, message="none"),
    r.CopyTexts(generation=2, after="ab" * 32, chunk=100),
    r.TextsCopied(last="cd" * 32, texts=9),
    r.CheckGeneration(generation=2, queries=["lighthouse"], min_overlap=0.9),
    r.GenerationChecked(gates=[_GATE], losses=[_LOSS], texts=9, entries=10, tokens=900),
    r.SwitchGeneration(run_id="0190", generation=2, keep_days=1.5),
    r.GenerationSwitched(active=2, previous=1, message="none"),
    r.MarkSettled(generation=2),
    r.DropGenerations(run_id="0190"),
    r.GenerationsDropped(dropped=[1]),
    w.WeeklyRequest(week="2026-W47", trigger="cli"),
    _WEEK_TOTALS,
    w.WeeklyResult(
        workflow_id="weekly_report",
        run_id="0190",
        outcome="no_data",
        week="2026-W47",
        first_day="2026-11-16",
        last_day="2026-11-22",
        days=5,
        hashes={"json": "ab" * 32},
        totals=_WEEK_TOTALS,
        message="figures begin later",
    ),
    w.ChooseWeek(week="2026-W47", scheduled=datetime(2026, 11, 23, 6, tzinfo=UTC)),
    w.WeekChosen(
        week="2026-W47",
        first_day=date(2026, 11, 16),
        last_day=date(2026, 11, 22),
        refused="not over",
    ),
    w.FreezeDays(until=date(2026, 11, 22), limit=3),
    w.DaysFrozen(frozen=3, last_day=date(2026, 11, 22), remaining=2),
    w.MakeReport(week="2026-W47"),
    w.ReportMade(
        outcome="no_data",
        days=5,
        hashes={"json": "ab" * 32},
        totals=_WEEK_TOTALS,
        message="figures begin later",
    ),
    _DEDUP_STATE,
    d.DeduplicateRequest(
        sources=["docs"],
        kind="near",
        threshold=0.9,
        winner="oldest",
        apply=True,
        minutes=2.5,
        chunk=500,
        trigger="cli",
        max_history_events=500,
        state=_DEDUP_STATE,
    ),
    _DUPLICATES,
    _MEMBER,
    _GROUP,
    d.DeduplicateResult(
        workflow_id="deduplicate_documents:docs",
        run_id="0190",
        outcome="limit_reached",
        applied=True,
        counts=_DUPLICATES,
        groups=[_GROUP],
        manifest="ab" * 32,
        seconds=1.5,
        events=42,
        message="none",
    ),
    d.CheckPart(stage="evidence", cursor="ab", sources=["docs"], chunk=500, repair=True),
    d.DecideGroups(
        run_id="0190",
        cursor="ab",
        sources=["docs"],
        kind="near",
        threshold=0.9,
        winner="oldest",
        apply=True,
        chunk=500,
    ),
    d.PartDone(cursor="ab", checked=3, drifted=2, repaired=1),
    d.DescribeScope(sources=["docs"]),
    d.ScopeDescribed(texts=3, pages=4, message="unknown"),
    d.ReportGroups(run_id="0190", sources=["docs"], apply=True, complete=False),
    d.GroupsReported(counts=_DUPLICATES, groups=[_GROUP], manifest="ab" * 32),
    d.ForgetGroups(run_id="0190"),
    *examples_health.EXAMPLES,
    *examples_processing.EXAMPLES,
    *examples_restore.EXAMPLES,
    *examples_audit.EXAMPLES,
    *examples_cleanup.EXAMPLES,
    *examples_purge.EXAMPLES,
    *examples_push.EXAMPLES,
    *examples_collect.EXAMPLES,
    *examples_deletions.EXAMPLES,
    *examples_export.EXAMPLES,
]

LEAST: dict[type[BaseModel], dict[str, object]] = {
    s.SyncRequest: {"sources": ["docs"]},
    **examples_processing.LEAST,
    **examples_purge.LEAST,
    **examples_push.LEAST,
    **examples_export.LEAST,
    **examples_restore.LEAST,
}
"""Of requests of which something must be said, although no one field is required."""


def path(model: type[BaseModel]) -> Path:
    return RECORDED / f"{model.__name__}.json"


def record() -> None:
    """The least and the most that a worker of today sends, for models not yet recorded."""
    for example in EXAMPLES:
        model = type(example)
        full = example.model_dump(mode="json")
        least = {name: full[name] for name, field in model.model_fields.items()
                 if field.is_required()}  # fmt: skip
        least = LEAST.get(model, least)
        if not path(model).exists():
            path(model).write_text(json.dumps({"least": least, "full": full}, indent=1) + "\n")


if __name__ == "__main__":
    record()
