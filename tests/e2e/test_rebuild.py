"""`rebuild_index`: a new generation takes over beside everything else, or the old one stays."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from atlas.contracts.names import QUEUE
from atlas.contracts.rebuild_index import (
    RebuildResult,
)
from atlas.stores.search.port import TextChanges
from tests.e2e.environments import until
from tests.e2e.rebuilding import (
    PAGES,
    Searchers,
    declare,
    opened,
    pause,
    rebuild,
    serve,
    start,
    states,
    until_copied,
    until_dropped,
    until_serving,
    until_settled,
    urls,
)
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin


async def test_the_smallest_input_builds_switches_and_keeps_the_old(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    """Also on an empty corpus; and the smallest rollback, with nothing to go back to."""
    async with atlas_env.worker():
        await until_serving(atlas_env)
        none = await rebuild(atlas_env, rollback=True)
        assert (none.outcome, none.generation) == ("no_previous", None)
        assert none.message == "there is no previous generation to switch back to"
        empty: RebuildResult = await atlas_env.client.execute_workflow(
            "rebuild_index", id="empty", task_queue=QUEUE, result_type=RebuildResult
        )
        assert (empty.outcome, empty.generation, empty.texts) == ("completed", 2, 0)
        await declare(atlas_env, origin)
        await atlas_env.sync("docs")
        before = await urls(atlas_env)
        result = await rebuild(atlas_env, reason="try", trigger="cli")
        assert (result.outcome, result.generation, result.previous) == ("completed", 3, 2), result
        assert [gate.name for gate in result.gates if gate.passed] == [
            "texts", "counts", "analysed", "size", "queries",
        ], result.gates  # fmt: skip
        assert (result.texts, result.message) == (PAGES, "try")
        assert await urls(atlas_env) == before
        assert await states(atlas_env) == {2: "previous", 3: "active"}
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)
    run = (await atlas_env.fetch("select * from runs where run_id = $1", result.run_id))[0]
    assert (run["kind"], run["outcome"], run["trigger"]) == ("rebuild_index", "completed", "cli")


async def test_searches_lack_nothing_while_it_rebuilds_beside_a_sync(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    """Pages change, go and come; the index is rebuilt twice, rolled back, and dropped."""
    await declare(atlas_env, origin)
    gone = {origin.url("/1"), origin.url("/4")}
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        left = set(await urls(atlas_env)) - gone
        # A page whose text has just changed is found again once the index has read it.
        changing = {origin.url(f"/{number}") for number in range(0, PAGES, 3)}
        people = Searchers(atlas_env, left - changing)
        assert len(people.wanted) == PAGES - 2 - PAGES // 3
        async with people.at_work():
            for edition in (1, 2):
                building = await start(atlas_env, chunk=2, keep_days=edition - 1)
                await until_copied(atlas_env, 4)
                await pause(atlas_env, building)
                serve(origin, edition)
                for path in ("/1", "/4"):
                    origin.status(path, 410)
                syncing = await atlas_env.start("docs", batch=3, trigger="schedule")
                await until_settled(atlas_env, 6 * edition)
                await building.signal("resume")
                result, synced = await asyncio.gather(building.result(), syncing.result())
                assert result.outcome == "completed", result
                assert synced.counts.updated == PAGES // 3, synced
            back = await rebuild(atlas_env, rollback=True)
            assert (back.outcome, back.generation, back.previous) == ("completed", 2, 3)
            seen = people.answers

            async def searched_since() -> bool:
                return people.answers > seen + 5

            await until(searched_since)
    assert people.wrong == []
    assert set(await urls(atlas_env)) == left
    assert await urls(atlas_env, "003q2word") == [origin.url("/3")]
    assert await urls(atlas_env, "003q1word") == []
    assert await states(atlas_env) == {2: "active", 3: "previous"}
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_a_failed_gate_leaves_the_old_index_and_says_which_query_lost_what(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        lost, url, word = await first_text(atlas_env)
        handle = await start(atlas_env, chunk=2, queries=[word, "the harbour of", "nothing"])
        await until_copied(atlas_env, 4)
        await pause(atlas_env, handle)
        # The building generation silently loses one text: what a bug would do.
        index = opened(atlas_env)
        await index.apply(2, TextChanges((), [lost], await index.cursor(2)))
        await index.release(2)
        await handle.signal("resume")
        result = await handle.result()
        assert (result.outcome, result.previous) == ("gate_failed", None)
        failed = {gate.name: gate.detail for gate in result.gates if not gate.passed}
        assert failed == {
            "texts": f"{PAGES - 1} distinct texts; 1 missing: {url}",
            "queries": "2 of 3 queries find 80% of what they found",
        }
        assert [loss.query for loss in result.losses] == [word]
        assert result.losses[0].lost == [url]
        assert "the old index still serves" in result.message
        await until_dropped(atlas_env)
    assert await states(atlas_env) == {1: "active"}
    assert await urls(atlas_env, word) == [url]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def first_text(env: AtlasEnv) -> tuple[bytes, str, str]:
    """The text that is copied first, its URL, and a word that no other page says."""
    [row] = await env.fetch(
        "select d.text_hash, p.url, substring(d.text from '\\d+q\\d+word') as word "
        "from documents d join pages p on p.id = d.page_id order by 1 limit 1"
    )
    return row["text_hash"], row["url"], row["word"]


@pytest.mark.slow
async def test_two_at_once_and_one_that_was_terminated(atlas_env: AtlasEnv, origin: Origin) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        first = await start(atlas_env, "first", chunk=2)
        await until_copied(atlas_env, 4)
        await pause(atlas_env, first)
        second = await rebuild(atlas_env, "second")
        assert (second.outcome, second.generation) == ("already_running", None)
        assert second.message.startswith(f"first (run {first.first_execution_run_id}) builds")
        assert await states(atlas_env) == {1: "active", 2: "building"}
        await first.terminate()
        third = await rebuild(atlas_env, "third", max_history_events=100, chunk=1)
        assert (third.outcome, third.generation) == (
            "completed",
            2,
        )  # it goes on with what is there
        assert third.events > 100  # over two executions or more
        await assert_workflows_healthy(atlas_env.client)
        ended = await atlas_env.fetch("select outcome from runs where workflow_id = 'first'")
        assert [row["outcome"] for row in ended] == ["failed"]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_bad_input_is_refused_by_name(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker():
        for request, words in (
            ({"rolback": True}, "rolback: unknown field"),
            ({"min_overlap": 1.5}, "min_overlap: 1.5 refused"),
            ({"rollback": True, "queries": ["a"]}, "'queries' gate a new index"),
        ):
            with pytest.raises(WorkflowFailureError) as failure:
                await rebuild(atlas_env, **request)
            assert isinstance(failure.value.cause, ApplicationError)
            assert words in failure.value.cause.message
