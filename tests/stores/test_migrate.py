"""Migrations: applied once, from many places at once, and never over a schema not understood."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from atlas.stores.postgres import migrate

Connection = asyncpg.Connection


@pytest.fixture
async def connection(empty_database_url: str) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(empty_database_url)
    yield opened
    await opened.close()


NAMES = [migration.name for migration in migrate.known()]


RELEASED = Path(__file__).with_name("released_migrations.json")
"""Name → digest of every migration. A new one is added; what is here never changes: databases were
built with it. `RELEASED=write` adds what is missing."""


def test_a_released_migration_never_changes_not_even_a_comment() -> None:
    kept = json.loads(RELEASED.read_text())
    now = {each.name: each.digest for each in migrate.known()}
    if os.environ.get("RELEASED") == "write":
        RELEASED.write_text(json.dumps(now | kept, indent=2, sort_keys=True) + "\n")
    assert json.loads(RELEASED.read_text()) == now


async def test_databases_of_earlier_versions_are_taken(connection: Connection) -> None:
    """Of 0.3 to 0.5, in whose text a comment named another file."""
    await migrate.migrate(connection)
    for number, digests in migrate._OTHER_COMMENTS.items():
        for digest in digests:
            await connection.execute(
                "update schema_migrations set digest = $2 where number = $1", number, digest
            )
            await migrate.verify(connection)
            assert await migrate.migrate(connection) == []


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [migration.number for migration in migrate.known()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_all_are_applied_once(connection: Connection) -> None:
    assert await migrate.migrate(connection) == NAMES
    assert await migrate.migrate(connection) == []
    await migrate.verify(connection)


async def test_many_at_once_apply_each_once(empty_database_url: str) -> None:
    connections = await asyncio.gather(*(asyncpg.connect(empty_database_url) for _ in range(4)))
    try:
        applied = await asyncio.gather(*(migrate.migrate(one) for one in connections))
        assert sorted(name for names in applied for name in names) == NAMES
        await asyncio.gather(*(migrate.verify(one) for one in connections))
    finally:
        await asyncio.gather(*(one.close() for one in connections))


async def test_the_rest_is_applied_to_an_older_schema(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: every[:1])
    await migrate.migrate(connection)
    monkeypatch.setattr(migrate, "known", lambda: every)
    with pytest.raises(migrate.SchemaMismatch, match="older than this program: 0002"):
        await migrate.verify(connection)
    assert await migrate.migrate(connection) == NAMES[1:]
    await migrate.verify(connection)


async def test_one_that_fails_leaves_nothing_behind(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = migrate.Migration(len(NAMES) + 1, "0099_bad.sql", "create table half (); select 1/0")
    every = [*migrate.known(), bad]
    monkeypatch.setattr(migrate, "known", lambda: every)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.migrate(connection)
    assert await connection.fetchval("select to_regclass('sources')") is None
    assert await connection.fetchval("select to_regclass('half')") is None


@pytest.mark.parametrize("function", [migrate.migrate, migrate.verify])
async def test_a_newer_or_edited_schema_is_left_alone(connection: Connection, function) -> None:
    await migrate.migrate(connection)
    newer = "insert into schema_migrations (number, name, digest) values (9999, 'new', '')"
    await connection.execute(newer)
    with pytest.raises(migrate.SchemaMismatch, match=r"newer.*9999.*update Atlas"):
        await function(connection)
    await connection.execute("delete from schema_migrations where number = 9999")
    await connection.execute("update schema_migrations set digest = 'x' where number = 1")
    with pytest.raises(migrate.SchemaMismatch, match=r"0001_corpus.sql differs"):
        await function(connection)


async def test_an_empty_database_is_older(connection: Connection) -> None:
    with pytest.raises(migrate.SchemaMismatch, match=r"older.*atlas migrate"):
        await migrate.verify(connection)


async def test_each_corpus_has_an_id_of_its_own(connection: Connection) -> None:
    await migrate.migrate(connection)
    assert await connection.fetchval("select count(distinct corpus_id) from corpus") == 1
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("insert into corpus default values")


@pytest.mark.fault(9)
@pytest.mark.parametrize(("entries", "analyser"), [(0, 2), (1, 1)])
async def test_an_index_with_entries_stays_the_older_analysers(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, entries: int, analyser: int
) -> None:
    every = migrate.known()
    languages = next(each for each in every if each.name.endswith("_languages.sql"))
    older = [each for each in every if each.number < languages.number]
    monkeypatch.setattr(migrate, "known", lambda: older)
    await migrate.migrate(connection)
    await connection.execute("update generations set entries = $1", entries)
    # The migration that lets an index go of which nothing is left comes much later.
    monkeypatch.setattr(migrate, "known", lambda: every[: languages.number])
    await migrate.migrate(connection)
    assert await connection.fetchval("select analyser from generations") == analyser


async def test_a_restored_page_still_has_its_links_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 0.7, analyser 0 said that they are not known; others are of no use any more."""
    every = migrate.known()
    at = next(each.number for each in every if each.name.endswith("_links_unread.sql"))
    monkeypatch.setattr(migrate, "known", lambda: every[: at - 1])
    await migrate.migrate(connection)
    for url, analyser in (("restored", 0), ("settled", 2), ("new", None)):
        await connection.execute(
            "with page as (insert into pages (url, created_at) values ($1, now()) returning id) "
            "insert into page_state (page_id, settled_analyser) select id, $2 from page "
            "on conflict (page_id) do update set settled_analyser = $2",
            url,
            analyser,
        )
    monkeypatch.setattr(migrate, "known", lambda: every)
    await migrate.migrate(connection)
    unread = await connection.fetch(
        "select url from pages join page_state on page_id = id where links_unread"
    )
    assert [row["url"] for row in unread] == ["restored"]


async def test_sources_of_before_keep_the_networks_and_ports_that_they_had(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: every[:18])
    await migrate.migrate(connection)
    declare = (
        "insert into sources (name, kind, urls, created_at) "
        "values ($1, 'urls', '{http://10.0.0.1/}', now())"
    )
    await connection.execute(declare, "old")
    lifecycles = {
        "http://10.0.0.1:9000/a": "live",
        "http://[::1]:81/a:7/": "suspect",
        "https://a.example:8443/": "live",
        "https://a.example/b:22/": "live",
        "http://a.example:25/": "discovered",
    }
    for url, lifecycle in lifecycles.items():
        page = await connection.fetchval(
            "insert into pages (url, created_at) values ($1, now()) returning id", url
        )
        await connection.execute(
            "insert into page_state (page_id, lifecycle) values ($1, $2)", page, lifecycle
        )
        await connection.execute(
            "insert into source_pages values (1, $1, 0, 'listed', 'run', now())", page
        )
    monkeypatch.setattr(migrate, "known", lambda: every)
    await migrate.migrate(connection)
    await connection.execute(declare, "new")
    rows = await connection.fetch("select name, allow, ports, allow_http from sources order by id")
    assert [tuple(row) for row in rows] == [
        *[("old", ["any"], [81, 9000], False), ("new", [], [], False)]
    ]


async def test_of_pages_of_before_it_is_known_when_they_were_seen(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.known()
    [fresh] = [each.number for each in every if each.name.endswith("_freshness.sql")]
    monkeypatch.setattr(migrate, "known", lambda: [each for each in every if each.number < fresh])
    await migrate.migrate(connection)
    states = {
        "live": ("live", 3, 2, None),
        "elsewhere": ("live", 3, 2, 1),  # it leads to the first page by now
        "gone": ("suspect", 3, 2, None),
        "new": ("discovered", None, None, None),
    }
    for name, (lifecycle, checked, settled, leads) in states.items():
        page = await connection.fetchval(
            "insert into pages (url, created_at) values ($1, now()) returning id", name
        )
        await connection.execute(
            "insert into page_state (page_id, lifecycle, checked_at, settled_at, redirect_to) "
            "values ($1, $2, to_timestamp($3), to_timestamp($4), $5)",
            *(page, lifecycle, checked, settled, leads),
        )
    monkeypatch.setattr(migrate, "known", lambda: every)
    await migrate.migrate(connection)
    rows = await connection.fetch(
        "select p.url, extract(epoch from ps.seen_at)::int as seen "
        "from pages p join page_state ps on ps.page_id = p.id"
    )
    seen = {row["url"]: row["seen"] for row in rows}
    assert seen == {"live": 3, "elsewhere": 2, "gone": 2, "new": None}
