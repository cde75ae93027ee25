"""OpenTelemetry: one trace from the client through workflow and activity down to HTTP and SQL.

Nothing is recorded or exported unless an OTLP endpoint is set; importing this costs nothing.
"""

from atlas.telemetry.setup import Telemetry, setup_telemetry
from atlas.telemetry.spans import (
    RunSpan,
    current_trace,
    outcome_attributes,
    page_span,
    request_attributes,
)

__all__ = [
    "RunSpan",
    "Telemetry",
    "current_trace",
    "outcome_attributes",
    "page_span",
    "request_attributes",
    "setup_telemetry",
]
