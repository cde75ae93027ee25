"""What stands in for Temporal Cloud: TLS, an API key or a client certificate, and no calls that
are the operator's; behind it the session's Temporal server does the work.

It speaks HTTP/2 on both sides, so it sees each call by name, with its headers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

Headers = list[tuple[str, str]]
UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED = 16, 7, 12
OPERATORS = (
    "/temporal.api.operatorservice.v1.OperatorService/",
    "/temporal.api.workflowservice.v1.WorkflowService/UpdateNamespace",
    "/temporal.api.workflowservice.v1.WorkflowService/RegisterNamespace",
    "/temporal.api.workflowservice.v1.WorkflowService/ListWorkers",
)
"""What Temporal Cloud keeps to itself."""


class Side:
    """One HTTP/2 connection: what is to be sent waits until the peer has room for it."""

    def __init__(self, writer: asyncio.StreamWriter, *, client: bool) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=client, header_encoding="utf-8"))
        self.writer = writer
        self._waiting: dict[int, tuple[bytearray, bool]] = {}
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(2**24)
        self.flush()

    def flush(self) -> None:
        """Write what is ready."""
        if data := self.h2.data_to_send():
            self.writer.write(data)

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send a part of a body, as far as there is room."""
        waiting, ends = self._waiting.get(stream, (bytearray(), False))
        waiting += data
        self._waiting[stream] = (waiting, end or ends)
        self.pump(stream)

    def pump(self, stream: int = 0) -> None:
        """Send what waits, of one stream or of all."""
        for each in [stream] if stream else list(self._waiting):
            with suppress(ProtocolError):
                self._pump_one(each)
        self.flush()

    def _pump_one(self, stream: int) -> None:
        if stream not in self._waiting:
            return
        waiting, end = self._waiting[stream]
        while waiting:
            room = self.h2.local_flow_control_window(stream)
            size = min(room, self.h2.max_outbound_frame_size, len(waiting))
            if size <= 0:
                return
            self.h2.send_data(stream, bytes(waiting[:size]))
            del waiting[:size]
        del self._waiting[stream]
        if end:
            self.h2.end_stream(stream)

    def trailers(self, stream: int, headers: Headers) -> None:
        """The end of a stream, after its body."""
        self.pump(stream)
        with suppress(ProtocolError):
            self.h2.send_headers(stream, headers, end_stream=True)
        self.flush()


@dataclass
class CloudLike:
    """Listens on `port`; `calls` are the names that were called, `headers` what came with them."""

    upstream: str
    context: ssl.SSLContext
    api_key: str | None = None
    refused: tuple[str, ...] = OPERATORS
    status: int = PERMISSION_DENIED
    calls: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    """Common names of the client certificates that were shown."""
    port: int = 0

    async def __aenter__(self) -> CloudLike:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._note_certificate(writer)
        host, _, port = self.upstream.rpartition(":")
        behind, onward = await asyncio.open_connection(host, int(port))
        self._open |= {writer, onward}
        link = _Link(self, Side(writer, client=False), Side(onward, client=True))
        down = asyncio.create_task(_pumped(behind, link.back, link.from_server))
        try:
            await _pumped(reader, link.front, link.from_client)
        finally:
            down.cancel()
            for each in (writer, onward):
                each.close()
                self._open.discard(each)

    def _note_certificate(self, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("peercert") or {}
        for part in shown.get("subject", ()):
            self.subjects |= {value for name, value in part if name == "commonName"}

    def verdict(self, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a call is refused, or None."""
        self.calls.append(headers[":path"].rpartition("/")[2])
        self.headers.append(headers)
        if self.api_key and headers.get("authorization") != f"Bearer {self.api_key}":
            return UNAUTHENTICATED, "Request unauthorized."
        if headers[":path"].startswith(self.refused):
            self.refusals.append(headers[":path"].rpartition("/")[2])
            return self.status, "Request unauthorized."
        return None


class _Link:
    """A client's connection and the one behind it; streams have other numbers there."""

    def __init__(self, cloud: CloudLike, front: Side, back: Side) -> None:
        self.cloud, self.front, self.back = cloud, front, back
        self._behind: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._answered: set[int] = set()

    def from_client(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=stream, headers=headers):
                self._asked(stream, [(str(name), str(value)) for name, value in headers])
            case DataReceived(stream_id=stream, data=data):
                if stream in self._behind:
                    self.back.send(self._behind[stream], data)
            case StreamEnded(stream_id=stream):
                if stream in self._behind:
                    self.back.send(self._behind[stream], b"", end=True)
            case StreamReset(stream_id=stream):
                if stream in self._behind:
                    with suppress(ProtocolError):
                        self.back.h2.reset_stream(self._behind[stream])
                    self.back.flush()

    def _asked(self, stream: int, headers: Headers) -> None:
        verdict = self.cloud.verdict(dict(headers))
        if verdict is not None:
            code, said = verdict
            answer = [(":status", "200"), ("content-type", "application/grpc")]
            answer += [("grpc-status", str(code)), ("grpc-message", said)]
            self.front.trailers(stream, answer)
            return
        other = self.back.h2.get_next_available_stream_id()
        self._behind[stream], self._before[other] = other, stream
        plain = [("http" if name == ":scheme" else value) for name, value in headers]
        self.back.h2.send_headers(
            other, [(name, value) for (name, _), value in zip(headers, plain, strict=True)]
        )
        self.back.flush()

    def from_server(self, event: Event) -> None:
        stream = self._before.get(getattr(event, "stream_id", 0) or 0)
        if stream is None:
            return
        match event:
            case ResponseReceived(headers=headers):
                with suppress(ProtocolError):
                    self.front.h2.send_headers(stream, headers, end_stream=False)
                self.front.flush()
            case DataReceived(data=data):
                self.front.send(stream, data)
            case TrailersReceived(headers=headers):
                self.front.trailers(stream, [(str(a), str(b)) for a, b in headers])
                self._answered.add(stream)
            case StreamEnded():
                if stream not in self._answered:  # a response of headers only
                    self.front.send(stream, b"", end=True)
            case StreamReset():
                with suppress(ProtocolError):
                    self.front.h2.reset_stream(stream)
                self.front.flush()


async def _pumped(reader: asyncio.StreamReader, side: Side, told: Callable[[Event], None]) -> None:
    """Read until the peer is gone; give room back for what was read."""
    with suppress(OSError, ProtocolError):
        while data := await reader.read(65536):
            for event in side.h2.receive_data(data):
                if isinstance(event, ConnectionTerminated):
                    return
                if isinstance(event, DataReceived) and event.flow_controlled_length:
                    side.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                told(event)
                if isinstance(event, WindowUpdated):
                    side.pump(event.stream_id or 0)
            side.pump()
