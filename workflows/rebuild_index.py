"""`rebuild_index`: build a new index while the old one serves, check it, and switch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.index_rebuild import Rebuilding
    from atlas.contracts.rebuild_index import (
        CheckGeneration,
        CopyTexts,
        DropGenerations,
        Gate,
        GenerationChecked,
        GenerationSwitched,
        MarkSettled,
        RebuildOutcome,
        RebuildRequest,
        RebuildResult,
        RebuildState,
        StartGeneration,
        SwitchGeneration,
    )
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import BULK, SHORT
    from workflows.recorded_job import RecordedJob


_SWITCHED_BACK = "another run switched to a different generation in the meantime"


@workflow.defn(name="rebuild_index")
class RebuildIndex(RecordedJob):
    """The old generation serves until the new one has passed its gates; both are written to."""

    def __init__(self) -> None:
        super().__init__()
        self._request = RebuildRequest()
        self._state = RebuildState(generation=0)
        self._result = RebuildResult(workflow_id="", run_id="", outcome="failed")

    @workflow.run
    async def run(self, request: RebuildRequest | None = None) -> RebuildResult:
        self._request = request or RebuildRequest()
        try:
            return await (self._roll_back() if self._request.rollback else self._rebuild())
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._give_up()
                await self.end("cancelled", "the old index still serves", {})
            raise

    async def _rebuild(self) -> RebuildResult:
        """What happens in which order."""
        if refused := await self._open():
            return await self._finish("already_running", refused)
        await self._copy()
        checked = await self._check()
        if failed := [gate for gate in checked.gates if not gate.passed]:
            await self._give_up()
            return await self._finish("gate_failed", _why(failed))
        switched = await self._switch(self._state.generation)
        if switched.active != self._state.generation:
            return await self._finish("failed", switched.message or _SWITCHED_BACK)
        self._keep(generation=self._state.generation, previous=switched.previous)
        await self._tidy_up(self._state.generation)
        return await self._finish("completed", self._request.reason)

    async def _roll_back(self) -> RebuildResult:
        self._state = RebuildState(generation=0, started=workflow.time())
        await self.begin(self._request.trigger)
        self.show("switching back", note=self._request.reason)
        switched = await self._switch(None)
        if switched.active is None:
            return await self._finish("no_previous", switched.message)
        self._keep(generation=switched.active, previous=switched.previous)
        await self._drop()
        return await self._finish("completed", self._request.reason)

    async def _open(self) -> str:
        """Begin a generation, or go on after continuing as new; returns why there is none."""
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return ""
        started_at = workflow.time()
        await self.begin(self._request.trigger)
        started = await workflow.execute_activity_method(
            Rebuilding.start_generation,
            StartGeneration(run_id=self.run_id, workflow_id=workflow.info().workflow_id),
            **BULK,
        )
        self._state = RebuildState(
            generation=started.generation or 0, after=started.after, started=started_at
        )
        self.show("copying", total=started.texts, of="texts", note=self._request.reason)
        return "" if started.generation else started.message

    async def _copy(self) -> None:
        """Bring every live text into the generation, chunk by chunk; writers add what is new."""
        while True:
            await self.while_paused()
            if history_is_long(self._request):
                await handlers_ended()
                continue_as_new(self._request, self._state_to_carry())
            copied = await workflow.execute_activity_method(
                Rebuilding.copy_texts,
                CopyTexts(
                    generation=self._state.generation,
                    after=self._state.after,
                    chunk=self._request.chunk,
                ),
                **BULK,
            )
            self.show("copying", done=self._progress.done + copied.texts)
            if copied.last is None or copied.texts < self._request.chunk:
                return
            self._state = self._state.model_copy(update={"after": copied.last})

    def _state_to_carry(self) -> RebuildState:
        events = events_so_far(self._state.events)
        return self._state.model_copy(update={"progress": self.progress(), "events": events})

    async def _check(self) -> GenerationChecked:
        await self.while_paused()
        self.show("trying the gates")
        checked = await workflow.execute_activity_method(
            Rebuilding.check_generation,
            CheckGeneration(
                generation=self._state.generation,
                queries=self._request.queries,
                min_overlap=self._request.min_overlap,
            ),
            **BULK,
        )
        await self.while_paused()
        self._keep(
            generation=self._state.generation,
            texts=checked.texts,
            entries=checked.entries,
            tokens=checked.tokens,
            gates=checked.gates,
            losses=checked.losses,
        )
        return checked

    async def _switch(self, generation: int | None) -> GenerationSwitched:
        """Shielded from cancellation: it takes a moment, and only its answer says which generation
        serves now."""
        self.show("switching")
        switching = asyncio.create_task(
            workflow.execute_activity_method(
                Rebuilding.switch_generation,
                SwitchGeneration(
                    run_id=self.run_id, generation=generation, keep_days=self._request.keep_days
                ),
                **SHORT,
            )
        )
        try:
            return await asyncio.shield(switching)  # noqa: TID251 (kept by the workflow)
        except asyncio.CancelledError:
            return await switching

    async def _tidy_up(self, generation: int) -> None:
        """After the switch: what follows may be left to a later clean-up, but not be undone."""
        try:
            self.show("tidying up")
            # Before 0.7 pages said which analyser they were settled with; none does any more.
            if not workflow.patched("nothing-to-mark"):
                await workflow.execute_activity_method(
                    Rebuilding.mark_settled, MarkSettled(generation=generation), **BULK
                )
            await self._drop()
        except BaseException as error:
            if not is_cancelled_exception(error):
                raise

    async def _give_up(self) -> None:
        await self._drop(self.run_id)

    async def _drop(self, run_id: str | None = None) -> None:
        await workflow.execute_activity_method(
            Rebuilding.drop_generations, DropGenerations(run_id=run_id), **BULK
        )

    def _keep(self, **values: object) -> None:
        self._result = self._result.model_copy(update=values)

    async def _finish(self, outcome: RebuildOutcome, message: str) -> RebuildResult:
        kept = self._result
        await self.end(
            outcome,
            message,
            {"texts": kept.texts, "entries": kept.entries, "tokens": kept.tokens},
        )
        return kept.model_copy(
            update={
                "workflow_id": workflow.info().workflow_id,
                "run_id": self.run_id,
                "outcome": outcome,
                "message": message,
                "seconds": workflow.time() - self._state.started,
                "events": events_so_far(self._state.events),
            }
        )


def _why(failed: Sequence[Gate]) -> str:
    gates = "; ".join(f"{gate.name}: {gate.detail}" for gate in failed)
    return f"the old index still serves: {gates}"
