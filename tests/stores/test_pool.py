"""The pool outlives what networks and poolers do; and no message shows a password."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor

from atlas.embedded.postgres import SUPERUSER
from atlas.stores.postgres import connection as pools
from atlas.stores.postgres.connection import (
    DatabaseUnreachable,
    answering,
    connect_once,
    open_pool,
    shown,
    statements_within,
)
from atlas.stores.postgres.silent_sessions import end_silent
from atlas.worker.workers import ShortStatements
from tests.conftest import PostgresServer
from tests.pooler import pooled
from tests.proxy import Link, Proxy, proxied, socket_of, through

_SECRET = st.text("0123456789/#?@:&=%+ab", min_size=6, max_size=12)


@given(_SECRET)
def test_no_password_is_shown_even_one_that_should_have_been_encoded(secret: str) -> None:
    password = f"41x{secret}x14"
    for written in (password, quote(password, safe="")):
        told = shown(f"postgresql://u:{written}@db.internal:5432/atlas")
        assert "41x" not in told and "x14" not in told


@given(st.sampled_from("/#?"), st.integers(1, 99_999))
def test_nor_its_beginning_that_looks_like_a_port(mark: str, number: int) -> None:
    told = shown(f"postgresql://u:{number}{mark}rest@db/atlas")
    assert str(number) not in told.replace("%2F %23 %3F and %40", "")  # what is to be written


def test_the_address_itself_is_shown() -> None:
    assert shown("postgresql://u:p%40ss@db.internal/atlas") == "db.internal:5432/atlas"
    assert shown("postgresql:///atlas?host=/run/pg&user=u&password=p") == "/run/pg:5432/atlas"


# Connections that nobody needs

SESSIONS = "select count(*) from pg_stat_activity where application_name = 'atlas' and datname = $1"


async def test_what_a_burst_of_work_opened_is_closed_and_what_is_used_stays(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_SPARE", 0.2)
    pool = await open_pool(database_url, size=4, minimum=0)
    try:
        name = await pool.fetchval("select current_database()")
        async with pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire() as last:
            before = await last.fetchval(SESSIONS, name)
        async with asyncio.timeout(60):
            while await pool.fetchval(SESSIONS, name) != before - 3:
                await asyncio.sleep(0.02)
    finally:
        await pool.close()


# Connections that vanish

LOCK = "update corpus set corpus_id = corpus_id"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with proxied(socket_of(database_url)) as proxy:
        yield proxy


@pytest.mark.fault(2)
@pytest.mark.parametrize("direct", [True, False])
async def test_what_a_vanished_connection_had_locked_is_let_go(
    database_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    """Said at the start of the session, or with each transaction."""
    url = through(proxy.port, database_url)
    for idle in ("200ms", "2s", "20s"):  # more where this process is too busy to lock in time
        monkeypatch.setattr(pools, "_IDLE", idle)
        monkeypatch.setattr(pools.TellingConnection, "idle", idle)
        pool = await open_pool(url) if direct else None
        vanishing = await pool.acquire() if pool else await connect_once(url)
        await vanishing.transaction().start()
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await vanishing.execute(LOCK)
            break
        (pool or vanishing).terminate()
    assert vanishing.is_in_transaction()
    assert proxy.vanish() >= 1
    other = await connect_once(database_url)
    await other.execute(LOCK)
    await other.close()
    (pool or vanishing).terminate()


@pytest.fixture
def not_pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools do not look whether there is a pooler: the end of the connection with which they look
    would have to be confirmed within the short `_CANCELLING` of these tests."""

    async def pooled(url: str, wait: float) -> bool:
        return False

    monkeypatch.setattr(pools, "_is_pooled", pooled)


@pytest.mark.fault(2)
@pytest.mark.usefixtures("not_pooled")
async def test_a_statement_whose_answer_never_comes_is_given_up(
    database_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_CANCELLING", 0.1)
    pool = await open_pool(through(proxy.port, database_url), size=1)
    await pool.fetchval("select 1")
    proxy.vanish()
    for ask in (pool.fetchval, pool.fetch, pool.fetchrow, pool.execute):
        with statements_within(0.1), pytest.raises(TimeoutError):
            await ask("select 2")
        assert await pool.fetchval("select 3") == 3
        proxy.vanish()
    pool.terminate()


@pytest.mark.fault(2)
@pytest.mark.usefixtures("not_pooled")
async def test_a_transaction_on_a_vanished_connection_fails_and_the_next_one_works(
    database_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_BEGINNING", 0.1)
    monkeypatch.setattr(pools, "_CANCELLING", 0.1)
    pool = await open_pool(through(proxy.port, database_url), size=1)
    await pool.fetchval("select 1")
    proxy.vanish()
    with pytest.raises(TimeoutError):
        async with pool.acquire() as connection, connection.transaction():
            raise AssertionError("it began")
    monkeypatch.setattr(pools, "_BEGINNING", 60)  # this one is not to be given up
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
    pool.terminate()


@pytest.mark.fault(2)
async def test_what_ended_a_transaction_is_told_though_its_connection_is_lost_too(
    database_url: str, proxy: Proxy
) -> None:
    pool = await open_pool(through(proxy.port, database_url), size=1)
    async with pool.acquire() as connection:
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await lose(connection, proxy)
                raise ZeroDivisionError
    async with pool.acquire() as connection:
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction(), connection.transaction():  # a savepoint
                await lose(connection, proxy)
                raise ZeroDivisionError
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.InterfaceError):
            async with connection.transaction():
                await lose(connection, proxy)
    pool.terminate()


@pytest.mark.fault(2)
@pytest.mark.usefixtures("not_pooled")
async def test_a_statement_cancelled_as_the_connection_is_lost_is_cancelled(
    database_url: str, proxy: Proxy
) -> None:
    """A loop that tries again after errors ends, whatever became of its transaction."""
    pool = await open_pool(through(proxy.port, database_url), size=1)
    asked = asyncio.Event()

    async def work() -> None:
        while True:
            with suppress(Exception):
                async with pool.acquire() as connection, connection.transaction():
                    await connection.execute("select pg_sleep(600)")

    proxy.on_sent = lambda link, data: asked.set() if b"pg_sleep" in data else None
    task = asyncio.create_task(work())
    await asked.wait()
    proxy.refuses = True  # PostgreSQL is not told of the cancellation
    task.cancel()
    proxy.cut()
    with pytest.raises(asyncio.CancelledError):
        await task
    pool.terminate()


async def lose(connection: pools.Connection, proxy: Proxy) -> None:
    """Until the connection knows it."""
    proxy.cut()
    with suppress(*pools.LOST):
        while True:
            await connection.execute("select 1")


@pytest.mark.fault(2)
@pytest.mark.parametrize(("whole", "statement"), [(60, 20), (1800, 120)])
async def test_statements_of_short_activities_are_given_up_sooner(
    whole: int, statement: int
) -> None:
    class Innermost(ActivityInboundInterceptor):
        async def execute_activity(self, input: object) -> float:
            return pools._patience.get()

    info = replace(
        ActivityEnvironment.default_info(), start_to_close_timeout=timedelta(seconds=whole)
    )
    environment = ActivityEnvironment()
    environment.info = info
    bounded = ShortStatements().intercept_activity(Innermost(None))  # type: ignore[arg-type]
    assert await environment.run(bounded.execute_activity, None) == statement


@pytest.mark.fault(2)
@pytest.mark.parametrize("copies", [False, True])
async def test_a_client_that_vanishes_in_the_middle_of_a_statement_is_ended_by_another(
    database_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    """Between a statement and its values, or in a copy: the server's time-outs do not reach it."""
    other = await connect_once(database_url)
    await other.execute("create table copied (name text)")
    monkeypatch.setattr(pools, "_CANCELLING", 0.2)
    vanished = 0

    def vanish(link: Link, sent: bytes) -> None:
        nonlocal vanished
        first = 1 + int.from_bytes(sent[1:5])  # the length of the statement's own message
        if sent[first : first + 1] == (b"d" if copies else b"B"):  # rows; or values, to be bound
            link.far.write(sent[:first])
            vanished += proxy.vanish()

    for seconds in (0.2, 2, 20):  # more where a busy server does not come so far in time
        proxy.on_sent = None
        vanishing = await connect_once(through(proxy.port, database_url))
        await vanishing.transaction().start()
        await vanishing.execute(LOCK)
        proxy.on_sent = vanish
        with statements_within(seconds), pytest.raises((TimeoutError, asyncpg.InterfaceError)):
            if copies:
                await vanishing.copy_records_to_table("copied", records=[("a row",)])
            else:
                await vanishing.execute("update corpus set corpus_id = $1::uuid", uuid.uuid4())
        vanishing.terminate()
        if vanished:
            break
    assert vanished == 1
    assert await end_silent(other, 3600) == 0
    while not await end_silent(other, 0.1):
        await asyncio.sleep(0.02)
    await other.execute(LOCK)
    await other.close()


@pytest.mark.fault(2)
async def test_each_side_probes_a_silent_peer(database_url: str, proxy: Proxy) -> None:
    pool = await open_pool(through(proxy.port, database_url))
    async with pool.acquire() as connection:
        ours = connection._con._transport.get_extra_info("socket")
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        kept = {
            name: ours.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        }
    assert kept == {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 25_000,
    }
    await pool.close()
    for name, value in pools._TCP.items():  # the server's side; by its socket it keeps none
        assert int(value) > 0 and name.startswith("tcp_keepalives_")


# Poolers


@pytest.mark.fault(21)
async def test_behind_a_pooler_every_transaction_has_the_settings_and_nothing_is_prepared(
    database_url: str,
) -> None:
    async with pooled(socket_of(database_url), size=3) as pooler:
        pool = await open_pool(through(pooler.port, database_url), size=4)

        async def ask(number: int) -> tuple[str, str, int]:
            async with pool.acquire() as connection, connection.transaction():
                jit = await connection.fetchval("select current_setting('jit')")
                idle = await connection.fetchval("show idle_in_transaction_session_timeout")
                return jit, idle, await connection.fetchval("select $1::int", number)

        answers = await asyncio.gather(*(ask(number) for number in range(24)))
        assert answers == [("off", "30s", number) for number in range(24)]
        for number in range(12):  # outside of transactions, on one server connection or another
            assert await pool.fetchval("select $1::int + 1", number) == number + 1
        leisurely = await open_pool(through(pooler.port, database_url), leisurely=True)
        async with leisurely.acquire() as connection, connection.transaction():
            assert await connection.fetchval(f"show {pools._IDLING}") == "10min"
        assert pooler.refused == []
        await leisurely.close()
        await pool.close()


@pytest.mark.fault(21)
async def test_the_pooler_of_these_tests_refuses_and_confuses_as_pgbouncer_does(
    database_url: str,
) -> None:
    async with pooled(socket_of(database_url), size=2) as pooler:
        url = through(pooler.port, database_url)
        with pytest.raises(asyncpg.ProtocolViolationError, match="parameter: jit"):
            await asyncpg.connect(url, server_settings={"jit": "off"})
        client = await asyncpg.connect(url)
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            for _ in range(2):  # the second time on the other server connection
                assert await client.fetchval("select 1") == 1
        client.terminate()


@pytest.mark.fault(21)
async def test_without_one_statements_are_prepared_and_sessions_say_it_once(
    database_url: str,
) -> None:
    pool = await open_pool(database_url, size=1)
    async with pool.acquire() as connection:
        assert await connection.fetchval("show jit") == "off"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "30s"
        await connection.fetchval("select 7")
        assert await connection.fetchval("select count(*) from pg_prepared_statements") > 0
    await pool.close()


# A server without room


@pytest.fixture
async def narrow(postgres_server: PostgresServer, database_url: str) -> AsyncIterator[str]:
    """A database that takes two connections."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    await _limit(postgres_server, name, 2)
    yield database_url
    await _limit(postgres_server, name, -1)


async def _limit(server: PostgresServer, name: str, most: int) -> None:
    connection = await asyncpg.connect(server.url("postgres", SUPERUSER))
    await connection.execute(f"alter database {name} connection limit {most}")
    await connection.close()


@pytest.mark.fault(21)
async def test_work_waits_for_a_connection_where_the_server_has_no_room(narrow: str) -> None:
    first = await open_pool(narrow, size=1)
    second = await open_pool(narrow, size=4, wait=60)
    held = await second.acquire()
    waiting = asyncio.create_task(second.fetchval("select 2"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await first.close()
    assert await waiting == 2
    await second.release(held)
    await second.close()


@pytest.mark.fault(21)
async def test_without_patience_it_is_told(narrow: str) -> None:
    full = [await asyncpg.connect(narrow) for _ in range(2)]
    with pytest.raises(DatabaseUnreachable, match="too many connections") as told:
        await open_pool(narrow)
    assert told.value.passing
    assert "max_connections" in str(told.value) and "atlas up" not in str(told.value)
    for each in full:
        await each.close()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError(
            "cannot switch to state 12; another operation (2) is in progress"
        ),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        ConnectionResetError(),
    ],
    ids=["goodbye met", "closed", "reset"],
)
def test_a_connection_that_ends_under_a_statement_is_a_server_away(error: Exception) -> None:
    with pytest.raises(DatabaseUnreachable) as told, answering("postgresql:///atlas"):
        raise error
    assert told.value.passing
