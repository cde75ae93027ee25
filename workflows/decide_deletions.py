"""`decide_deletions`: a person approves or rejects removals that runs held."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.deletions import Deletions
    from atlas.contracts.decide_deletions import (
        DecideDeletions,
        DecideDeletionsRequest,
        DecideDeletionsResult,
        DeletionsDecided,
    )
    from atlas.contracts.jobs import Progress
    from atlas.contracts.refusal import invalid_input, missing_input
    from workflows.options import SETTLING
    from workflows.recorded_job import first_run_id, record_begin, record_end
    from workflows.web_ui import TRIGGER


@workflow.defn(name="decide_deletions")
class DecideDeletionsRun:
    """Begin the record, decide, end it: what left the corpus, and on whose word, stays known."""

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.query
    def progress(self) -> Progress:
        """The stage: deciding, then completed."""
        return Progress(stage=self._stage)

    @workflow.run
    async def run(self, request: DecideDeletionsRequest | None = None) -> DecideDeletionsResult:
        if request is None:
            raise missing_input("decide_deletions", '{"of": "docs", "decision": "approve"}')
        workflow.upsert_search_attributes([TRIGGER.value_set(request.trigger)])
        await record_begin(request.trigger)
        self._stage = "deciding"
        decided = await workflow.execute_activity_method(
            Deletions.decide_deletions,
            DecideDeletions(
                run_id=first_run_id(),
                decision=request.decision,
                of=request.of,
                urls=request.urls,
            ),
            summary=f"{request.decision} {request.of}"[:150],
            **SETTLING,
        )
        if decided.refused:
            await record_end("failed", decided.refused, {})
            raise invalid_input(f"decide_deletions: {decided.refused}")
        result = _result(request, decided)
        await record_end(
            result.outcome, result.message, {"pages": result.pages, "removed": result.removed}
        )
        self._stage = "completed"
        return result


def _result(request: DecideDeletionsRequest, decided: DeletionsDecided) -> DecideDeletionsResult:
    done = decided.pages > 0
    return DecideDeletionsResult(
        workflow_id=workflow.info().workflow_id,
        run_id=first_run_id(),
        outcome="completed" if done else "nothing_held",
        pages=decided.pages,
        removed=decided.removed,
        kept=decided.kept,
        expired=decided.expired,
        unknown=decided.unknown,
        message=_message(request, decided),
    )


def _message(request: DecideDeletionsRequest, decided: DeletionsDecided) -> str:
    did = "approved" if request.decision == "approve" else "rejected"
    said = [f"{did} {_many(decided.pages, 'held removal')} of {request.of}"]
    if request.decision == "approve":
        said.append(f"{_many(decided.removed, 'document')} left the corpus")
    if decided.expired:
        said.append(f"kept {_many(len(decided.expired), 'page')} that answered again")
    if decided.kept:
        said.append(f"kept {_many(decided.kept, 'page')} of a source whose rule is to keep all")
    if decided.unknown:
        said.append(f"{_many(len(decided.unknown), 'URL')} not held")
    return "; ".join(said)


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
