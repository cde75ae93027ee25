"""One full example of every contract of `audit_corpus`."""

from pydantic import BaseModel

from atlas.contracts import audit_corpus as a
from atlas.contracts.jobs import Progress

_FINDING = a.ListedFinding(
    check="body",
    key="ab" * 32,
    detail="the body abababababababab of https://example.org/a is missing from the store",
    repair="1 pages are due to be fetched again",
    repaired=True,
)
_STATE = a.AuditState(
    stage=2,
    cursor="500",
    checked={"corpus": 1, "pages": 500},
    resettle=[7],
    left_over=2,
    progress=Progress(stage="making texts again", done=3, total=9, of="pages"),
    started=1.5,
    events=3001,
)

EXAMPLES: list[BaseModel] = [
    _FINDING,
    _STATE,
    a.AuditRequest(
        sample=50, full=True, repair=True, trigger="cli", max_history_events=500, state=_STATE
    ),
    a.AuditResult(
        workflow_id="audit_corpus",
        run_id="0190",
        outcome="completed_with_failures",
        full=True,
        checked={"pages": 500},
        findings=3,
        repaired=1,
        by_check={"body": 3},
        listed=[_FINDING],
        manifest="ab" * 32,
        message="none",
        seconds=1.5,
        events=42,
    ),
    a.AuditStep(run_id="0190", stage="pages", cursor="500", sample=200, repair=True),
    a.AuditStepDone(cursor="1000", checked=500, resettle=[7]),
    a.RecheckFindings(run_id="0190"),
    a.EndAudit(run_id="0190"),
    a.AuditEnded(
        findings=3, repaired=1, by_check={"body": 3}, listed=[_FINDING], manifest="ab" * 32
    ),
]
