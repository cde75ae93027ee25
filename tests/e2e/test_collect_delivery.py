"""The activities of collecting, delivered twice, late, or beside their successor; and by workers
that are killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from atlas.contracts.activities import (
    ApplyLimits,
    Batch,
    ClaimBatch,
    CloseRun,
    EnlistUrls,
    ListLevel,
    NextSources,
    OpenRun,
    PlanSources,
)
from atlas.contracts.jobs import BeginJob, EndJob
from atlas.contracts.work import RunLimits
from tests.e2e.environments import Servers, kill, servers, until_pages
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_collect import declare, page, start, words
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, once, twice
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin

__all__ = ["servers"]

COLLECTING = ["discover", "fetch", "reconcile"]


@pytest.mark.parametrize(
    "deliver",
    [*(pytest.param(way, marks=pytest.mark.slow) for way in (once, twice)), beside, cut_short],
    ids=lambda way: way.__name__,
)
async def test_every_way_of_delivery_collects_the_same(
    atlas_env: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    await declare(atlas_env, origin, "docs", 6)
    await declare(atlas_env, origin, "other", 1)
    origin.page("/extra", page("Extra", "An extra page."))
    limits = RunLimits(pages=5)
    async with activities(atlas_env, deliver) as call:
        await call(
            "begin_job",
            BeginJob(run_id="all", workflow_id="all", kind="collect_all_sources"),
        )
        plan = PlanSources(run_id="all", names=["docs", "other", "nobody"])
        planned = await call("plan_sources", plan)
        assert (planned.sources, planned.unknown) == (2, ["nobody"])
        await declare(atlas_env, origin, "late", 1)  # what is planned stays so
        assert (await call("plan_sources", plan)).sources == 2
        first = await call("next_sources", NextSources(run_id="all", limit=1))
        rest = await call("next_sources", NextSources(run_id="all", after=first.last))
        assert [one.source for one in (*first.sources, *rest.sources)] == ["docs", "other"]
        assert (await call("next_sources", NextSources(run_id="all", after=rest.last))).last == 0

        opened = OpenRun(run_id="r", workflow_id="by-hand", source="docs", type="collect")
        await call("open_run", opened)
        await call("list_level", ListLevel(run_id="r", process=False, limits=limits))
        urls = [origin.url("/extra"), "no url"]
        added = await call("enlist_urls", EnlistUrls(run_id="r", urls=urls, limits=limits))
        assert (added.added + added.known, added.refused) == (1, 1)
        limits = RunLimits(pages=3)
        await call("apply_limits", ApplyLimits(run_id="r", limits=limits))
        key = Batch(run_id="r", lane=0, number=1, process=False)
        claimed = await call("claim_batch", ClaimBatch(run_id="r", lane=0, number=1, limits=limits))
        assert claimed.pages == 3
        assert (await call("fetch_batch", key)).to_process == 0
        closed = await call("close_run", CloseRun(run_id="r", complete=True, stages=COLLECTING))
        assert (closed.outcome, closed.complete) == ("limit_reached", False)
        assert closed.counts.added == 3
        assert closed.skipped == {"budget": 4}

        # Delivered after the end, they change nothing.
        with pytest.raises(ApplicationError, match="has ended"):
            await call("enlist_urls", EnlistUrls(run_id="r", urls=[origin.url("/late/0")]))
        await call("apply_limits", ApplyLimits(run_id="r"))
        await call("list_level", ListLevel(run_id="r"))
        await call("list_level", ListLevel(run_id="r", discover=False))
        await call("end_job", EndJob(run_id="all", outcome="completed"))
    fetched = await atlas_env.fetch(
        "select url from pages join page_state on page_id = id where fetched_snapshot is not null"
    )
    # By URL /docs/0, 1, 2 come before /extra.
    assert sorted(row["url"] for row in fetched) == [origin.url(f"/docs/{n}") for n in range(3)]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
async def test_a_worker_killed_in_the_middle_loses_nothing(
    servers: Servers, tmp_path: Path
) -> None:
    async with Origin() as origin, servers.atlas(tmp_path) as env:
        for name in ("left", "right"):
            await declare(env, origin, name, 30)
        victim = env.spawn_worker()
        given = {"parallel": 2, "batch": 5}
        handle = await start(env, "collect_all_sources", given)
        await until_pages(env, "done", 20)
        await kill(victim)
        env.spawn_worker()
        result = await handle.result()
        assert (result["outcome"], result["counts"]["added"]) == ("completed", 60), result
        hour = await start(env, "hourly_collection", {})
        assert (await hour.result())["due"] == 0
        origin.page("/left/0", words(99))
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)
