"""The answer to a workflow type that does not exist; by default such a run hangs for ever."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.catalogue import WORKFLOWS


@workflow.defn(dynamic=True)
class UnknownWorkflow:
    """Fails at once, naming the types there are."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        known = ", ".join(sorted(WORKFLOWS))
        raise ApplicationError(
            f"no workflow type '{workflow.info().workflow_type}'; known: {known}",
            type="UnknownWorkflowType",
            non_retryable=True,
        )
