"""One full example of every contract of an export."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from atlas.contracts import export_corpus as x
from atlas.contracts.jobs import Progress

_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_FILTER = x.DocumentFilter(
    sources=["docs"],
    langs=["en"],
    host="example.org",
    prefix="https://example.org/guide/",
    changed_since=datetime(2026, 11, 1, tzinfo=UTC),
    changed_before=_NOON,
    include_duplicates=True,
)
_CHOSEN = x.ChosenFilter(**_FILTER.model_dump())
_STATE = x.ExportState(
    as_of=_NOON,
    chosen=30,
    written=20,
    finished=True,
    progress=Progress(stage="writing", done=20, total=30, of="documents"),
    started=1.5,
    events=3001,
)
_STEP: dict[str, Any] = {
    "run_id": "0190",
    "to": "/exports/corpus.jsonl.zst",
    "format": "jsonl",
    "compress": "zstd",
    "one_file": True,
    "what": "chunks",
    "chunk_size": 800,
    "part_documents": 500,
    "as_of": _NOON,
}

EXAMPLES: list[BaseModel] = [
    _FILTER,
    _CHOSEN,
    _STATE,
    x.ExportRequest(
        to="/exports/corpus.jsonl.zst",
        what="chunks",
        chunk_size=800,
        compress="zstd",
        only=_FILTER,
        part_documents=500,
        trigger="cli",
        max_history_events=500,
        state=_STATE,
    ),
    x.ExportResult(
        workflow_id="export_corpus:ab",
        run_id="0190",
        outcome="completed",
        to="/exports/corpus.jsonl.zst",
        format="jsonl",
        what="chunks",
        as_of=_NOON,
        documents=30,
        records=90,
        parts=1,
        bytes=3000,
        missing=1,
        message="none",
        seconds=2.5,
        events=42,
    ),
    x.ExportStep(**_STEP),
    x.ChooseExport(**_STEP, only=_CHOSEN),
    x.ExportChosen(as_of=_NOON, documents=30, refused="not empty", unknown="no source"),
    x.PartsWritten(documents=20, more=True),
    x.FinishExport(**_STEP, only=_CHOSEN),
    x.ExportFinished(documents=30, records=90, parts=1, bytes=3000, missing=1),
    x.ForgetExport(**_STEP, discard=True),
]
LEAST: dict[type[BaseModel], dict[str, Any]] = {x.ExportRequest: {"to": "/exports/corpus"}}
