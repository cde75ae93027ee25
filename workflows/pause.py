"""Pause and resume: one way for every workflow that runs long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.continue_as_new import stop_if_cancelled

Heard = Callable[[bool], Awaitable[None]]
"""Called with whether the run is to be paused."""


class Pause:
    """Whether a run is paused, and since when; the run looks at it between two pieces of work.

    `record` writes the state to the corpus, once the run has its record there (`opened`).
    `on_signal` answers the signals; a run with children replaces it, to pass the signal on.
    """

    def __init__(self, record: Heard | None = None) -> None:
        self.since: float | None = None
        """Seconds since the epoch; None while the run is not paused."""
        self.record = record
        self.on_signal: Heard = self.set
        self._signalled: bool | None = None  # a signal may come before `run` begins
        self._recorded = False
        self._recording = False
        self._opened = False

    @property
    def paused(self) -> bool:
        return self.since is not None

    async def set(self, paused: bool) -> None:
        """Pause or resume, and record it."""
        self._signalled = paused
        if paused != self.paused:
            self._change(paused)
            await self._record_latest()

    async def carry_on(self, since: float | None, *, opened: bool) -> None:
        """Take over the state of the execution before; a signal since then is newer."""
        self.since = since
        if self._signalled is not None and self._signalled != self.paused:
            self._change(self._signalled)
        self._recorded = opened and since is not None
        if opened:
            await self.open()

    async def open(self) -> None:
        """From now on the run has its record; what was signalled before is recorded now."""
        self._opened = True
        await self._record_latest()

    async def over(self) -> None:
        """Return when the run is not paused. Raises `CancelledError` if it was cancelled: a
        cancellation that an activity swallowed would leave a paused run waiting for ever."""
        await workflow.wait_condition(
            lambda: not self.paused or workflow.cancellation_reason() is not None
        )
        stop_if_cancelled()

    def _change(self, paused: bool) -> None:
        self.since = workflow.time() if paused else None

    async def _record_latest(self) -> None:
        """One record after the other, always of the latest state: two records under way could
        overtake each other, and the corpus would keep the older state."""
        if self.record is None or self._recording or not self._opened:
            return
        self._recording = True
        while self._recorded != (paused := self.paused):
            await self.record(paused)
            self._recorded = paused
        self._recording = False


class Pausable:
    """The signals of a workflow that can be paused. Temporal looks for handlers on the class,
    so this is a base class; the state is `Pause`."""

    def __init__(self) -> None:
        self._pause = Pause()

    @workflow.signal
    async def pause(self) -> None:
        """Stop at the next boundary between two pieces of work; claims are kept."""
        await self._pause.on_signal(True)

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        await self._pause.on_signal(False)
