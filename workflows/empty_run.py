"""How a run ends whose request meant nothing: for a person it fails, for Atlas it is a result."""

from __future__ import annotations

from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.empty_runs import MEANT_NOTHING, meant_nothing
    from atlas.contracts.models import Message


R = TypeVar("R", bound=Message)


def ended(result: R, trigger: str) -> R:
    """The result, of a run that did some work. Raises it as a failure when the request of a person
    meant nothing: `temporal` tells nobody of an outcome. A parent looks at the outcome itself, and
    a schedule finds its sources paused every hour."""
    outcome: str = getattr(result, "outcome", "")
    if outcome not in MEANT_NOTHING or trigger == "schedule" or workflow.info().parent is not None:
        return result
    if not workflow.patched("meant-nothing-fails"):
        return result
    raise meant_nothing(outcome, getattr(result, "message", ""), result)
