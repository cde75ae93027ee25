"""One full example of every contract of `daily_cleanup`."""

from datetime import UTC, datetime

from pydantic import BaseModel

from atlas.contracts import daily_cleanup as c
from atlas.contracts.jobs import Progress

_NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
_MISSING = c.MissingBlob(digest="ab" * 32, url="https://example.org/a")
_STATE = c.CleanupState(
    now=_NOW,
    progress=Progress(stage="removing versions", done=6, total=18),
    steps_done=6,
    place="12:3",
    capped=["versions"],
    partitions_made=["fetches_2026_12"],
    adopted=1,
    condemned=2,
    missing=1,
    notes=["fetches_2026_05 stays: 2026-05-31 not frozen for the reports"],
    events=3001,
)
_RUN = {"run_id": "0190", "now": _NOW, "dry_run": True}

EXAMPLES: list[BaseModel] = [
    _MISSING,
    _STATE,
    c.CleanupRequest(
        dry_run=True,
        max_deletions=500,
        classes=["versions", "runs"],
        trigger="schedule",
        max_history_events=500,
        state=_STATE,
    ),
    c.CleanupResult(
        workflow_id="daily_cleanup",
        run_id="0190",
        outcome="completed",
        dry_run=True,
        removed={"versions": 9},
        bytes_freed=1000,
        kept_by_cap={"runs": 3},
        condemned=2,
        adopted=1,
        missing=1,
        missing_blobs=[_MISSING],
        manifest="cd" * 32,
        partitions_made=["fetches_2026_12"],
        partitions_dropped=["fetches_2026_05"],
        message="none",
        events=42,
    ),
    c.CleanupRun(**_RUN),
    c.CleanupBegun(partitions_made=["fetches_2026_12"]),
    c.WorkShards(**_RUN, shard=7),
    c.ShardsWorked(following=8, adopted=1, condemned=2),
    c.MendMissing(**_RUN),
    c.MissingMended(missing=1, pages=1, message="lost"),
    c.Sweep(**_RUN, kind="versions", after="12:3", max_deletions=500),
    c.Swept(after="12:4", capped=True, notes=["stays"]),
    c.EndCleanup(**_RUN, capped=["versions"]),
    c.CleanupEnded(
        removed={"versions": 9},
        bytes_freed=1000,
        kept_by_cap={"runs": 3},
        missing_blobs=[_MISSING],
        partitions_dropped=["fetches_2026_05"],
        manifest="cd" * 32,
    ),
]
