"""A run that was given several inputs fails at once; by default it would hang for ever.

Temporal ignores type hints when the count of inputs differs, and calling `run` with too many
fails the workflow task, which is retried without end.
"""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.refusal import invalid_input


class OneInput(Interceptor):
    """Every workflow of Atlas takes one JSON object."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        if len(input.args) > 1:
            raise invalid_input(
                f"{workflow.info().workflow_type}: {len(input.args)} inputs were sent; "
                "send one JSON object"
            )
        return await super().execute_workflow(input)
