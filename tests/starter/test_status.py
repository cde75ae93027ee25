"""`atlas status`, `atlas top --once` and `atlas sources freshness`: what they tell, and their exit
codes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from starter import AtlasClient
from starter.cli.reference.described import check
from starter.monitoring import temporal_runs
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas


async def test_exit_codes_tell_a_monitor_what_is_wrong(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.page("/a", "<title>A</title><main><p>The pier lamp burns at night.</p></main>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    idle = await atlas("status")
    assert idle.code == 1
    assert "atlas: 0 waiting, no worker" in idle.out.replace(", 0 in progress", "")

    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).counts.added == 1
        fine = await atlas("status", "-o", "json")
        assert (fine.code, fine.json["ready"]) == (0, True)
        seen = fine.json["overview"]
        assert [worker["state"] for worker in seen["workers"]] == ["running"]
        assert {queue["workers"] for queue in seen["queues"]} == {1}
        assert [(each["name"], each["state"]) for each in seen["sources"]] == [("docs", "fresh")]
        assert seen["sources"][0]["last_outcome"] == "completed"
        assert seen["hosts"][0]["host"] == origin.host

        long_ago = datetime.now(UTC) - timedelta(days=3)
        await atlas_env.pool.execute("update sources set checked_at = $1", long_ago)
        late = await atlas("status")
        assert late.code == 4
        assert "docs: stale, 2 d late" in late.out
        told = await atlas("sources", "freshness", "docs", "-o", "json")
        assert (told.code, told.json["sources"][0]["state"]) == (4, "stale")
        patient = await atlas("sources", "freshness", "--stale-after", "3d")
        assert (patient.code, patient.out.split("\t")[:2]) == (0, ["docs", "due"])
        assert (await atlas("sources", "freshness", "other")).code == 1

        frame = await atlas("top", "--once")
        assert frame.code == 0
        assert "\x1b" not in frame.out
        assert max(map(len, frame.out.splitlines())) <= 120
        assert "docs    stale" in frame.out

        monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        halved = await atlas("top", "-o", "json")
        assert halved.code == 3
        assert (await atlas("status")).code == 3
    assert halved.json["sources"] is None
    assert [each["part"] for each in halved.json["untold"]] == ["postgresql"]
    assert [worker["state"] for worker in halved.json["workers"]] == ["running"]


async def test_without_temporal_the_corpus_is_told(
    corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    async with AtlasClient.connect() as atlas:
        await atlas.sources.add("docs", "https://docs.example.org/", kind="urls", force=True)
        seen = await atlas.overview()
    assert [each.name for each in seen.sources or ()] == ["docs"]
    assert (seen.workers, seen.queues, seen.schedules, seen.runs) == (None, None, None, ())
    assert {(each.part, each.connection) for each in seen.untold} == {("temporal", True)}


async def test_a_watch_tells_rates_and_each_look_is_as_documented(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starter.cli.framework.output import plain

    monkeypatch.setattr(temporal_runs, "_QUERY", timedelta(seconds=60))  # a worker will answer
    gate = asyncio.Event()
    origin.page("/a", "<title>A</title><p>The pier lamp burns at night.</p>", gate=gate)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        handle = await atlas_env.start("docs")
        await origin.arrived("/a")
        rates = []
        async for seen in atlas.watch(0.2):
            assert check({"schema": "overview/1", **plain(seen)}).name == "overview"
            [run] = seen.runs or ()
            rates.append(run.rate)
            if len(rates) == 2:
                break
        assert (run.type, run.source, run.stage) == ("sync_pipeline", "docs", "fetch")
        assert (run.done, run.total, run.run_id) == (0, 1, handle.result_run_id)
        assert [each.in_flight for each in seen.hosts or ()] == [1]
        assert rates[0] is None and rates[-1] == 0.0
        gate.set()
        await handle.result()
