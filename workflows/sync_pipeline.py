"""`sync_pipeline`: the story of a run.

One source is worked here (`sync_source`): lease, discover, then level by level claim, fetch,
process and settle in lanes, and at last reconcile and close. Several sources are children of
this same type (`sync_several`).
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.models import Counts
    from atlas.contracts.refusal import missing_input
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult, SyncState
    from workflows.sync_several import SeveralSources
    from workflows.sync_source import SourceRun


@workflow.defn(name="sync_pipeline")
class SyncPipeline:
    """Keeps the corpus in step with one source, several, or all."""

    def __init__(self) -> None:
        self._work: SourceRun | SeveralSources | None = None
        self._signalled: bool | None = None  # a signal may come before `run` begins

    @workflow.run
    async def run(self, request: SyncRequest | None = None) -> SyncResult:
        if request is None:
            raise missing_input("sync_pipeline", '{"sources": ["docs"]}')
        state = request.state or SyncState()
        one = not request.all and not request.tags and len(set(request.sources)) == 1
        work = SourceRun(request, state, request) if one else SeveralSources(request, state)
        self._work = work
        if self._signalled is not None:
            await work.set_paused(self._signalled)
        return await work.run()

    @workflow.signal
    async def pause(self) -> None:
        """Stop at the next batch boundary; claims are kept."""
        await self._set_paused(True)

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        await self._set_paused(False)

    async def _set_paused(self, paused: bool) -> None:
        if self._work is None:
            self._signalled = paused
        else:
            await self._work.set_paused(paused)

    @workflow.query
    def progress(self) -> SyncProgress:
        """Stage and counts, now."""
        return self._work.progress() if self._work else SyncProgress(counts=Counts())
