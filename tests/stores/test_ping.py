"""The question of a worker's health check: does PostgreSQL answer?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from atlas.embedded.postgres import PORT
from atlas.stores.postgres.ping import Probe
from tests.conftest import PostgresServer, free_port

pytestmark = pytest.mark.fault(24)

PATIENCE = 30.0


class Line:
    """A way to PostgreSQL that can be cut, or fall silent."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._open: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = free_port()
        self.silent = False

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
        await asyncio.sleep(0)  # the ends are told

    async def _carry(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, forth = await asyncio.open_unix_connection(self._socket)
        self._open += [back, forth]
        await asyncio.gather(self._pass(client, forth), self._pass(server, back))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65536):
                if not self.silent:
                    writer.write(part)
        except ConnectionError:
            pass
        writer.transport.abort()


@pytest.fixture
async def line(postgres_server: PostgresServer) -> AsyncIterator[Line]:
    line = Line(f"{postgres_server.cluster.socket_folder}/.s.PGSQL.{PORT}")
    await line.mend()
    yield line
    await line.cut()


@pytest.fixture
def probe(line: Line) -> Iterator[Probe]:
    probe = Probe(f"postgresql://atlas:not-shown@127.0.0.1:{line.port}/postgres")
    yield probe
    probe.close()


async def test_it_tells_a_cut_line_and_finds_the_mended_one(line: Line, probe: Probe) -> None:
    assert await probe.trouble(PATIENCE) is None
    await line.cut()
    for _ in range(2):  # while the connection is lost, and where none can be made
        told = await probe.trouble(PATIENCE) or ""
        assert f"PostgreSQL at 127.0.0.1:{line.port}/postgres does not answer: " in told
        assert "not-shown" not in told
    await line.mend()
    assert await probe.trouble(PATIENCE) is None


async def test_it_waits_no_longer_than_it_was_told_for_a_silent_line(
    line: Line, probe: Probe
) -> None:
    assert await probe.trouble(PATIENCE) is None
    line.silent = True
    for _ in range(2):  # on the connection that there was, and on a new one
        told = await probe.trouble(0.2)
        assert told == f"PostgreSQL at 127.0.0.1:{line.port}/postgres has not answered for 0 s"
    line.silent = False
    assert await probe.trouble(PATIENCE) is None


async def test_it_needs_no_connection_of_the_pool_and_one_of_its_own(
    postgres_server: PostgresServer, database_url: str
) -> None:
    probe = Probe(database_url)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        async with pool.acquire() as busy:
            for _ in range(3):
                assert await probe.trouble(PATIENCE) is None
            held = await busy.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and application_name = 'atlas health'"
            )
        assert held == 1
    probe.close()
