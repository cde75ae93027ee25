"""The attributes of a run's own span, and a new trace for each continued-as-new run, linked to the
previous one.

Temporal's plugin alone makes it a child of the previous run: a source synced for weeks would be one
endless trace, whose beginning no viewer shows. Registered after the plugin, so
`execute_workflow` runs inside its `RunWorkflow` span and `continue_as_new` before its own.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import opentelemetry.context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from atlas.telemetry.spans import outcome_attributes, request_attributes

_HEADER = "_atlas-continued-from"
_CONTEXT = TraceContextTextMapPropagator()
_PAYLOADS = PayloadConverter.default


class LinkContinuedRuns(Interceptor):
    """Needs nothing from workflow code, which calls `workflow.continue_as_new` as usual."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        span = trace.get_current_span()
        # The same in all runs of a chain, so that their traces can be found.
        span.set_attribute("atlas.first_run_id", workflow.info().first_execution_run_id)
        if before := _context_of(input.headers):
            span.add_link(before, {"atlas.link": "continued_as_new"})
        span.set_attributes(request_attributes(input.args[0] if input.args else None))
        result = await super().execute_workflow(input)
        span.set_attributes(outcome_attributes(result))
        return result


class _Outbound(WorkflowOutboundInterceptor):
    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier)
        input.headers = {**input.headers, _HEADER: _PAYLOADS.to_payload(carrier)}
        # An empty context: the plugin then sends no parent along.
        token = opentelemetry.context.attach(Context())
        try:
            super().continue_as_new(input)
        finally:
            opentelemetry.context.detach(token)


def _context_of(headers: Mapping[str, Payload]) -> trace.SpanContext | None:
    if (payload := headers.get(_HEADER)) is None:
        return None
    context = _CONTEXT.extract(_PAYLOADS.from_payload(payload))
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None
