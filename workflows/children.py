"""Children of a run of several sources: each source is a run of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.collect import CollectResult
    from atlas.contracts.empty_runs import MEANT_NOTHING
    from atlas.contracts.models import Outcome, Request
    from atlas.contracts.sync_pipeline import (
        MAX_SOURCES_LISTED,
        SourceOutcome,
        SyncResult,
        SyncState,
        WaitingSource,
    )

Result = SyncResult | CollectResult
Feed = Callable[[], Awaitable[list[WaitingSource] | None]]
"""The next part of the sources; None when there are no more."""

_BEST_LAST: tuple[Outcome, ...] = (
    "held",
    "completed_with_failures",
    "limit_reached",
    "completed",
)
_WELL: tuple[Outcome, ...] = ("completed", "already_running")
_CAME_TO_NOTHING: set[str] = {
    *("all_failed", "failed", "listing_failed"),
    *("nothing_selected", "source_paused", "unknown_source"),
}
_NAMED = 10
"""Sources that a message names."""
_MESSAGE = 160
"""Characters of each source's message: a hundred of them must fit into what a run carries over."""


@dataclass(frozen=True)
class Family:
    """What the children of a run are."""

    workflow: str
    result: type[Result]
    verb: str
    at_once: int
    id_of: Callable[[str], str]
    request_of: Callable[[str], Request]
    fine: tuple[Outcome, ...] = ("completed",)
    """Outcomes of a source after which the whole has completed."""


class Children:
    """Works through sources, a few at once, and adds up what their runs say.

    `in_parts`: each part is worked through before the next is asked for, and only then may the run
    continue as new. So did runs that may still be under way; one slow source held up the others.
    """

    def __init__(self, family: Family, state: SyncState) -> None:
        self._family = family
        self.in_parts = False
        self._waiting = list(state.waiting)
        self._exhausted = state.exhausted
        self._under_way: dict[str, WaitingSource] = {}
        self._handles: dict[str, workflow.ChildWorkflowHandle[object, Result]] = {}
        self._tasks: list[asyncio.Task[SourceOutcome]] = []
        self.paused = state.paused_since is not None
        self.totals = state.totals
        self.bytes = state.bytes
        self.done = state.done
        self.by_outcome = dict(state.by_outcome)
        self.outcomes = list(state.outcomes)

    async def work(
        self, feed: Feed, is_long: Callable[[], bool], on_outcome: Callable[[], None]
    ) -> bool:
        """Work the sources through; false when the history became long before the end. Returns,
        or raises, with no child under way: a cancellation of this run reaches each of them."""
        try:
            return await self._work(feed, is_long, on_outcome)
        except GeneratorExit:  # the run is dropped from memory: nothing may be awaited any more
            raise
        except BaseException:
            await self._end(on_outcome)
            raise

    async def _work(
        self, feed: Feed, is_long: Callable[[], bool], on_outcome: Callable[[], None]
    ) -> bool:
        while True:
            if self._wants_more(is_long()):
                part = await feed()
                self._exhausted = part is None
                self._waiting += part or []
            elif self._may_start(is_long()):
                self._tasks.append(asyncio.create_task(self._child(self._pick())))
            elif self._tasks:
                await self._something(is_long)
                self._reap(on_outcome)
            elif self._waiting and (self.in_parts or not is_long()):  # paused
                await self._something(is_long)
            else:
                return self._exhausted

    async def set_paused(self, paused: bool) -> None:
        """No further source is begun, and those under way pause too; or all go on."""
        self.paused = paused
        signal = "pause" if paused else "resume"
        told = [_tell(child, signal) for child in self._handles.values()]
        if self.in_parts:
            for one in told:
                await one
        else:  # at once: a resume must not overtake a pause
            await asyncio.gather(*told)

    def note(self, outcome: SourceOutcome) -> None:
        """Count how the run of one source ended; list the worst."""
        self.outcomes.append(outcome)
        self.outcomes.sort(key=_worst_first)
        del self.outcomes[MAX_SOURCES_LISTED:]
        self.by_outcome[outcome.outcome] = self.by_outcome.get(outcome.outcome, 0) + 1
        self.totals = self.totals + outcome.counts
        self.bytes += outcome.bytes
        self.done += 1

    def together(self) -> Outcome:
        """One bad source harms no other: the whole completed, with or without failures."""
        kinds = set(self.by_outcome)
        bad = kinds - set(self._family.fine)
        if not bad:
            return "completed"
        if bad == {"limit_reached"}:
            return "limit_reached"
        if len(kinds) == 1:
            return cast(Outcome, kinds.pop())
        return "completed_with_failures" if kinds - _CAME_TO_NOTHING else "all_failed"

    def said(self) -> str:
        """Which sources did not complete, and why, the worst first; empty when all did."""
        bad = [one for one in self.outcomes if one.outcome not in _WELL]
        told = [_said(one) for one in bad[:_NAMED]]
        more = sum(self.by_outcome.values()) - sum(self.by_outcome.get(each, 0) for each in _WELL)
        if more > len(told):
            told.append(f"and {more - len(told)} more")
        return "; ".join(told)

    def summary(self) -> dict[str, int]:
        """Figures for the run's record."""
        return {"sources": self.done, "bytes": self.bytes, **self.totals.model_dump()}

    def keep(self, state: SyncState) -> SyncState:
        """`state` with what a continued run needs to know of its children."""
        return state.model_copy(
            update={
                "waiting": self._waiting,
                "exhausted": self._exhausted,
                "totals": self.totals,
                "bytes": self.bytes,
                "done": self.done,
                "by_outcome": self.by_outcome,
                "outcomes": self.outcomes,
            }
        )

    # What comes next

    def _wants_more(self, long: bool) -> bool:
        if self._waiting or self._exhausted or long:
            return False
        return not (self.in_parts and self._tasks)

    def _may_start(self, long: bool) -> bool:
        free = len(self._tasks) < self._family.at_once
        return bool(self._waiting) and free and not self.paused and (self.in_parts or not long)

    def _pick(self) -> WaitingSource:
        """The first whose host has the fewest sources under way."""
        hosts = [source.host for source in self._under_way.values()]
        chosen = min(self._waiting, key=lambda source: hosts.count(source.host))
        self._waiting.remove(chosen)
        self._under_way[chosen.source] = chosen
        return chosen

    async def _something(self, is_long: Callable[[], bool]) -> None:
        """Wait until a child ended, or one may start."""
        await workflow.wait_condition(
            lambda: any(task.done() for task in self._tasks) or self._may_start(is_long())
        )

    def _reap(self, on_outcome: Callable[[], None]) -> None:
        ended = [task for task in self._tasks if task.done()]
        self._tasks = [task for task in self._tasks if task not in ended]
        for task in ended:
            self.note(task.result())
            on_outcome()

    async def _end(self, on_outcome: Callable[[], None]) -> None:
        """With none under way: this run was cancelled, or a child could not be told about."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await workflow.wait(self._tasks)
        self._tasks = [
            task for task in self._tasks if not task.cancelled() and task.exception() is None
        ]
        self._reap(on_outcome)

    # One child

    async def _child(self, source: WaitingSource) -> SourceOutcome:
        name, child_id = source.source, self._family.id_of(source.source)
        try:
            result = await (await self._begin(name, child_id))
        except WorkflowAlreadyStartedError:
            return SourceOutcome(
                source=name,
                outcome="already_running",
                workflow_id=child_id,
                message=f"{child_id} works on it",
            )
        except ChildWorkflowError as error:
            return SourceOutcome(
                source=name,
                outcome="cancelled" if is_cancelled_exception(error) else "failed",
                workflow_id=child_id,
                message=str(error.cause or error)[:_MESSAGE],
            )
        finally:
            self._handles.pop(name, None)
            self._under_way.pop(name, None)
        return SourceOutcome(
            source=name,
            outcome=result.outcome,
            counts=result.counts,
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            message=result.message[:_MESSAGE],
            bytes=result.bytes,
        )

    async def _begin(
        self, name: str, child_id: str
    ) -> workflow.ChildWorkflowHandle[object, Result]:
        # ABANDON: continuing as new would end the children otherwise. A cancellation reaches them
        # through the await of the handle.
        child: workflow.ChildWorkflowHandle[object, Result] = await workflow.start_child_workflow(
            self._family.workflow,
            self._family.request_of(name),
            id=child_id,
            result_type=self._family.result,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            static_summary=f"{self._family.verb} {name}",
        )
        self._handles[name] = child
        if self.paused and not self.in_parts:  # paused while it was being started
            await _tell(child, "pause")
        return child


async def _tell(child: workflow.ChildWorkflowHandle[object, Result], signal: str) -> None:
    with suppress(FailureError):  # it may have ended in this moment
        await child.signal(signal)


def _said(one: SourceOutcome) -> str:
    """A source and its outcome, and the mend where the request is what is wrong."""
    why = f" ({one.message})" if one.outcome in MEANT_NOTHING and one.message else ""
    return f"{one.source}: {one.outcome}{why}"


def unknown_source(name: str, message: str) -> SourceOutcome:
    """Of a name that no source has; `message` is what is said of the first such name."""
    if f"'{name}'" not in message:
        message = f"no source is named '{name}'; `atlas sources list` shows those there are"
    return SourceOutcome(source=name, outcome="unknown_source", message=message[:_MESSAGE])


def _worst_first(one: SourceOutcome) -> tuple[int, str]:
    fine = one.outcome in _BEST_LAST
    return (1 + _BEST_LAST.index(one.outcome) if fine else 0, one.source)
