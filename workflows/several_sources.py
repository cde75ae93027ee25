"""`sync_pipeline` of several sources: each is a run of its own, a child of this one."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.runs import Running
    from atlas.contracts.activities import ResolvedSources, ResolveSources
    from atlas.contracts.models import Outcome
    from atlas.contracts.names import sync_workflow_id
    from atlas.contracts.sync_pipeline import (
        SyncProgress,
        SyncRequest,
        SyncResult,
        SyncState,
        WaitingSource,
    )
    from workflows.continue_as_new import handlers_ended
    from workflows.multi_source import Family, MultiSource
    from workflows.options import SHORT
    from workflows.pause import Pause
    from workflows.recorded_job import first_run_id, record_begin, record_end, record_pause
    from workflows.web_ui import show_begin, show_end, show_stage

_AT_ONCE = 5
"""Children under way together."""


class SeveralSources:
    """Sources by name, by tag or all, resolved a part at a time."""

    nothing_message = "no active source matches"

    def __init__(self, request: SyncRequest, state: SyncState, pause: Pause) -> None:
        self._request = request
        self._paused_before = state.paused_since
        self._pause = pause
        self._stage = "starting"
        self._recorded = False
        family = Family(
            workflow="sync_pipeline",
            result=SyncResult,
            verb="sync",
            at_once=_AT_ONCE,
            id_of=sync_workflow_id,
            request_of=self._request_of,
        )
        self._sources = MultiSource(request, family, state, pause)

    async def run(self) -> SyncResult:
        """Work the sources through."""
        await self._pause.carry_on(self._paused_before, opened=False)
        self._pause.on_signal = self._set_paused
        show_begin(self._name, self._request.trigger)
        # A run that 0.1.0 began has no record, and works its sources through part by part.
        self._recorded = workflow.patched("several-recorded")
        self._sources.in_parts = not self._recorded
        outcome, message = await self._sources.run(self)
        tally = self._sources.tally
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=first_run_id(),
            outcome=outcome,
            counts=tally.totals,
            bytes=tally.bytes,
            sources=tally.outcomes,
            failures=tally.failures,
            events=self._sources.events,
            message=message,
        )

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._name,
            stage="paused" if self._pause.paused else self._stage,
            counts=self._sources.tally.totals,
            paused=self._pause.paused,
            paused_since=self._pause.since,
            sources_done=self._sources.tally.done,
            sources_total=max(self._sources.total, 1),
        )

    async def begin(self) -> None:
        if self._recorded and self._request.state is None:
            await record_begin(self._request.trigger)
        self._stage = "syncing"

    async def next_part(self) -> list[WaitingSource] | None:
        sources = self._sources
        part: ResolvedSources = await workflow.execute_activity_method(
            Running.resolve_sources,
            ResolveSources(
                names=list(self._request.sources),
                tags=list(self._request.tags),
                all=self._request.all,
                after=sources.place,
            ),
            summary=f"sources after '{sources.place}'" if sources.place else "the first sources",
            **SHORT,
        )
        sources.nothing = sources.nothing or part.nothing
        sources.unmatched = sources.unmatched or part.unmatched
        if not part.last:
            return None
        sources.place = part.last
        sources.total += len(part.names) + len(part.unknown)
        for name in part.unknown:
            sources.tally.add_unknown(name, part.message)
        self.show()
        return [WaitingSource(source=name) for name in part.names]

    async def end(self, outcome: Outcome, message: str) -> None:
        self._stage = outcome
        show_end(self.progress(), outcome, message)
        if self._recorded:
            await record_end(outcome, message, self._sources.tally.summary())
        else:
            await handlers_ended()

    def show(self) -> None:
        show_stage(self.progress())

    @property
    def _name(self) -> str:
        if self._request.all:
            return "all sources"
        if self._request.tags:
            return f"sources tagged {', '.join(sorted(set(self._request.tags)))}"[:150]
        return f"{len(set(self._request.sources))} sources"

    def _request_of(self, name: str) -> SyncRequest:
        return self._request.model_copy(
            update={"sources": [name], "tags": [], "all": False, "state": None}
        )

    async def _set_paused(self, paused: bool) -> None:
        """The children first, then the record: the recorded histories of releases have this
        order."""
        if paused == self._pause.paused:
            return
        await self._pause.set(paused)
        await self._sources.signal_children(paused)
        if self._recorded:
            await record_pause(self._pause.paused)
