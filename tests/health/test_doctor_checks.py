"""What the doctor's looks conclude: of versions, permissions, networks and clocks."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import asyncpg
import pytest
from temporalio.service import RPCError, RPCStatusCode

from atlas.domain.fetch import FetchResult
from atlas.embedded.postgres import SUPERUSER
from atlas.health import network, permissions, versions
from atlas.health.probe import ProbeResult, Unwell, looked_at
from starter.reachability import _answered
from tests.conftest import PostgresServer, free_port
from tests.web.test_tls import PEM

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = f"atlas-{version('atlas-corpus')}"


@pytest.mark.parametrize(
    ("server", "status", "words"),
    [
        (("18.6", 18, "UTF8", 100, 12), "ok", "12 of 100"),
        (("13.4", 13, "UTF8", 100, 12), "failing", "older than 15"),
        (("18.6", 18, "SQL_ASCII", 100, 12), "failing", "encoding is SQL_ASCII"),
        (("18.6", 18, "UTF8", 100, 95), "degraded", "95 of 100"),
    ],
)
def test_versions_of_postgresql(
    server: tuple[str, int, str, int, int], status: str, words: str
) -> None:
    found = versions.judged_postgresql(*server)
    assert found.status == status and words in found.detail
    assert bool(found.mend) is (status != "ok")


@pytest.mark.parametrize(
    ("can", "days", "status", "words"),
    [
        ({}, 30, "ok", "30 days"),
        ({"updates": False}, 30, "failing", "no updates"),
        ({"worker heartbeats": False}, 30, "degraded", "`atlas top`"),
        ({}, 1, "degraded", "after 1 days"),
    ],
)
def test_versions_of_temporal(can: dict[str, bool], days: int, status: str, words: str) -> None:
    able = {"schedules": True, "updates": True, "worker heartbeats": True}
    found = versions.judged_temporal("1.32.0", able | can, days)
    assert found.status == status and words in found.detail


def test_versions_of_workers() -> None:
    assert versions.judged_workers({"a": OURS, "b": OURS}).status == "ok"
    found = versions.judged_workers({"a": OURS, "b": "atlas-0.0.1"})
    assert found.status == "degraded" and "workers run atlas-0.0.1; this is " in found.detail


async def test_what_a_role_may_do(database_url: str, postgres_server: PostgresServer) -> None:
    assert (await permissions.database(database_url)).status == "ok"
    name = database_url.partition("///")[2].partition("?")[0]
    owner = await asyncpg.connect(postgres_server.url(name, SUPERUSER))
    try:
        await owner.execute("create role stranger")
        await owner.execute("grant select on all tables in schema public to stranger")
        reading = await as_stranger(owner)
        await owner.execute(
            "grant insert, update, delete on all tables in schema public to stranger"
        )
        writing = await as_stranger(owner)
    finally:
        await owner.execute("drop owned by stranger")
        await owner.execute("drop role stranger")
        await owner.close()
    assert reading.status == "failing" and "stranger cannot write to" in reading.detail
    assert writing.status == "failing" and "can neither migrate nor" in writing.detail
    assert writing.mend.startswith("`grant <owner> to stranger`")


async def as_stranger(connection: asyncpg.Connection) -> ProbeResult:
    await connection.execute("set role stranger")
    try:
        return await permissions.role(connection)
    finally:
        await connection.execute("reset role")


class Denying:
    """A Temporal service that lets nobody do `denied`."""

    def __init__(self, *denied: str) -> None:
        self._denied = denied

    def __getattr__(self, call: str) -> object:
        async def answer(_: object) -> None:
            if call in self._denied:
                raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")
            if call.startswith("signal"):
                raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")

        return answer


class DenyingClient:
    namespace = "mine"

    def __init__(self, *denied: str) -> None:
        self.workflow_service = Denying(*denied)


@pytest.mark.parametrize(
    ("denied", "status", "words"),
    [
        ((), "ok", "may read and write"),
        (("count_workflow_executions",), "failing", "may not read namespace 'mine'"),
        (("signal_workflow_execution",), "failing", "may not write in namespace 'mine'"),
    ],
)
async def test_what_an_account_may_do_in_a_namespace(
    denied: tuple[str, ...], status: str, words: str
) -> None:
    found = await permissions.namespace(DenyingClient(*denied))  # type: ignore[arg-type]
    assert found.status == status and words in found.detail


async def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    found = await permissions.folders([tmp_path, tmp_path / "blobs", tmp_path / "none"])
    assert found.status == "failing" and "blobs is not a folder" in found.detail
    assert (await permissions.folders([tmp_path])).status == "ok"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    os.seteuid(65534)
    try:
        found = permissions._folders([Path("/root")])
    finally:
        os.seteuid(0)
    assert found.status == "failing" and "cannot be written by nobody" in found.detail
    assert found.mend.startswith("Run as root, its owner, or")


async def test_connections_to_what_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    plain = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    secure = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with plain, secure:
        ports = [server.sockets[0].getsockname()[1] for server in (plain, secure)]
        found = await network.reached("X", f"http://127.0.0.1:{ports[0]}/hunter2", NOW)
        assert (found.status, found.detail) == ("ok", f"127.0.0.1:{ports[0]} accepts connections")
        with pytest.raises(Unwell, match="its certificate is refused: self") as caught:
            await network.reached("X", f"https://localhost:{ports[1]}/", NOW)
        assert "SSL_CERT_FILE" in caught.value.mend
        monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
        found = await network.reached("X", f"https://localhost:{ports[1]}/", NOW)
        assert found.status == "ok" and "its certificate ends on 21" in found.detail
        late = NOW + timedelta(days=365 * 99 + 360)
        found = await network.reached("X", f"https://localhost:{ports[1]}/", late)
        assert found.status == "degraded" and "Renew" in found.mend
    closed = looked_at("x", network.reached("X", f"http://127.0.0.1:{free_port()}", NOW), mend="")
    check = await closed
    assert check.status == "failing" and check.mend.endswith("in X")


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (None, "ok", "answered 200"),
        (NOW - timedelta(seconds=30), "ok", "answered 200"),
        (NOW - timedelta(minutes=10), "degraded", "600 s ahead of the site's"),
        (NOW + timedelta(minutes=10), "degraded", "600 s behind the site's"),
    ],
)
def test_the_clock_of_a_site(said: datetime | None, status: str, words: str) -> None:
    fetched = FetchResult("https://a/", "https://a/", 200, date=said)
    found = _answered(fetched, NOW)
    assert found.status == status and words in found.detail
