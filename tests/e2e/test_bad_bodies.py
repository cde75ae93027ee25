"""One page of a site that answers with a login, an error, a check: its text stays, and only a
person, or the page itself, changes that."""

from __future__ import annotations

import uuid

from atlas.contracts.names import QUEUE
from atlas.contracts.processing import ProcessRequest, ProcessResult
from atlas.stores.postgres.settlement import held_bodies
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_bad_days import Site
from tests.invariants import assert_invariants, snapshot
from tests.origin import Origin
from tests.text.bad_pages.held_out import HELD_OUT
from tests.text.bad_pages.looks import member_area
from tests.text.bad_pages.products import PRODUCTS

_LOGIN = member_area("nl", next(each for each in HELD_OUT if each.lang == "nl").login)
_, _FAILURE = PRODUCTS["nginx 502"]


async def accept(env: AtlasEnv, url: str) -> ProcessResult:
    return await env.client.execute_workflow(
        "process_document",
        ProcessRequest(url=url, accept=True),
        id=f"process_document:{uuid.uuid4().hex}",
        task_queue=QUEUE,
        result_type=ProcessResult,
    )


async def held(env: AtlasEnv) -> dict[str, held_bodies.HeldBody]:
    async with env.pool.acquire() as connection:
        return {each.url: each for each in await held_bodies.listed(connection)}


async def test_a_body_that_is_not_the_page_waits_for_a_person(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    site = Site(origin, 12)
    site.good()
    third, account = origin.url("/docs/3.html"), origin.url("/account")
    origin.page("/account", _LOGIN)
    await atlas_env.add_source("docs", "urls", account, *(origin.url(p) for p in site.paths))
    async with atlas_env.worker():
        first = await atlas_env.sync("docs")
        assert (first.outcome, first.counts.added, first.counts.skipped) == ("completed", 12, 1)
        before = await snapshot(atlas_env.pool, origin.base)

        origin.page("/docs/3.html", _FAILURE)
        bad = await atlas_env.sync("docs")
        assert (bad.outcome, bad.counts.skipped, bad.counts.changed) == ("completed", 2, 0)
        assert third in bad.message
        assert "error page" in bad.message
        after = await snapshot(atlas_env.pool, origin.base)
        assert (after.live, after.texts) == (before.live, before.texts)
        found = await held(atlas_env)
        assert {url: (each.code, each.live) for url, each in found.items()} == {
            third: ("error_page", True),
            account: ("login_page", False),
        }

        [accepted] = (await accept(atlas_env, account)).documents
        assert (accepted.result, accepted.version) == ("added", 1)
        [refused] = (await accept(atlas_env, origin.url("/docs/4.html"))).documents
        assert (refused.result, refused.error_code) == ("skipped", "nothing_held")

        site.good()
        good = await atlas_env.sync("docs")
        assert (good.counts.unchanged, good.counts.changed) == (13, 0)
        assert await held(atlas_env) == {}
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
