"""Pause, resume and progress of the workflows whose work is a run of sources."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.models import Counts
    from atlas.contracts.sync_pipeline import SyncProgress


class Work(Protocol):
    """What can be paused, and tells how far it is."""

    async def set_paused(self, paused: bool) -> None: ...

    def progress(self) -> SyncProgress: ...

    def wake(self) -> None: ...


W = TypeVar("W", bound=Work)


class PausableRun(Generic[W]):
    """A workflow that hands its signals and queries on to its work."""

    def __init__(self) -> None:
        self._work: W | None = None
        self._signalled: bool | None = None  # a signal may come before `run` begins

    async def _take_up(self, work: W) -> W:
        """Begin with `work`, paused if a signal says so."""
        self._work = work
        if self._signalled is not None:
            await work.set_paused(self._signalled)
        return work

    @workflow.signal
    async def pause(self) -> None:
        """Stop at the next batch boundary; claims are kept."""
        await self._set_paused(True)

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        await self._set_paused(False)

    @workflow.signal
    async def wake(self) -> None:
        """Look again now: a host that was waited for was reset, or a limit lifted."""
        if self._work is not None:
            self._work.wake()

    async def _set_paused(self, paused: bool) -> None:
        if self._work is None:
            self._signalled = paused
        else:
            await self._work.set_paused(paused)

    @workflow.query
    def progress(self) -> SyncProgress:
        """Stage and counts, now."""
        return self._work.progress() if self._work else SyncProgress(counts=Counts())
