"""Runs that would otherwise hang or mislead: several inputs, an unknown type, an empty request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.catalogue import WORKFLOWS
    from atlas.contracts.empty_runs import MEANT_NOTHING, meant_nothing
    from atlas.contracts.models import Message
    from atlas.contracts.refusal import invalid_input

R = TypeVar("R", bound=Message)


class OneInput(Interceptor):
    """Every workflow of Atlas takes one JSON object; a run that was given several fails at once.

    Temporal ignores type hints when the count of inputs differs, and calling `run` with too many
    fails the workflow task, which is retried without end.
    """

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        return _OneInputInbound


class _OneInputInbound(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        if len(input.args) > 1:
            raise invalid_input(
                f"{workflow.info().workflow_type}: {len(input.args)} inputs were sent; "
                "send one JSON object"
            )
        return await super().execute_workflow(input)


@workflow.defn(dynamic=True)
class UnknownWorkflow:
    """Answers a workflow type that does not exist: fails at once and names the types there are.
    Without it, such a run is retried without end."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        known = ", ".join(sorted(WORKFLOWS))
        raise ApplicationError(
            f"no workflow type '{workflow.info().workflow_type}'; known: {known}",
            type="UnknownWorkflowType",
            non_retryable=True,
        )


def ended(result: R, trigger: str) -> R:
    """The result, if the run did some work. Raises it as a failure when a person's request selected
    nothing: the `temporal` command shows no outcome. A parent looks at the outcome itself, and a
    schedule may find its sources paused every hour."""
    outcome: str = getattr(result, "outcome", "")
    if outcome not in MEANT_NOTHING or trigger == "schedule" or workflow.info().parent is not None:
        return result
    # Up to 0.3.0 such a run ended well.
    if not workflow.patched("meant-nothing-fails"):
        return result
    raise meant_nothing(outcome, getattr(result, "message", ""), result)
