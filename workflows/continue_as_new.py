"""The boundaries of an execution: continue as new, cancellation, events spent."""

from __future__ import annotations

import asyncio
from typing import NoReturn, Protocol

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.models import Message, Request


class Bounded(Protocol):
    """A request that says after how many events its run continues as new."""

    @property
    def max_history_events(self) -> int: ...


def history_is_long(request: Bounded) -> bool:
    """Whether to stop at the next boundary and continue as new."""
    info = workflow.info()
    length = info.get_current_history_length()
    return length >= request.max_history_events or info.is_continue_as_new_suggested()


def events_so_far(before: int) -> int:
    """History events of this run, over all its executions; `before` counts the earlier ones."""
    return before + workflow.info().get_current_history_length()


async def handlers_ended() -> None:
    """Wait for signals being handled; only then is there a state to carry over. The caller has
    ended its lanes and children."""
    await workflow.wait_condition(workflow.all_handlers_finished)


def stop_if_cancelled() -> None:
    """Raise `CancelledError` if the run was cancelled: an activity that ended well although it was
    cancelled has swallowed that."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


def continue_as_new(request: Request, state: Message) -> NoReturn:
    """Go on in a fresh history. Between making `state` and this nothing may be awaited: a signal
    handled in between would be lost."""
    workflow.continue_as_new(request.model_copy(update={"state": state}))
