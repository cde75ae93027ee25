"""A worker that starts while a part is away waits for it; what does not pass ends it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from botocore.config import Config

import worker
from atlas.domain.blob import BlobStoreError
from atlas.settings import Settings
from atlas.stores.blobs import open_blobs, s3
from atlas.temporal.connection import answering, connect
from atlas.worker.startup import PartMissing, Start, Stopped
from tests.e2e.stack import AtlasEnv
from tests.proxy import Link, Proxy, proxied, socket_of, through

pytestmark = pytest.mark.fault(4)


@pytest.fixture
async def database(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """The way of workers to PostgreSQL."""
    async with proxied(socket_of(atlas_env.database_url)) as proxy:
        monkeypatch.setenv("ATLAS_DATABASE_URL", through(proxy.port, atlas_env.database_url))
        yield proxy


@pytest.fixture
async def temporal(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """The way of workers to Temporal."""
    async with proxied(atlas_env.address) as proxy:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{proxy.port}")
        yield proxy


@asynccontextmanager
async def starting() -> AsyncIterator[asyncio.Event]:
    """A worker in this process that has begun to start; the event that stops it."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(Settings.load(), stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def tried(proxy: Proxy, times: int) -> None:
    while proxy.accepted < times:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("part", ["database", "temporal"])
async def test_a_part_that_is_not_there_yet_is_waited_for(
    atlas_env: AtlasEnv, database: Proxy, temporal: Proxy, part: str
) -> None:
    proxy = {"database": database, "temporal": temporal}[part]
    proxy.refuses = True
    async with starting():
        await tried(proxy, 3)
        proxy.refuses = False
        assert (await atlas_env.sync("none")).outcome == "unknown_source"


@pytest.mark.parametrize("words", [b"pg_backend_pid", b"schema_migrations", b"corpus_id"])
async def test_a_database_that_is_cut_in_the_middle_of_a_start_is_asked_again(
    atlas_env: AtlasEnv, database: Proxy, words: bytes
) -> None:
    cuts = 0

    def cut(link: Link, sent: bytes) -> None:
        nonlocal cuts
        if words in sent and cuts < 3:
            cuts += 1
            link.end()

    database.on_sent = cut
    async with starting():
        assert (await atlas_env.sync("none")).outcome == "unknown_source"
    assert cuts == 3


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("database", "PostgreSQL does not answer at 127.0.0.1:"),
        ("temporal", "Temporal at 127.0.0.1:"),
    ],
)
async def test_after_its_patience_it_says_which_part_and_what_to_do(
    atlas_env: AtlasEnv,
    monkeypatch: pytest.MonkeyPatch,
    database: Proxy,
    temporal: Proxy,
    part: str,
    says: str,
) -> None:
    {"database": database, "temporal": temporal}[part].refuses = True
    monkeypatch.setenv("ATLAS_WORKER_START_PATIENCE", "1")
    with pytest.raises(worker.REFUSALS) as told:
        await worker.run(Settings.load(), asyncio.Event())
    assert isinstance(told.value, PartMissing)
    assert str(told.value).startswith(says)
    assert str(told.value).endswith(". Gave up after 1 s of waiting (ATLAS_WORKER_START_PATIENCE).")


async def test_what_ends_workers_for_want_of_temporal_is_told_as_such() -> None:
    client = await connect("127.0.0.1:1", lazy=True)
    for said in ("Worker validation failed: transport error", "Poll failure: timed out"):
        refused = pytest.raises(worker.REFUSALS, match=r"^Temporal .*127\.0\.0\.1:1")
        with refused, answering(client):
            raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="a bug"), answering(client):
        raise RuntimeError("a bug")


@pytest.mark.slow
async def test_a_temporal_that_goes_away_before_the_first_poll_is_told_as_such(
    atlas_env: AtlasEnv, temporal: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = worker.build_workers

    def build(*values: Any) -> Any:
        temporal.refuses = True
        temporal.cut()
        return sound(*values)

    monkeypatch.setattr(worker, "build_workers", build)
    with pytest.raises(worker.REFUSALS, match=r"^Temporal at 127.0.0.1:"):
        await worker.run(Settings.load(), asyncio.Event())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: url.replace("user=atlas", "user=nobody_at_all"), "refused: "),
        (lambda url: url.replace("/test_", "/no_such_"), "refused: "),
    ],
)
async def test_what_does_not_pass_is_told_at_once(
    atlas_env: AtlasEnv,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[str], str],
    says: str,
) -> None:
    wrong = change(atlas_env.database_url)
    assert wrong != atlas_env.database_url
    monkeypatch.setenv("ATLAS_DATABASE_URL", wrong)
    monkeypatch.setenv("ATLAS_WORKER_START_PATIENCE", "100000")
    with pytest.raises(worker.REFUSALS, match=says):
        await worker.run(Settings.load(), asyncio.Event())


async def test_a_worker_that_waits_may_be_stopped(
    atlas_env: AtlasEnv, database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_WORKER_START_PATIENCE", "100000")
    database.refuses = True
    async with starting():
        await tried(database, 2)


@asynccontextmanager
async def s3_that_says(status: str) -> AsyncIterator[str]:
    """An S3 that has one answer to everything; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with suppress(asyncio.IncompleteReadError, OSError):
            await serve(reader, writer)
        writer.close()
        open_now.discard(writer)

    open_now: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(served, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    while open_now:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("status", "waits"), [("503 Slow Down", True), ("403 Forbidden", False)])
async def test_an_s3_that_asks_for_patience_gets_it(
    monkeypatch: pytest.MonkeyPatch, status: str, waits: bool
) -> None:
    sound, tries = s3._config, 0
    once = Config(retries={"mode": "standard", "max_attempts": 0})
    monkeypatch.setattr(s3, "_config", lambda **style: sound(**style).merge(once))

    async def opened() -> str:
        nonlocal tries
        tries += 1
        if tries > 1:
            return "it answers"
        async with open_blobs("s3://bucket/prefix") as blobs:
            await blobs.check()
        raise AssertionError("it took the probe")

    async with s3_that_says(status) as endpoint:
        for name, value in {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        start = Start(60, asyncio.Event())
        if waits:
            assert await start.of(opened) == "it answers"
        else:
            with pytest.raises(BlobStoreError, match="Allow these credentials"):
                await start.of(opened)


async def test_the_patience_is_one_for_all_parts_and_a_stop_ends_it() -> None:
    async def away() -> None:
        raise BlobStoreError("the store is away", "Check it")

    stop = asyncio.Event()
    with pytest.raises(PartMissing, match=r"the store is away\. Check it\. Gave up after 0 s"):
        await Start(0, stop).of(away)
    stop.set()
    with pytest.raises(Stopped):
        await Start(60, stop).of(away)
