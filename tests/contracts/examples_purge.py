"""One full example of every contract of `purge_documents`."""

from typing import Any

from pydantic import BaseModel

from atlas.contracts import purge_documents as p
from atlas.contracts.jobs import Progress

_STATE = p.PurgeState(
    stage=2,
    cursor="more",
    erased=50,
    rewritten=1,
    traces={"runs.message": 1},
    again=1,
    waited=2.5,
    progress=Progress(stage="erasing pages", done=50, of="pages"),
    events=3001,
)

EXAMPLES: list[BaseModel] = [
    _STATE,
    p.PurgeRequest(
        urls=["https://example.org/a"],
        reason="erasure_request",
        dry_run=True,
        patience=60.0,
        trigger="cli",
        max_history_events=500,
        state=_STATE,
    ),
    p.PurgeResult(
        workflow_id="purge_documents:ab",
        run_id="0190",
        outcome="completed_with_failures",
        dry_run=True,
        addresses=3,
        pages=2,
        documents=2,
        shared=1,
        bodies=2,
        bodies_waiting=1,
        rewritten=1,
        hosts=["example.org"],
        mentions={"links of other pages": 1},
        traces={"runs.message": 1},
        message="none",
        events=42,
    ),
    p.PurgeStep(
        run_id="0190",
        stage="choose",
        cursor="5",
        urls=["https://example.org/a"],
        source="docs",
        host="example.org",
        reason="erasure_request",
        patient=False,
    ),
    p.PurgeStepDone(
        cursor="more", done=50, held=1, traces={"runs.message": 1}, refused="no source"
    ),
    p.EndPurge(run_id="0190", source="docs", forget=False),
    p.PurgeEnded(
        addresses=3,
        pages=2,
        documents=2,
        shared=1,
        bodies=2,
        bodies_waiting=1,
        rewritten=1,
        hosts=["example.org"],
        mentions={"links of other pages": 1},
    ),
]
LEAST: dict[type[BaseModel], dict[str, Any]] = {p.PurgeRequest: {"urls": ["https://example.org/a"]}}
