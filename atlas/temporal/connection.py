"""Connecting to Temporal: the client's settings and the data converter."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import temporalio.api.common.v1
from pydantic import BaseModel, ValidationError
from temporalio.client import Client, Plugin, WorkflowExecutionStatus
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from atlas.contracts.models import Request, explain
from atlas.contracts.refusal import invalid_input
from atlas.embedded.endpoints import unusable
from atlas.embedded.temporal_access import TemporalAccess
from atlas.temporal.codec import EncryptingCodec, ForeignPayloads
from atlas.temporal.keyring import Keyring
from atlas.temporal.unreachable import passes, unreachable


class TemporalUnreachable(Exception):
    """No Temporal server answered; the message says where and what to do. `passing`: it may answer
    soon, without anybody doing anything."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


PASSING = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.ABORTED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.UNKNOWN,
)
"""What a server says, or its connection, that starts, restarts or is busy."""
_WORKER_ENDED = ("Worker validation failed", "Poll failure")
"""How the SDK's errors begin that end a worker because Temporal is not there, or says no."""


class AtlasPayloadConverter(PydanticPayloadConverter):
    """Pydantic JSON, except that a refused *request* fails the run instead of hanging it.

    A `ValidationError` while decoding fails the workflow task, which Temporal retries for ever;
    an `ApplicationError` fails the run at once. Only what people send is treated so: on an
    activity's result it would end a run that a deploy would have healed.
    """

    def from_payloads(
        self,
        payloads: Sequence[temporalio.api.common.v1.Payload],
        type_hints: list[type] | None = None,
    ) -> list[Any]:
        request = _request_of(type_hints)
        if request is None:
            return super().from_payloads(payloads, type_hints)
        try:
            values = super().from_payloads(payloads, type_hints)
        except ValidationError as error:
            raise invalid_input(explain(error, request)) from None
        except Exception as error:
            raise invalid_input(f"{request.__name__}: the input is not JSON: {error}") from None
        if any(isinstance(value, bytes) for value in values):  # encoding binary/plain
            raise invalid_input(f"{request.__name__}: the input is not JSON but plain bytes")
        return values


def _request_of(type_hints: list[type] | None) -> type[BaseModel] | None:
    for hint in type_hints or []:
        for candidate in (hint, *typing.get_args(hint)):
            if isinstance(candidate, type) and issubclass(candidate, Request):
                return candidate
    return None


def data_converter(keyring: Keyring | None = None, *, tells: bool = False) -> DataConverter:
    """The converter every client and worker of Atlas uses; with keys, it encrypts.

    `tells`: log what arrives unencrypted although there are keys; for workers.
    """
    plain = replace(
        pydantic_data_converter,
        payload_converter_class=AtlasPayloadConverter,
        payload_codec=ForeignPayloads(),
    )
    if keyring is None:
        return plain
    return replace(
        plain,
        payload_codec=EncryptingCodec(keyring, tells=tells),
        # Messages and stack traces of failures become payloads too, and so are encrypted.
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(
    address: str | None = None,
    *,
    secrets: Path | None = None,
    keyring: Keyring | None = None,
    plugins: Sequence[Plugin] = (),
    lazy: bool = False,
    quiet: bool = False,
    runtime: Runtime | None = None,
) -> Client:
    """Connect as Temporal's own environment configuration says (`TEMPORAL_ADDRESS`, profiles, TLS,
    API key); `address` is the embedded server's and used where that names none, with the `secrets`
    of its home.

    `keyring` encrypts payloads. `quiet`, for clients: the SDK's core logs nothing; it would write
    of each retry, and on stdout. `runtime` is a worker's. Raises `TemporalUnreachable`
    when nobody answers, or the configuration cannot be used.
    """
    try:
        config = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, OSError) as error:
        raise TemporalUnreachable(unusable(error)) from None
    if not config.get("target_host"):
        config["target_host"] = address or "127.0.0.1:7233"
    target = config["target_host"]
    if secrets is not None and target == address and not config.get("tls"):
        config["tls"] = _certificates(TemporalAccess(secrets))
    try:
        return await Client.connect(
            **config,
            data_converter=data_converter(keyring, tells=not quiet),
            plugins=list(plugins),
            lazy=lazy,
            runtime=_quiet_runtime() if quiet else runtime,
        )
    except ValueError as error:
        raise TemporalUnreachable(
            f"TEMPORAL_ADDRESS: {target!r} cannot be used: {error}; give host:port"
        ) from None
    except (RPCError, RuntimeError) as error:
        raise TemporalUnreachable(
            unreachable(target, str(error)), passing=passes(str(error))
        ) from None


def _certificates(access: TemporalAccess) -> TLSConfig:
    authority, certificate, key = access.variables().values()
    try:
        return TLSConfig(
            server_root_ca_cert=Path(authority).read_bytes(),
            client_cert=Path(certificate).read_bytes(),
            client_private_key=Path(key).read_bytes(),
        )
    except OSError as error:
        raise TemporalUnreachable(
            f"The secrets of the embedded Temporal server cannot be read: {error}. "
            "Run as the user who runs `atlas up`, or start it again."
        ) from None


@contextmanager
def answering(client: Client) -> Iterator[None]:
    """Translate errors of the connection: raises `TemporalUnreachable`."""
    try:
        yield
    except RPCError as error:
        target = client.service_client.config.target_host
        if error.status in PASSING:
            said = error.message or error.status.name
            raise TemporalUnreachable(unreachable(target, said), passing=True) from None
        raise TemporalUnreachable(f"Temporal at {target} refused: {error.message}") from None
    except RuntimeError as error:
        if not str(error).startswith(_WORKER_ENDED):
            raise
        target = client.service_client.config.target_host
        raise TemporalUnreachable(unreachable(target, str(error)), passing=True) from None


@cache
def _quiet_runtime() -> Runtime:
    return Runtime(telemetry=TelemetryConfig(logging=None))


async def run_is_open(client: Client, workflow_id: str, first_run_id: str) -> bool:
    """Whether Temporal has the run, or one that it continued as, under way."""
    try:
        description = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    first = description.raw_description.workflow_execution_info.first_run_id
    running = description.status is WorkflowExecutionStatus.RUNNING
    return running and first_run_id in (first, description.run_id)
