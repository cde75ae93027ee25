"""What a person let a bad day take by mistake comes back whole, and asks no site for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from starter import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, snapshot
from tests.outage.bad_days import BAD_DAYS
from tests.outage.calendar import Calendar
from tests.outage.conftest import Web
from tests.outage.site import Site

LETTING_GO = ("404", "410", "noindex")
"""Bad days whose pages wait for a person's word before they leave."""


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("pages", [5, 40, 1000])
@pytest.mark.parametrize("day", LETTING_GO)
async def test_what_was_approved_by_mistake_is_restored(
    atlas_env: AtlasEnv, calendar: Calendar, web: Web, day: str, pages: int
) -> None:
    site = await web.site("sitemap", pages)
    site.good()
    await site.declare(atlas_env)
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        await atlas_env.sync(site.name, trigger="schedule")
        before = await snapshot(atlas_env.pool, site.base)
        assert len(before.live) == pages
        good = datetime.now(UTC) + calendar.ahead
        await let_go(atlas_env, atlas, calendar, site, day)
        left = await snapshot(atlas_env.pool, site.base)
        assert not before.live.keys() & left.live.keys()

        asked = len(site.origin.requests())
        result = await (await atlas.restore(source=site.name, since=good)).result()
        assert (result.counts.added, result.counts.failed, result.missing) == (pages, 0, 0)
        assert len(site.origin.requests()) == asked
        after = await snapshot(atlas_env.pool, site.base)
        assert {url: after.live.get(url) for url in before.live} == before.live

        site.good()
        calendar.pass_by(days=1)
        recovered = await atlas_env.sync(site.name, trigger="schedule")
        assert (recovered.outcome, recovered.counts.unchanged) == ("completed", pages)
        after = await snapshot(atlas_env.pool, site.base)
        assert {url: after.live.get(url) for url in before.live} == before.live
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("pages", [5, 40])
@pytest.mark.parametrize("day", ["maintenance", "soft 404", "half"])
async def test_what_was_accepted_by_mistake_is_restored(
    atlas_env: AtlasEnv, calendar: Calendar, web: Web, day: str, pages: int
) -> None:
    site = await web.site("sitemap", pages)
    site.good()
    await site.declare(atlas_env)
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        await atlas_env.sync(site.name, trigger="schedule")
        before = await snapshot(atlas_env.pool, site.base)
        good = datetime.now(UTC) + calendar.ahead
        BAD_DAYS[day](site)
        calendar.pass_by(days=1)
        await atlas_env.sync(site.name, trigger="schedule")
        for path in site.paths:
            await (await atlas.start("process_document", url=site.url(path), accept=True)).result()
        replaced = await snapshot(atlas_env.pool, site.base)
        assert all(replaced.live.get(url) != text for url, text in before.live.items())

        result = await (await atlas.restore(source=site.name, since=good)).result()
        counts = result.counts
        assert (counts.added + counts.updated, counts.failed) == (pages, 0)
        assert (await snapshot(atlas_env.pool, site.base)).live == before.live
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def let_go(
    env: AtlasEnv, atlas: AtlasClient, calendar: Calendar, site: Site, day: str
) -> None:
    """Sync daily until the run is held, and approve what is held."""
    BAD_DAYS[day](site)
    for _ in range(4):
        calendar.pass_by(days=1)
        if (await env.sync(site.name, trigger="schedule")).outcome == "held":
            break
    approved = await atlas.deletions.approve(site.name)
    assert (approved.outcome, approved.removed) == ("completed", site.pages)
