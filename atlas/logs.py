"""Structured logs on stderr: JSON lines for machines, short lines for a person at a terminal.

`workflow.logger` and `activity.logger` bring the run along; `log_context` adds what they do not
know (the source). Credentials never reach a line, whoever logged them.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TextIO

LogFormat = Literal["json", "text"]

_NOTHING: Mapping[str, object] = MappingProxyType({})
_context: ContextVar[Mapping[str, object]] = ContextVar("atlas_log_context", default=_NOTHING)

# What Temporal attaches, and what we call it.
_TEMPORAL = {
    "workflow_id": "workflow_id",
    "run_id": "run_id",
    "workflow_run_id": "run_id",
    "workflow_type": "workflow",
    "activity_type": "activity",
    "attempt": "attempt",
}
_SHOWN_IN_TEXT = ("source", "workflow_id", "activity")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    *("message", "asctime", "taskName", "temporal_workflow", "temporal_activity"),
    *("workflow_info", "activity_info", "temporal_log"),
}

_SECRETS = (
    # user:password@ (or a token alone) before the host of any address
    (re.compile(r"(?<=://)[^\s/?#@'\"]+@"), "[redacted]@"),
    # Authorization: Bearer abc, "authorization": "Basic abc", Cookie: a=b; c=d
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)"
            r"(['\"]?\s*[:=,]\s*[b]?['\"]?)(?:[^'\"\r\n]+)"
        ),
        r"\1\2[redacted]",
    ),
    # The same without its header; a word after "basic" is no credential.
    (
        re.compile(r"(?i)\b(bearer|basic)\s+(?=[a-z]*[0-9._~+/=-])[a-z0-9._~+/=-]{6,}"),
        r"\1 [redacted]",
    ),
    # api_key=…, password=…, token=… in queries and connection strings
    (
        re.compile(
            r"(?i)\b((?:[a-z0-9]{1,40}[_-]){0,6}(?:password|passwd|secret|token|api_?key|access_?key|"
            r"signature))(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;)}]+"
        ),
        r"\1\2[redacted]",
    ),
)


def setup_logs(
    level: str = "INFO", format: LogFormat | None = None, stream: TextIO | None = None
) -> None:
    """Send every log of this process to `stream` (stderr), in place of earlier handlers.

    `format`: given, else ATLAS_LOG_FORMAT, else text on a terminal and JSON elsewhere. A worker
    calls it after its imports.

    Raises:
        ValueError: an unknown level or format; names the setting, its value and the fix.
    """
    stream = stream or sys.stderr
    number = _level(level)
    formatter = JsonLines() if _format(format, stream) == "json" else TextLines()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    _quieten()


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields, such as `source`, to every line logged inside the block and its tasks."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def redact(text: str) -> str:
    """The text without credentials in addresses, headers and settings."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the run, extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if error := _error(self, record):
            line["error"] = error
        return json.dumps(_redacted(line), ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """`12:34:56 INFO  message  source=docs activity=fetch`, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        shown = [f"{name}={fields[name]}" for name in _SHOWN_IN_TEXT if name in fields]
        clock = f"{_time(record).astimezone():%H:%M:%S}"
        line = "  ".join([f"{clock} {record.levelname:<7} {record.getMessage()}", *shown])
        if error := _error(self, record):
            line = f"{line}\n{error}"
        return redact(line)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = dict(_context.get())
    for details in ("temporal_workflow", "temporal_activity"):
        for theirs, value in (getattr(record, details, None) or {}).items():
            if theirs in _TEMPORAL and value is not None:
                fields[_TEMPORAL[theirs]] = value
    if core := getattr(record, "temporal_log", None):  # a line of the SDK's core, in Rust
        fields |= {"target": core.target, **core.fields}
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return fields | extra


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {str(name): _redacted_field(str(name), each) for name, each in value.items()}
        case list() | tuple():
            return [_redacted(each) for each in value]
        case None | bool() | int() | float():
            return value
        case _:
            return redact(str(value))


def _redacted_field(name: str, value: Any) -> Any:
    # As "name: value" a secret is known by its name too; numbers are no secrets.
    if isinstance(value, str) and redact(f"{name}: {value}") == f"{name}: [redacted]":
        return "[redacted]"
    return _redacted(value)


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _level(level: str) -> int:
    levels = logging.getLevelNamesMapping()
    if level.upper() not in levels:
        raise ValueError(
            f"ATLAS_LOG_LEVEL: {level!r} is unknown; use debug, info, warning or error"
        )
    return levels[level.upper()]


def _format(format: str | None, stream: TextIO) -> str:
    chosen = format or os.environ.get("ATLAS_LOG_FORMAT")
    if not chosen:
        return "text" if stream.isatty() else "json"
    if chosen not in {"json", "text"}:
        raise ValueError(f"ATLAS_LOG_FORMAT: {chosen!r} is unknown; use json or text")
    return chosen


def _quieten() -> None:
    # Below WARNING these log every request, with its address.
    for name in ("httpx", "aiohttp", "botocore", "aiobotocore", "asyncio", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Temporal's adapters would repeat in each message what is already in the fields. A command
    # that has not imported it has no run to log, and must not pay for the import.
    if "temporalio.worker" in sys.modules:
        from temporalio import activity, workflow

        workflow.logger.workflow_info_on_message = False
        activity.logger.activity_info_on_message = False
