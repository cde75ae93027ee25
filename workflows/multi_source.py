"""Many sources in one run: each is a run of its own, a child of this one, a few at a time.

`MultiSource` is the engine. Where the sources come from and how the run is recorded is its
`SourcesPlan`: `SeveralSources` for a `sync_pipeline` of several, `PlannedSources` for
`collect_all_sources` and `hourly_collection`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.collect import CollectAllRequest, CollectResult, HourlyRequest
    from atlas.contracts.models import Outcome, Request
    from atlas.contracts.sync_pipeline import (
        MAX_FAILURES_LISTED,
        MAX_SOURCES_LISTED,
        Failure,
        SourceOutcome,
        SyncRequest,
        SyncResult,
        SyncState,
        WaitingSource,
    )
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.pause import Pause

Result = SyncResult | CollectResult
ManySources = SyncRequest | CollectAllRequest | HourlyRequest

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
_FAILURES = 2
"""Failed pages of each source that the whole names."""
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


class SourcesPlan(Protocol):
    """Where the sources of a run come from, and how the run is recorded and shown."""

    nothing_message: str
    """Says that there was nothing to do, though nothing was wrong with the request."""

    async def begin(self) -> None:
        """Record the run, or take over from the execution before."""

    async def next_part(self) -> list[WaitingSource] | None:
        """The next part of the sources; None when there are no more."""

    async def end(self, outcome: Outcome, message: str) -> None:
        """Record how the run ended."""

    def show(self) -> None:
        """Show how far the run is."""


class Tally:
    """The outcomes and counts of the sources' runs, added up."""

    def __init__(self, state: SyncState) -> None:
        self.totals = state.totals
        self.bytes = state.bytes
        self.done = state.done
        self.by_outcome = dict(state.by_outcome)
        self.outcomes = list(state.outcomes)

    def add(self, outcome: SourceOutcome) -> None:
        """Count how the run of one source ended; list the worst."""
        self.outcomes.append(outcome)
        self.outcomes.sort(key=_worst_first)
        del self.outcomes[MAX_SOURCES_LISTED:]
        self.by_outcome[outcome.outcome] = self.by_outcome.get(outcome.outcome, 0) + 1
        self.totals = self.totals + outcome.counts
        self.bytes += outcome.bytes
        self.done += 1

    def add_unknown(self, name: str, message: str) -> None:
        """Count a name that no source has; `message` is about the first such name."""
        if f"'{name}'" not in message:
            message = f"no source is named '{name}'; `atlas sources list` shows those there are"
        self.add(SourceOutcome(source=name, outcome="unknown_source", message=message[:_MESSAGE]))

    def outcome(self, fine: tuple[Outcome, ...]) -> Outcome:
        """One bad source harms no other: the whole completed, with or without failures."""
        kinds = set(self.by_outcome)
        bad = kinds - set(fine)
        if not bad:
            return "completed"
        if bad == {"limit_reached"}:
            return "limit_reached"
        if len(kinds) == 1:
            return cast(Outcome, kinds.pop())
        return "completed_with_failures" if kinds - _CAME_TO_NOTHING else "all_failed"

    def message(self) -> str:
        """Which sources did not complete, and why, the worst first; empty when all did."""
        bad = [one for one in self.outcomes if one.outcome not in _WELL]
        named = [_described(one) for one in bad[:_NAMED]]
        more = sum(self.by_outcome.values()) - sum(self.by_outcome.get(each, 0) for each in _WELL)
        if more > len(named):
            named.append(f"and {more - len(named)} more")
        return "; ".join(named)

    @property
    def failures(self) -> list[Failure]:
        """Pages that failed, of the worst sources first."""
        found = [failure for one in self.outcomes for failure in one.failures]
        return found[:MAX_FAILURES_LISTED]

    def summary(self) -> dict[str, int]:
        """Figures for the run's record."""
        return {"sources": self.done, "bytes": self.bytes, **self.totals.model_dump()}


class MultiSource:
    """Works through the sources of a plan, a few at once; continues as new when the history is
    long, with children under way or not.

    `in_parts`: each part is worked through before the next is asked for, and only then may the run
    continue as new. Runs that 0.1.0 began work like this; there, one slow source holds up the rest.
    """

    def __init__(
        self, request: ManySources, family: Family, state: SyncState, pause: Pause
    ) -> None:
        self.tally = Tally(state)
        self.in_parts = False
        self.place = state.after
        """How far the plan was worked through, in the plan's own terms."""
        self.total = state.total
        """Sources there are, as far as is known."""
        self.nothing = self.unmatched = ""
        """Why the request selects no source at all; which parts of it match none."""
        self._request = request
        self._family = family
        self._pause = pause
        self._waiting = list(state.waiting)
        self._exhausted = state.exhausted
        self._events_before = state.events
        self._under_way: dict[str, WaitingSource] = {}
        self._handles: dict[str, workflow.ChildWorkflowHandle[object, Result]] = {}
        self._tasks: list[asyncio.Task[SourceOutcome]] = []

    async def run(self, plan: SourcesPlan) -> tuple[Outcome, str]:
        """Work the plan through and record how it ended; returns the outcome and its message."""
        try:
            await plan.begin()
            plan.show()
            while not await self._work(plan):
                await self._continue_as_new()
        except BaseException as error:
            if is_cancelled_exception(error):
                await plan.end("cancelled", "")
            raise
        outcome, message = self._outcome(), self._message(plan)
        await plan.end(outcome, message)
        return outcome, message

    @property
    def events(self) -> int:
        """History events so far, over all executions."""
        return events_so_far(self._events_before)

    async def signal_children(self, paused: bool) -> None:
        """No further source is begun (`_may_start`), and those under way pause too; or all go
        on."""
        signal = "pause" if paused else "resume"
        sent = [_signal(child, signal) for child in self._handles.values()]
        if self.in_parts:
            for one in sent:
                await one
        else:  # at once: a resume must not overtake a pause
            await asyncio.gather(*sent)

    # The outcome of the whole

    def _outcome(self) -> Outcome:
        # A schedule may find all sources paused; a person who selects none has made a mistake.
        if self.nothing and not self.tally.done and self._request.trigger != "schedule":
            return "nothing_selected"
        return self.tally.outcome(self._family.fine)

    def _message(self, plan: SourcesPlan) -> str:
        if not self.tally.done:
            return self.nothing or plan.nothing_message
        return "; ".join(each for each in (self.tally.message(), self.unmatched) if each)

    # What comes next

    async def _work(self, plan: SourcesPlan) -> bool:
        """Work the sources through; false when the history became long before the end. Returns,
        or raises, with no child under way: a cancellation of this run reaches each of them."""
        try:
            while True:
                if self._wants_more():
                    part = await plan.next_part()
                    self._exhausted = part is None
                    self._waiting += part or []
                elif self._may_start():
                    self._tasks.append(asyncio.create_task(self._child(self._pick())))
                elif self._tasks or (self._waiting and (self.in_parts or not self._is_long())):
                    await self._something()  # children under way, or paused
                    self._reap(plan)
                else:
                    return self._exhausted
        except GeneratorExit:  # the run is dropped from memory: nothing may be awaited any more
            raise
        except BaseException:
            await self._end(plan)
            raise

    def _is_long(self) -> bool:
        return history_is_long(self._request)

    def _wants_more(self) -> bool:
        if self._waiting or self._exhausted or self._is_long():
            return False
        return not (self.in_parts and self._tasks)

    def _may_start(self) -> bool:
        free = len(self._tasks) < self._family.at_once
        going = not self._pause.paused and (self.in_parts or not self._is_long())
        return bool(self._waiting) and free and going

    def _pick(self) -> WaitingSource:
        """The first whose host has the fewest sources under way."""
        hosts = [source.host for source in self._under_way.values()]
        chosen = min(self._waiting, key=lambda source: hosts.count(source.host))
        self._waiting.remove(chosen)
        self._under_way[chosen.source] = chosen
        return chosen

    async def _something(self) -> None:
        """Wait until a child ended, or one may start."""
        await workflow.wait_condition(
            lambda: any(task.done() for task in self._tasks) or self._may_start()
        )

    def _reap(self, plan: SourcesPlan) -> None:
        ended = [task for task in self._tasks if task.done()]
        self._tasks = [task for task in self._tasks if task not in ended]
        for task in ended:
            self.tally.add(task.result())
            plan.show()

    async def _end(self, plan: SourcesPlan) -> None:
        """Return with none under way: this run was cancelled, or a child could not be signalled.
        Their outcomes are counted."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await workflow.wait(self._tasks)
        self._tasks = [
            task for task in self._tasks if not task.cancelled() and task.exception() is None
        ]
        self._reap(plan)

    async def _continue_as_new(self) -> None:
        await handlers_ended()
        state = SyncState(
            after=self.place,
            paused_since=self._pause.since,
            events=self.events,
            total=self.total,
            waiting=self._waiting,
            exhausted=self._exhausted,
            totals=self.tally.totals,
            bytes=self.tally.bytes,
            done=self.tally.done,
            by_outcome=self.tally.by_outcome,
            outcomes=self.tally.outcomes,
        )
        continue_as_new(self._request, state)

    # One child

    async def _child(self, source: WaitingSource) -> SourceOutcome:
        name, child_id = source.source, self._family.id_of(source.source)
        try:
            result = await (await self._start(name, child_id))
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
            failures=[_short(each) for each in result.failures[:_FAILURES]],
        )

    async def _start(
        self, name: str, child_id: str
    ) -> workflow.ChildWorkflowHandle[object, Result]:
        # ABANDON: continuing as new would end the children otherwise. A cancellation reaches them
        # through the await of the handle, and WAIT lets each close its record first.
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
        if self._pause.paused and not self.in_parts:  # paused while it was being started
            await _signal(child, "pause")
        return child


async def _signal(child: workflow.ChildWorkflowHandle[object, Result], signal: str) -> None:
    with suppress(FailureError):  # it may have ended in this moment
        await child.signal(signal)


def _short(failure: Failure) -> Failure:
    """A failure that a hundred sources may have two of in what a run carries over."""
    return failure.model_copy(
        update={"url": failure.url[:300], "message": failure.message[:_MESSAGE]}
    )


def _described(one: SourceOutcome) -> str:
    """A source, its outcome, and why: in its own words, or by the first page that failed."""
    why = one.message
    if not why and one.failures:
        first, more = one.failures[0], one.counts.failed - 1
        why = f"{first.url}: {first.code}" + (f" and {more} more" if more > 0 else "")
    return f"{one.source}: {one.outcome}" + (f" ({why})" if why else "")


def _worst_first(one: SourceOutcome) -> tuple[int, str]:
    fine = one.outcome in _BEST_LAST
    return (1 + _BEST_LAST.index(one.outcome) if fine else 0, one.source)
