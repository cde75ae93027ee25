"""`AtlasClient`: one protocol for every handle, and no error but our own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

import starter
from starter import (
    AtlasClient,
    AtlasError,
    Blocking,
    Cancelled,
    DatabaseDown,
    DifferentRequest,
    Failed,
    InvalidRequest,
    JobHandle,
    NotFound,
    SyncHandle,
    TemporalDown,
    Terminated,
    TimedOut,
)
from tests.conftest import free_port
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

ROOT = Path(__file__).parents[2]
PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "

Call = Callable[[AtlasClient], Awaitable[object]]


async def _drained(client: AtlasClient) -> list[object]:
    return [each async for each in client.documents()]


READING: dict[str, Call] = {
    "search": lambda atlas: atlas.search("harbour"),
    "documents": _drained,
    "document": lambda atlas: atlas.document("https://example.org/"),
    "chunks": lambda atlas: atlas.chunks("https://example.org/"),
    "quarantined": lambda atlas: atlas.quarantined(),
    "index_generations": lambda atlas: atlas.index_generations(),
    "runs": lambda atlas: atlas.runs(),
    "run": lambda atlas: atlas.run("docs"),
    "reports": lambda atlas: atlas.reports(),
    "report": lambda atlas: atlas.report(),
    "sources.list": lambda atlas: atlas.sources.list(),
    "sources.get": lambda atlas: atlas.sources.get("docs"),
}
STARTING: dict[str, Call] = {
    "sync": lambda atlas: atlas.sync("docs"),
    "fetch_url": lambda atlas: atlas.fetch_url("https://example.org/"),
    "start": lambda atlas: atlas.start("health_check"),
    "schedules.list": lambda atlas: atlas.schedules.list(),
    "schedules.apply": lambda atlas: atlas.schedules.apply(),
    "schedules.trigger": lambda atlas: atlas.schedules.trigger("hourly_collection"),
}


async def test_every_call_says_that_postgresql_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ATLAS_DATABASE_URL", f"postgresql://reader@{address}/corpus")
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    async with AtlasClient.connect() as atlas:
        for name, call in (READING | STARTING).items():
            with pytest.raises((DatabaseDown, TemporalDown), match=address):
                await call(atlas)
                pytest.fail(name)


async def test_every_call_says_that_temporal_is_down(
    corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    async with AtlasClient.connect() as atlas:
        for name, call in STARTING.items():
            with pytest.raises(TemporalDown, match=address):
                await call(atlas)
                pytest.fail(name)


BAD: dict[str, Call] = {
    "url": lambda atlas: atlas.fetch_url("ftp://example.org/"),
    "timeout": lambda atlas: atlas.fetch_url("https://example.org/", timeout=-1),
    "sources": lambda atlas: atlas.sync("Not A Name"),
    "name what to sync": lambda atlas: atlas.sync(),
    "lanes": lambda atlas: atlas.sync("docs", lanes=0),
    "no workflow type": lambda atlas: atlas.start("sync_pipline"),
    "unknown field": lambda atlas: atlas.start("weekly_report", weeek="2026-W47"),
    "limit": lambda atlas: atlas.search("harbour", limit=-1),
    "kind": lambda atlas: atlas.sources.add("docs", "https://example.org/", delay=-1),
}


async def test_bad_input_is_refused_by_name(corpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    async with AtlasClient.connect() as atlas:
        for name, call in BAD.items():
            with pytest.raises(InvalidRequest):
                await call(atlas)
                pytest.fail(name)
    monkeypatch.setenv("ATLAS_FETCH_ATTEMPTS", "many")
    with pytest.raises(InvalidRequest, match="ATLAS_FETCH_ATTEMPTS"):
        await AtlasClient.connect()


async def test_a_search_in_a_source_that_nobody_declared_names_it(
    corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    async with AtlasClient.connect() as atlas:
        with pytest.raises(NotFound, match="no source is named 'dosc'"):
            await atlas.search("harbour", source="dosc")


async def test_runs_without_a_worker_end_in_our_words(atlas_env: AtlasEnv) -> None:
    """Nothing works on them: they wait, are terminated, or run into Temporal's limit of time."""
    temporal = atlas_env.client
    async with AtlasClient.connect() as atlas:
        run = await atlas.start("deduplicate_documents")
        assert isinstance(run, JobHandle) and not run.joined
        with pytest.raises(TimedOut, match=r"did not end within 0\.1 s; it goes on"):
            await run.result(timeout=0.1)
        with pytest.raises(DifferentRequest) as caught:
            await atlas.start("deduplicate_documents", threshold=0.5)
        assert caught.value.differences == {"threshold": (0.8, 0.5)}

        same = await atlas.run(run.workflow_id)
        assert isinstance(same, JobHandle) and same.run_id == run.run_id
        await temporal.get_workflow_handle(run.workflow_id).terminate(reason="enough")
        with pytest.raises(Terminated, match="terminated: enough"):
            await same.result()
        assert [each.stage async for each in run] == ["terminated"]
        for late in (run.pause, run.resume, run.cancel):
            with pytest.raises(NotFound, match="is not under way"):
                await late()

        fetch = await atlas.start_fetch("https://example.org/")
        with pytest.raises(InvalidRequest, match="is too brief to be paused; cancel it"):
            await fetch.pause()
        with pytest.raises(NotFound, match="nobody"):
            await atlas.run("nobody")
        with pytest.raises(NotFound, match="fetch_url:nobody"):
            await atlas.run("fetch_url:nobody")

        await _short_lived(temporal, "health_check")
        with pytest.raises(Failed, match=r"health_check failed: .*timed out"):
            await (await atlas.run("health_check")).result()


async def _short_lived(temporal: Client, workflow_id: str) -> None:
    await temporal.start_workflow(
        "health_check",
        id=workflow_id,
        task_queue="atlas",
        execution_timeout=timedelta(seconds=1),
    )


async def test_every_kind_of_handle_tells_its_result_and_progress(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/docs/", f"<html lang=en><title>Start</title><p>{PROSE}")
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    async with AtlasClient.connect() as atlas, atlas_env.worker():
        sync = await atlas.sync("docs")
        assert [each.stage async for each in sync][-1] == "completed"
        assert (await sync.progress()).counts == (await sync.result(timeout=300)).counts
        assert isinstance(await atlas.run("docs"), SyncHandle)

        fetch = await atlas.start_fetch(origin.url("/docs/"))
        assert [each.stage async for each in fetch][-1] == "completed"
        assert (await fetch.result()).status_code == 304
        again = await atlas.run(fetch.workflow_id)
        assert isinstance(again, JobHandle)
        assert (await again.result()) == await fetch.result()

        batch = await atlas.start("batch_process", query={})
        last = [each async for each in batch][-1]
        assert (last.stage, last.done, last.total) == ("completed", 1, 1)
        assert (await batch.result()).counts.seen == 1

        check = await atlas.start("health_check")
        assert (await check.result()).checks
        assert (await check.progress()).stage == "completed"

        stopped = await atlas.start("batch_process", query={}, force=True)
        await stopped.pause()
        watching = asyncio.create_task(_stages(stopped))
        await stopped.cancel()
        with pytest.raises(Cancelled):
            await stopped.result()
        assert (await watching)[-1] == "cancelled"


async def _stages(run: JobHandle[starter.BatchResult]) -> list[str]:
    return [each.stage async for each in run]


async def test_a_program_without_an_event_loop_may_use_it_from_many_threads(corpus: str) -> None:
    blocking = Blocking()
    with pytest.raises(InvalidRequest, match=r"AtlasClient\.connect"):
        blocking(lambda atlas: atlas.sources.list())

    def many() -> tuple[list[int], list[object]]:
        with blocking, ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda _: len(blocking(lambda atlas: atlas.sources.list())), range(8))
            with pytest.raises(NotFound, match="nowhere"):
                blocking(lambda atlas: atlas.sources.get("nowhere"))
            return list(found), list(blocking.each(lambda atlas: atlas.documents()))

    assert await asyncio.to_thread(many) == ([0] * 8, [])
    assert await asyncio.to_thread(many) == ([0] * 8, []), "it opens again"


PROGRAM = """
from starter import AtlasClient, AtlasError, Blocking, SyncProgress, SyncResult, TimedOut

async def main() -> None:
    async with AtlasClient.connect() as atlas:
        run = await atlas.sync("docs", mode="incremental")
        async for progress in run:
            seen: SyncProgress = progress
            print(seen.counts.done)
        try:
            result: SyncResult = await run.result(timeout=300)
        except TimedOut as error:
            print(error)
        except AtlasError:
            raise
        report = await (await atlas.start("weekly_report", week="2026-W47")).result()
        print(report.week.upper())
    blocking = Blocking()
    counts = blocking(lambda client: client.fetch_url("https://example.org/")).content_length + 1
    for document in blocking.each(lambda client: client.documents()):
        print(document.url.upper(), counts)
    async with AtlasClient.connect() as atlas:
        fetched = await atlas.fetch_url("https://example.org/", timeout=5.0)
        length: int = fetched.content_length
        for hit in (await atlas.search("lighthouse")).results:
            print(hit.url.upper(), hit.snippet.upper())
        reveal_type(result.counts.added)
"""
MISTAKES = {
    'await atlas.sync("docs", mod="full")': 'Unexpected keyword argument "mod"',
    'await atlas.sync("docs", mode="all")': 'Argument "mode"',
    "(await atlas.runs())[0].counts.sen": 'has no attribute "sen"',
    'len(await (await atlas.start("weekly_report")).result())': "incompatible type",
}


@pytest.mark.slow
def test_a_program_that_uses_the_client_is_checked_strictly(tmp_path: Path) -> None:
    """As mypy sees it in a project of the reader's own, with Atlas installed."""
    (tmp_path / "program.py").write_text(PROGRAM)
    wrong = "from starter import AtlasClient\n\nasync def main(atlas: AtlasClient) -> None:\n"
    (tmp_path / "wrong.py").write_text(wrong + "".join(f"    {line}\n" for line in MISTAKES))
    command = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache")
    ran = subprocess.run(
        [*command, "--follow-imports=silent", "program.py", "wrong.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    told = [line for line in ran.stdout.splitlines() if ": error:" in line]
    assert 'Revealed type is "int"' in ran.stdout.replace("builtins.", "")
    assert [line for line in told if line.startswith("program.py")] == [], ran.stdout
    for message in MISTAKES.values():
        assert any(message in line for line in told), (message, ran.stdout)
    for package in ("atlas", "starter"):
        assert (ROOT / package / "py.typed").exists()


def test_every_name_that_is_exported_is_there_and_every_error_has_one_tree() -> None:
    for name in starter.__all__:
        assert getattr(starter, name) is not None
    errors = __import__("starter.errors").errors
    tree = {each for each in vars(errors).values() if isinstance(each, type)}
    assert all(issubclass(each, AtlasError) for each in tree)
    assert {each.__name__ for each in tree} <= set(starter.__all__)
