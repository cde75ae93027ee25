"""Hosts that do not answer keep no other host's pages waiting, and lose none of their own."""

import asyncio

from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin, Reply, Seen

GOOD = [f"/good/{number:02}" for number in range(40)]
SLOW = [f"/slow/{number}" for number in range(3)]


def text(seen: Seen) -> Reply:
    words = " ".join(f"{seen.path}-{number}" for number in range(30))
    return Reply(f"<html><body><main><h1>{seen.path}</h1><p>{words}.</main></html>")


async def test_healthy_hosts_are_done_while_silent_ones_are_still_waited_for(
    atlas_env: AtlasEnv,
) -> None:
    answers = asyncio.Event()

    async def late(seen: Seen) -> Reply:
        await answers.wait()
        return text(seen) if seen.path != "/robots.txt" else Reply("", 404)

    async with Origin() as one, Origin() as two, Origin() as three:
        # The first batch is of all three: pages are claimed in the order of their URLs.
        silent, mute, healthy = sorted((one, two, three), key=lambda each: each.base)
        healthy.route("/good/", text)
        silent.route("/slow/", late)  # its pages are not answered; nothing of the other one is
        mute.route("/", late)
        slow = [each.url(path) for each in (silent, mute) for path in SLOW]
        good = [healthy.url(path) for path in GOOD]
        await atlas_env.add_source("docs", "urls", *slow, *good, parallel=2)
        async with atlas_env.worker():
            handle = await atlas_env.start("docs", batch=8, lanes=1)
            while await atlas_env.value(DONE) < len(good):
                await asyncio.sleep(0.2)
            assert not answers.is_set()
            rows = await atlas_env.fetch("select distinct error_code, url from fetches order by 2")
            answers.set()
            result = await handle.result()
        asked = {each.host: len(each.requests("/robots.txt")) for each in (silent, mute)}
    # Nothing failed by then, and what was cut of a page's own request is written down.
    assert {row["error_code"] for row in rows} == {None, "set_aside"}, rows
    cut = {row["url"] for row in rows if row["error_code"]}
    assert cut and cut <= set(slow[: len(SLOW)])
    assert (result.outcome, result.counts.added) == ("completed", len(good) + len(slow)), result
    # Not one attempt failed; each page that was cut has two rows, the others one.
    ledger = await atlas_env.fetch(
        "select url, count(*) as rows, count(*) filter (where error_code is null) as good "
        "from fetches group by url"
    )
    assert {row["url"]: row["rows"] for row in ledger} == {
        url: 2 if url in cut else 1 for url in (*good, *slow)
    }
    assert {row["good"] for row in ledger} == {1}
    assert asked[silent.host] == 1
    assert await atlas_env.value("select count(*) from run_slow_hosts") == 2
    assert await atlas_env.value("select sum(failures) from hosts") == 0
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


DONE = "select count(*) from run_pages where url like '%/good/%' and outcome = 'added'"
