"""One full example of every contract of `process_document` and `batch_process`."""

from pydantic import BaseModel

from atlas.contracts import processing as p
from atlas.contracts.jobs import Progress
from atlas.contracts.models import Counts
from atlas.contracts.sync_pipeline import Failure

_COUNTS = Counts(seen=9, added=3, updated=2, unchanged=1, failed=2, skipped=1)
_FAILURE = Failure(url="https://example.org/a", error_class="invalid", code="no_text", message="no")
_HASH = "ab" * 32
_QUERY = p.BatchQuery(
    source="docs",
    lang="en",
    prefix="https://example.org/",
    media="html",
    extractor_below=2,
    unsettled=True,
    quarantined=True,
    limit=10,
)
_STATE = p.BatchState(
    selected=9,
    missing=1,
    lane_numbers=[4, 5],
    progress=Progress(stage="processing and indexing", done=3, total=9, of="documents"),
    events=3001,
)
_DOCUMENT = p.ProcessedDocument(
    url="https://example.org/a",
    page=7,
    snapshot=_HASH,
    result="failed",
    text_hash=_HASH,
    title="A",
    lang="en",
    version=2,
    quarantined=True,
    error_class="invalid",
    error_code="no_text",
    error="no visible text",
)

EXAMPLES: list[BaseModel] = [
    p.ProcessRequest(url="https://example.org/a", extractor=1, force=True, trigger="cli"),
    _DOCUMENT,
    p.ProcessResult(
        workflow_id="process_document:ab",
        run_id="0190",
        outcome="completed_with_failures",
        counts=_COUNTS,
        documents=[_DOCUMENT],
        message="none",
    ),
    _QUERY,
    _STATE,
    p.BatchRequest(
        query=_QUERY,
        force=True,
        chunk=50,
        concurrency=3,
        trigger="cli",
        max_history_events=500,
        state=_STATE,
    ),
    p.BatchResult(
        workflow_id="batch_process:ab",
        run_id="0190",
        outcome="completed_with_failures",
        counts=_COUNTS,
        selected=9,
        missing=1,
        manifest=_HASH,
        failures=[_FAILURE],
        message="none",
        events=42,
    ),
    p.SelectPages(
        run_id="0190",
        url="https://example.org/a",
        page=7,
        snapshot=_HASH,
        pages=[7],
        urls=["https://example.org/a"],
        query=_QUERY,
        manifest=_HASH,
        failed_of="0189",
        extractor=1,
        force=True,
    ),
    p.Selected(pages=9, missing=1, to_do=8, refused="no", counts=_COUNTS),
    p.WorkChunk(run_id="0190", lane=1, number=7, level=0, size=50, waited=1.5, force=True),
    p.ChunkDone(pages=50, wait=2.5, counts=_COUNTS),
    p.WindUp(run_id="0190", cancelled=True, outcomes=True),
    p.WoundUp(
        outcome="cancelled",
        counts=_COUNTS,
        failures=[_FAILURE],
        documents=[_DOCUMENT],
        missing=1,
        manifest=_HASH,
    ),
]

LEAST: dict[type[BaseModel], dict[str, object]] = {
    p.ProcessRequest: {"url": "https://example.org/a"},
    p.BatchRequest: {"failed_of": "0190"},
}
