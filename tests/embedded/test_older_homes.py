"""`atlas up` on a home of an older version: it migrates, serves the old index while the first one
of the engine is built, then that one, and a clean-up deletes the old tables. Nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from atlas.embedded.postgres import SUPERUSER, Postgres
from atlas.embedded.postgres_binaries import find_installation
from atlas.embedded.postgres_database import create_database
from atlas.stores.postgres import migrate
from atlas.stores.postgres.crawl.bodies.ledger_partitions import make_partitions
from starter import AtlasClient
from tests.conftest import halt, launch, until_ready
from tests.embedded.conftest import NO_FSYNC, Home, until
from tests.embedded.older_homes import site
from tests.origin import Origin

OLDER = Path(__file__).with_name("older_homes")
LAST_MIGRATION = {"0.3.1": 18, "0.6.0": 36}
RECORDED = datetime(2026, 11, 30, tzinfo=UTC)
_IDLE_FIRST = """
import os, pathlib, signal, sys
if not pathlib.Path(sys.argv[1]).exists():
    signal.pause()
os.execv(sys.executable, [sys.executable, "-P", "-m", "worker"])
"""


async def put_back(home: Home, version: str, host: str) -> None:
    """A cluster in the home, with the tables and rows of a version."""
    cluster = Postgres(home.path / "postgres", find_installation(), NO_FSYNC)
    home.path.mkdir(parents=True)
    await asyncio.to_thread(cluster.prepare)
    process = launch(cluster, home.path / "older.log")
    try:
        await until_ready(cluster, process)
        await create_database(cluster.url("postgres", SUPERUSER))
        connection = await asyncpg.connect(cluster.url(role=SUPERUSER))
        try:
            await _fill(connection, version, host)
        finally:
            await connection.close()
    finally:
        halt(cluster, process)


async def _fill(connection: asyncpg.Connection, version: str, host: str) -> None:
    every = migrate.known()
    await connection.execute("set role atlas")
    with pytest.MonkeyPatch.context() as older:
        older.setattr(migrate, "known", lambda: every[: LAST_MIGRATION[version]])
        await migrate.migrate(connection)
    await make_partitions(connection, RECORDED)  # as that version's worker did
    # In the order of the dump, whatever refers to what; and what the migrations put in is in it.
    await connection.execute("reset role; set session_replication_role = replica")
    tables = await connection.fetchval(
        "select string_agg(format('%I', tablename), ', ') from pg_tables "
        "where schemaname = 'public'"
    )
    await connection.execute(f"truncate {tables}")
    rows = (OLDER / f"{version}.sql").read_text()
    await connection.execute(rows.replace("{site}", host))


@asynccontextmanager
async def nobody_writes(home: Home) -> AsyncIterator[None]:
    """The index cannot be begun in this block: it is searched as it was."""
    assert home.stack.database_url is not None
    connection = await asyncpg.connect(home.stack.database_url)
    try:
        async with connection.transaction():
            await connection.execute("lock table index_generations in exclusive mode")
            yield
    finally:
        await connection.close()


async def answers(atlas: AtlasClient, start: str) -> dict[str, list[str]]:
    """What is found by each of the queries, in order."""
    found = {}
    for query in site.QUERIES:
        page = await atlas.search(query)
        found[query] = [hit.url.removeprefix(start) for hit in page.results]
    return found


def assert_found(now: dict[str, list[str]], then: dict[str, list[str]]) -> None:
    """What was found is found, in the same order. The page that was left out as a copy of another
    may be a result of its own: copies are told apart by other rules since 0.7."""
    for query, urls in now.items():
        assert [url for url in urls if url in then[query] or url != site.GONE] == then[query], query


async def serving(home: Home) -> int | None:
    number: int | None = await home.execute(
        "select number from index_generations where state = 'active'"
    )
    return number


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", LAST_MIGRATION)
async def test_up_takes_an_older_home_over(
    version: str,
    homes: Callable[..., Home],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = tmp_path / "go"
    home = homes(worker=[sys.executable, "-P", "-c", _IDLE_FIRST, str(go)], schedules=False)
    monkeypatch.setenv("ATLAS_HOME", str(home.path))
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    async with Origin() as origin:
        site.serve(origin, later=True)
        await put_back(home, version, origin.host)
        await taken_over(home, version, origin.url(site.START), go)


async def taken_over(home: Home, version: str, start: str, go: Path) -> None:
    assert await home.up() == 0
    then = json.loads((OLDER / f"{version}.json").read_text())
    async with AtlasClient.connect() as atlas:
        # Migrated; no worker has run yet.
        assert_found(await answers(atlas, start), then)
        async with nobody_writes(home):
            go.touch()
            os.kill(home.stack.parts["worker"].pid, signal.SIGKILL)
            holder = "select holder from search_index"
            await until(lambda: home.execute(f"select ({holder}) is not null"))
            assert await serving(home) is None
            assert_found(await answers(atlas, start), then)
        while await serving(home) is None:
            assert_found(await answers(atlas, start), then)
        assert_found(await answers(atlas, start), then)
        run = await atlas.start("daily_cleanup", classes=["generations"])
        await run.result()
        assert await home.execute("select to_regclass('index_entries') is null")
        # A sync goes on from there: nothing was lost, and nothing changed.
        closed = await (await atlas.sync("docs")).result()
        assert (closed.counts.failed, closed.counts.added) == (0, 0), closed
