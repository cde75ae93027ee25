"""Fixtures of every room: a real PostgreSQL, a real Temporal server, a clean environment."""

import asyncio
import fcntl
import gc
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from atlas.embedded.postgres import SUPERUSER, Postgres
from atlas.embedded.postgres_binaries import find_installation
from atlas.embedded.postgres_database import create_database
from atlas.embedded.temporal import TemporalServer, find_temporal
from atlas.embedded.unprivileged import shim
from atlas.stores.postgres.connection import keep_session
from tests.known_types import keep_known_types

# Bytecode is kept for the tests and the processes they start, whatever the shell says (Makefile).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test depends on how fast this machine is at the moment: neither what it does with an example
# nor how long the example takes to make. `make test-fast` tries fewer of them.
hypothesis.settings.register_profile(
    "atlas", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "fast", hypothesis.settings.get_profile("atlas"), max_examples=20
)
hypothesis.settings.load_profile("atlas")

keep_known_types()


def pytest_collection_finish() -> None:
    """What is imported and collected now stays; no garbage collection looks through it again."""
    gc.collect()
    gc.freeze()


TEMPLATE = "atlas_template"
_PREFIXES = ("ATLAS_", "TEMPORAL_", "OTEL_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# A test's database lives for seconds: no durability, more connections than a home needs.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "max_wal_size": "256MB",  # of memory, where the cluster lies in it
}
# A database is 600 files, and nearly every test makes and drops one. On ext4 that took more CPU
# than the tests: it looks for inodes that nobody deleted in the last seconds.
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def _unwanted() -> list[str]:
    return [name for name in os.environ if name.startswith(_PREFIXES) or name.upper() in _PROXIES]


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_folder() -> Iterator[None]:
    """What a test, a process it starts or one it kills leaves in the folder for temporary files
    goes with the session. The path is short: sockets lie there."""
    folder = Path(tempfile.mkdtemp(prefix="atlas-t-"))
    folder.chmod(0o1777)  # the embedded parts run as another user
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr("tempfile.tempdir", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _clean_session() -> Iterator[None]:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores Ctrl-C, and so would every process a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in _unwanted():
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees the person's settings, nor what another test set."""
    for name in _unwanted():
        monkeypatch.delenv(name)
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path_factory.getbasetemp() / "unused-home"))


@dataclass
class PostgresServer:
    """A running PostgreSQL, and one connection that makes and drops databases in it: a new one for
    each took a third of the time."""

    cluster: Postgres
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _administrator: "asyncpg.Connection[asyncpg.Record] | None" = None

    def url(self, database: str, role: str = "atlas") -> str:
        return self.cluster.url(database, role)

    async def create(self, name: str, template: str = "template1") -> str:
        """A new database; its URL."""
        # FILE_COPY: one checkpoint and a copy of the files, faster than logging each block.
        await self._administer(
            f"create database {name} owner atlas template {template} strategy file_copy"
        )
        return self.url(name)

    async def drop(self, name: str) -> None:
        await self._administer(f"drop database {name} with (force)")

    async def close(self) -> None:
        if self._administrator is not None:
            await self._administrator.close()

    async def _administer(self, statement: str) -> None:
        async with self._turn:  # tests begin several Atlases at once
            if self._administrator is None or self._administrator.is_closed():
                self._administrator = await asyncpg.connect(self.url("postgres", SUPERUSER))
            await self._administrator.execute(statement)


async def until_ready(part: Postgres | TemporalServer, process: subprocess.Popen[bytes]) -> None:
    """Wait for a part of the stack; pytest's timeout ends a wait that is in vain."""
    while not await part.ready():
        assert process.poll() is None, f"{part.name} ended with {process.returncode}"
        await asyncio.sleep(0.02)


def launch(part: Postgres | TemporalServer, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            shim(part.command(), part.account, part.stop_signal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def halt(part: Postgres | TemporalServer, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(part.stop_signal)
    process.wait(100)
    part.stopped()


@pytest.fixture(scope="session")
async def lent_zygotes() -> AsyncIterator[None]:
    """Ends what the workers in this process borrowed, and what workers in processes of their own
    and all zygotes fork from (tests/e2e/forks.py)."""
    from tests.e2e.forked_workers import WORKERS
    from tests.e2e.zygotes import LENDER, ZYGOTES, address

    address()  # begins its imports, while the servers begin
    yield
    WORKERS.close()
    await LENDER.close()
    ZYGOTES.close()


@pytest.fixture(scope="session")
def cluster_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the session's PostgreSQL lies: in memory, where there is room for it."""
    if not (_MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM):
        yield tmp_path_factory.mktemp("postgres")
        return
    for left in _MEMORY.glob("atlas-tests-*"):
        # A session that was killed gave nothing back. One that has just begun has no lock yet;
        # another session may remove the same, and other people's are none of ours.
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 4 * 3600 and (found := _lock(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(found)
    folder = Path(tempfile.mkdtemp(prefix="atlas-tests-", dir=_MEMORY))
    lock = _lock(folder)
    assert lock is not None
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _lock(folder: Path) -> int | None:
    """A lock on a folder, which ends with this process; None: another process has it."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@pytest.fixture(scope="session")
async def postgres_server(cluster_folder: Path) -> AsyncIterator[PostgresServer]:
    """One PostgreSQL for the whole session."""
    folder = cluster_folder
    cluster = Postgres(folder, find_installation(), _FAST)
    cluster.prepare()
    server = PostgresServer(cluster)
    process = launch(cluster, folder / "postgres.log")
    try:
        await until_ready(cluster, process)
        await create_database(cluster.url("postgres", SUPERUSER))
        yield server
        await server.close()
    finally:
        halt(cluster, process)


@pytest.fixture(scope="session")
async def migrated_template(postgres_server: PostgresServer) -> str:
    """The name of an empty database with every migration applied."""
    from atlas.stores.postgres.migrate import migrate

    connection = await asyncpg.connect(await postgres_server.create(TEMPLATE))
    try:
        await migrate(connection)
    finally:
        await connection.close()
    return TEMPLATE


_numbers = iter(range(1_000_000))


@pytest.fixture
async def empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A fresh database without any table."""
    name = f"empty_{next(_numbers)}"
    yield await postgres_server.create(name)
    await postgres_server.drop(name)


@pytest.fixture
async def database_url(
    postgres_server: PostgresServer, migrated_template: str
) -> AsyncIterator[str]:
    """A fresh migrated database, dropped after the test."""
    name = f"test_{next(_numbers)}"
    yield await postgres_server.create(name, migrated_template)
    await postgres_server.drop(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """An asyncpg pool on a fresh migrated database."""
    # Without RESET ALL at each return, as in the program: a tenth of all statements.
    pool = asyncpg.create_pool(database_url, min_size=1, max_size=8, reset=keep_session)
    async with pool:
        yield pool


class FleetingServer(TemporalServer):
    """Temporal for the time of the tests: nothing is kept on disk, and a task queue is one piece
    instead of four. Each test has a namespace of its own, with queues that see a few tasks: the
    server took half of the CPU of such a test."""

    def command(self) -> list[str]:
        command = super().command()
        kept = command.index("--db-filename")
        del command[kept : kept + 2]
        for side in ("Read", "Write"):
            command += ["--dynamic-config-value", f"matching.numTaskqueue{side}Partitions=1"]
        return command


@pytest.fixture(scope="session")
def patient_workflows() -> None:
    """No workflow of this process is taken for a deadlock because the machine is busy."""
    from tests.e2e.patient_worker import be_patient, try_workflows_once

    be_patient()
    try_workflows_once()


@pytest.fixture(scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory, patient_workflows: None
) -> AsyncIterator[TemporalServer]:
    """One Temporal development server for the whole session, search attributes registered."""
    folder = tmp_path_factory.mktemp("temporal")
    server = FleetingServer(folder, find_temporal(), free_port(), free_port(), free_port())
    server.prepare()
    process = launch(server, folder / "temporal.log")
    try:
        await until_ready(server, process)
        await server.settle()
        yield server
    finally:
        halt(server, process)


@pytest.fixture(scope="session")
def temporal_address(temporal_server: TemporalServer) -> str:
    """host:port of the session's Temporal server."""
    return temporal_server.address


def free_port() -> int:
    """A port that nobody listens on. Not from the range of outgoing connections, and at random,
    so that test sessions beside each other do not choose the same."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.randrange(10_000, 30_000)
            probe.bind(("127.0.0.1", port))
            return port
