"""One full example of every contract of `restore_documents`."""

from datetime import UTC, datetime

from pydantic import BaseModel

from atlas.contracts import restore_documents as r
from atlas.contracts.jobs import Progress
from atlas.contracts.models import Counts

_COUNTS = Counts(seen=9, added=3, updated=2, unchanged=1, failed=2, skipped=1)
_SINCE = datetime(2026, 11, 28, 10, tzinfo=UTC)
_STATE = r.RestoreState(
    selected=9,
    missing=1,
    number=7,
    progress=Progress(stage="restoring", done=3, total=9, of="pages"),
    events=3001,
)
_PAGE = r.RestoredPage(
    url="https://example.org/a",
    result="failed",
    version=3,
    code="version_expired",
    reason="the version that was live then is past its retention",
)

EXAMPLES: list[BaseModel] = [
    _STATE,
    r.RestoreRequest(
        source="docs",
        since=_SINCE,
        dry_run=True,
        chunk=50,
        trigger="cli",
        max_history_events=500,
        state=_STATE,
    ),
    _PAGE,
    r.RestoreResult(
        workflow_id="restore_documents:ab",
        run_id="0190",
        outcome="completed_with_failures",
        counts=_COUNTS,
        missing=1,
        pages=[_PAGE],
        dry_run=True,
        manifest="ab" * 32,
        message="none",
        events=42,
    ),
    r.SelectRestores(
        run_id="0190",
        urls=["https://example.org/a"],
        of_run="0189",
        source="docs",
        since=_SINCE,
        version=2,
        dry_run=True,
    ),
    r.RestoreEnded(
        outcome="cancelled", counts=_COUNTS, missing=1, pages=[_PAGE], manifest="ab" * 32
    ),
]

LEAST: dict[type[BaseModel], dict[str, object]] = {r.RestoreRequest: {"run": "0190"}}
