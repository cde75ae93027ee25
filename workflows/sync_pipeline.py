"""`sync_pipeline`: the story of a run.

One source is worked here (`sync_source`): lease, discover, then level by level claim, fetch,
process and settle in lanes, and at last reconcile and close. Several sources are children of
this same type (`sync_several`).
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.refusal import missing_input
    from atlas.contracts.sync_pipeline import SyncRequest, SyncResult, SyncState
    from workflows.empty_run import ended
    from workflows.pause import PausableRun
    from workflows.sync_several import SeveralSources
    from workflows.sync_source import SourceRun


@workflow.defn(name="sync_pipeline")
class SyncPipeline(PausableRun[SourceRun | SeveralSources]):
    """Keeps the corpus in step with one source, several, or all."""

    @workflow.run
    async def run(self, request: SyncRequest | None = None) -> SyncResult:
        if request is None:
            raise missing_input("sync_pipeline", '{"sources": ["docs"]}')
        state = request.state or SyncState()
        one = not request.all and not request.tags and len(set(request.sources)) == 1
        work = SourceRun(request, state, request) if one else SeveralSources(request, state)
        return ended(await (await self._take_up(work)).run(), request.trigger)
