"""Over weeks with a bad day in them no document is lost, what a bad day said becomes no version,
and what is truly gone is gone within its rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from atlas.domain.page_verdict import verdict_on
from atlas.stores.postgres.reporting.page_lookup import page_facts
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.outage.bad_days import BAD_DAYS, BAD_LISTINGS
from tests.outage.calendar import Calendar
from tests.outage.site import Site

KINDS = BAD_DAYS | BAD_LISTINGS
QUICK = (
    "302 to login",
    "human check",
    "half",
    "410",
    "a fifth 404",
    "half a sitemap",
    "no such host",
)
LOOKS = 4
"""Syncs of a bad day, six hours apart: more looks than any kind of evidence needs."""


async def weeks(env: AtlasEnv, site: Site, calendar: Calendar, name: str) -> None:
    """A good day, a bad one with four looks, and good ones again."""
    before = await snapshot(env.pool, site.base)
    KINDS[name](site)
    for look in range(LOOKS):
        calendar.pass_by(hours=6)
        await env.sync("docs", trigger="schedule")
        await assert_nothing_is_lost(env, site, before, f"{name}, look {look + 1}")
    await assert_explained(env, site, calendar, name)
    site.good()
    for day in range(2):
        calendar.pass_by(days=1)
        result = await env.sync("docs", trigger="schedule")
        assert (name, result.outcome) == (name, "completed"), result
        await assert_nothing_is_lost(env, site, before, f"{name}, good day {day + 1}")
    after = await snapshot(env.pool, site.base)
    assert {k: after.lifecycle[k] for k in before.live} == dict.fromkeys(before.live, "live"), name


async def assert_nothing_is_lost(env: AtlasEnv, site: Site, before: Snapshot, when: str) -> None:
    after = await snapshot(env.pool, site.base)
    assert not [url for url in before.live if url not in after.live], f"lost: {when}"
    assert after.texts == before.texts, f"versions: {when}"
    assert after.live == before.live, f"overwritten: {when}"
    assert after.indexed == before.indexed, f"index: {when}"


CAUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [name for name in BAD_DAYS if "login," in name or name.endswith((" to login", " home"))],
        ("redirected_out_of_scope",),
    ),
    **{status: (f"http_{status}",) for status in ("401", "403", "500")},
    **dict.fromkeys(("404", "410", "noindex"), ("removal_held",)),
    **dict.fromkeys(("half", "unbounded"), ("cut_body",)),
    **dict.fromkeys(("short", "endless"), ("truncated_body",)),
    **dict.fromkeys(("login", "login form"), ("login_page",)),
    "human check": ("challenge_page",),
    "consent": ("consent_wall",),
    "maintenance": ("maintenance_page",),
    "soft 404": ("soft_404",),
    "error with 200": ("error_page",),
    "access denied with 200": ("block_page",),
    "a fifth 404": ("removal_held", "unchanged"),
    "a fifth half": ("cut_body", "unchanged"),
    "a fifth human check": ("challenge_page", "unchanged"),
    "a fifth to login": ("redirected_out_of_scope", "unchanged"),
}
"""Day → what `explain` may say of a page at its end, where that is one thing for any size."""


async def assert_explained(env: AtlasEnv, site: Site, calendar: Calendar, name: str) -> None:
    """The cause that `explain` names for each page is the day's."""
    if name not in CAUSES:
        return
    now = datetime.now(UTC) + calendar.ahead
    for path in site.paths:
        async with env.pool.acquire() as connection:
            verdict = verdict_on(await page_facts(connection, site.url(path), now))
        assert verdict.code in CAUSES[name], (name, path, verdict)


async def begun(env: AtlasEnv, site: Site) -> None:
    site.good()
    await site.declare(env)
    first = await env.sync("docs", trigger="schedule")
    assert (first.outcome, first.counts.added) == ("completed", site.pages), first


async def test_a_bad_day_of_a_small_source(
    atlas_env: AtlasEnv, origin: Origin, calendar: Calendar, names: dict[str, Callable[[], str]]
) -> None:
    site = Site(origin, 5, "sitemap", names)
    async with atlas_env.worker():
        await begun(atlas_env, site)
        for name in QUICK:
            await weeks(atlas_env, site, calendar, name)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [5, 40, 1000])
@pytest.mark.parametrize("name", KINDS)
async def test_no_bad_day_costs_a_document(
    atlas_env: AtlasEnv,
    origin: Origin,
    calendar: Calendar,
    names: dict[str, Callable[[], str]],
    name: str,
    pages: int,
) -> None:
    site = Site(origin, pages, "sitemap", names)
    async with atlas_env.worker():
        await begun(atlas_env, site)
        await weeks(atlas_env, site, calendar, name)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)
