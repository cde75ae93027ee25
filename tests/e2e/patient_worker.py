"""Workers whose workflows may take as long as a busy machine makes them."""

from __future__ import annotations

from typing import Any

from temporalio.worker._workflow import _WorkflowWorker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

PATIENCE = 60
"""Seconds after which a workflow that does not yield is taken for a deadlock. The SDK's own limit
of two seconds is met by sound workflows where many processes share a core, and what it does then,
a workflow task that fails, is what tests take for a bug."""


def be_patient() -> None:
    """Have the workflow workers of this process wait so long."""
    sound = _WorkflowWorker.__init__

    def patient(self: _WorkflowWorker, *args: Any, **named: Any) -> None:
        sound(self, *args, **named)
        self._deadlock_timeout_seconds = PATIENCE

    _WorkflowWorker.__init__ = patient  # type: ignore[method-assign]


def try_workflows_once() -> None:
    """Have the workers of this process try each workflow in the sandbox once, not at the start of
    each worker: nineteen imports take a tenth of a second."""
    tried: set[object] = set()
    sound = SandboxedWorkflowRunner.prepare_workflow

    def once(self: SandboxedWorkflowRunner, defn: Any) -> None:
        if defn.cls not in tried:
            sound(self, defn)
            tried.add(defn.cls)

    SandboxedWorkflowRunner.prepare_workflow = once  # type: ignore[method-assign]
