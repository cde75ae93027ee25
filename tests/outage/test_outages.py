"""Over weeks with a bad day in them no document is lost, what a bad day said becomes no version,
and what is truly gone is gone within its rule."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from atlas.domain.removal.verdict_rules import verdict_on
from atlas.stores.postgres.reporting.page_lookup import page_facts
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.outage.bad_days import (
    BAD_CERTIFICATES,
    BAD_DAYS,
    BAD_LINKS,
    DAYS_OF,
    OF_A_LARGE_SITE,
    BadDay,
)
from tests.outage.calendar import Calendar
from tests.outage.conftest import Web
from tests.outage.site import Site

QUICK = ("302 to login", "human check", "half a sitemap")
LARGE = (
    *("302 to login", "301 home", "301 to a new host", "404", "410", "noindex", "soft 404"),
    *("half", "one page for all", "flapping", "half a sitemap", "sitemap of new names"),
    *("a fifth 404", *OF_A_LARGE_SITE),
)
"""What may go another way for a site of a thousand pages."""
LOOKS = 4
"""Syncs of a bad day, six hours apart: more looks than any kind of evidence needs."""
GOOD_DAYS = (1, 1, 7)
"""How long after the look before each look of good days is."""
CHOSEN = os.environ.get("ATLAS_TEST_DAYS")
"""Names of the days to be tried, separated by commas; none: all."""
BESIDE = 8
"""Sources that are synced at once."""

ALL = "no site://"
"""What the URLs of no site begin with: a snapshot leaves them as they are."""

Bad = tuple[str, BadDay, Site]
"""A kind of bad day, and the site that has it."""


def chosen(days: Mapping[str, BadDay]) -> Iterator[tuple[str, BadDay]]:
    return ((name, day) for name, day in days.items() if not CHOSEN or name in CHOSEN.split(","))


async def sites(kind: str, pages: int, days: Iterable[tuple[str, BadDay]], web: Web) -> list[Bad]:
    return [
        (name, day, await web.site(kind, pages, number, tls=name in BAD_CERTIFICATES))
        for number, (name, day) in enumerate(days)
    ]


async def sync_all(env: AtlasEnv, bad: list[Bad]) -> dict[str, SyncResult]:
    """One sync of every site, a few side by side; by the name of its bad day."""
    room = asyncio.Semaphore(BESIDE)

    async def one(site: Site) -> SyncResult:
        async with room:
            return await env.sync(site.name, trigger="schedule")

    results = await asyncio.gather(*(one(site) for _, _, site in bad))
    return {name: result for (name, _, _), result in zip(bad, results, strict=True)}


async def weeks(env: AtlasEnv, calendar: Calendar, bad: list[Bad]) -> list[str]:
    """A good day, a bad one with four looks, and good ones again, of every site at the same time;
    what went wrong."""
    for _, _, site in bad:
        site.good()
        await site.declare(env)
    pages = {name: site.pages for name, _, site in bad}
    for name, first in (await sync_all(env, bad)).items():
        assert (first.outcome, first.counts.added) == ("completed", pages[name]), (name, first)
    before, wrong = await snapshot(env.pool, ALL), []
    for _, day, site in bad:
        day(site)
    for look in range(LOOKS):
        calendar.pass_by(hours=6)
        await sync_all(env, bad)
        wrong += lost(bad, before, await snapshot(env.pool, ALL), f"look {look + 1}")
    wrong += await misexplained(env, calendar, bad)
    for _, _, site in bad:
        site.good()
    for number, days in enumerate(GOOD_DAYS, 1):
        calendar.pass_by(days=days)
        for name, result in (await sync_all(env, bad)).items():
            if result.outcome != "completed":
                wrong.append(f"{name}, good day {number}: {result}")
        wrong += lost(bad, before, await snapshot(env.pool, ALL), f"good day {number}")
    after = await snapshot(env.pool, ALL)
    wrong += [
        f"{name}: {url} is {after.lifecycle[url]} after it"
        for name, _, site in bad
        for url in before.live
        if url.startswith(f"{site.base}/") and after.lifecycle[url] != "live"
    ]
    await assert_invariants(env.pool, env.blobs)
    await assert_workflows_healthy(env.client)
    return wrong


def lost(bad: list[Bad], before: Snapshot, after: Snapshot, when: str) -> list[str]:
    """A line for each site that is not what it was."""
    wrong = []
    for name, _, site in bad:
        pages = [url for url in before.live if url.startswith(f"{site.base}/")]
        assert len(pages) == site.pages
        new = [url for url in after.live if url.startswith(f"{site.base}/") and url not in pages]
        found = {
            "lost": [url for url in pages if url not in after.live],
            "overwritten": [url for url in pages if after.live.get(url) != before.live[url]],
            "versions": [url for url in pages if after.texts.get(url) != before.texts[url]],
            "new": new,
        }
        wrong += [
            f"{name}, {when}: {len(urls)} {what}, {urls[0]}" for what, urls in found.items() if urls
        ]
    return wrong


ELSEWHERE = ("redirected", "redirected_out_of_scope")
CAUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [name for name in BAD_DAYS if "login," in name or name.endswith((" to login", " home"))],
        ELSEWHERE,
    ),
    "301 to a new host": ELSEWHERE,
    "301 to a parked host": ("removal_held", *ELSEWHERE),
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
    "a fifth to login": (*ELSEWHERE, "unchanged"),
    "301 to one page of the site": ("redirect_loop",),
    "307 to another host": ("port_refused",),
    "shell without text": ("suspicious_body",),
    **dict.fromkeys(("empty", "not html"), ("quarantined",)),
    "503": ("http_503", "host_down"),
    "hangs up": ("connection_closed", "host_down"),
    **dict.fromkeys(("one page for all", "pages mixed up"), ("suspicious_body", "unchanged")),
    "flapping": ("soft_404", "unchanged"),
    "no such host": ("not_listed", "host_down"),
    **dict.fromkeys(BAD_CERTIFICATES, ("not_listed", "tls_certificate", "host_down")),
    "robots.txt denies all": ("not_listed", "robots_disallowed"),
    **dict.fromkeys(
        ("no sitemap", "sitemap of another site", "login instead of a sitemap"), ("not_listed",)
    ),
    **dict.fromkeys(
        ("no feed", "feed of another site", "login instead of a feed"), ("not_listed",)
    ),
    "cut sitemap": ("not_listed", "unchanged"),
    **dict.fromkeys((*BAD_LINKS, "half a sitemap", "sitemap of new names"), ("unchanged",)),
    "51 pages 404": ("removal_held", "unchanged"),
    "51 pages 410": ("removal_held", "unchanged"),
    "51 pages home": (*ELSEWHERE, "unchanged"),
    "51 pages half": ("cut_body", "unchanged"),
}
"""Day → what `explain` may say of a page at its end, where that is one thing for any size."""


async def misexplained(env: AtlasEnv, calendar: Calendar, bad: list[Bad]) -> list[str]:
    """A line for each bad day of which `explain` names another cause, for any page."""
    now, wrong = datetime.now(UTC) + calendar.ahead, []
    for name, _, site in bad:
        found: dict[str, str] = {}
        for path in site.paths if name in CAUSES else ():
            async with env.pool.acquire() as connection:
                verdict = verdict_on(await page_facts(connection, site.url(path), now))
            if verdict.code not in CAUSES[name]:
                found[path] = verdict.code
        if found:
            wrong.append(f"{name}: {len(found)} explained otherwise, {next(iter(found.items()))}")
    return wrong


async def test_a_bad_day_of_a_small_source(
    atlas_env: AtlasEnv, calendar: Calendar, web: Web
) -> None:
    days = DAYS_OF["sitemap"]
    bad = await sites("sitemap", 5, [(name, days[name]) for name in QUICK], web)
    async with atlas_env.worker():
        wrong = await weeks(atlas_env, calendar, bad)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("pages", [5, 40])
@pytest.mark.parametrize("kind", DAYS_OF)
async def test_no_bad_day_costs_a_document(
    atlas_env: AtlasEnv,
    calendar: Calendar,
    web: Web,
    kind: str,
    pages: int,
) -> None:
    bad = await sites(kind, pages, chosen(DAYS_OF[kind]), web)
    async with atlas_env.worker():
        wrong = await weeks(atlas_env, calendar, bad)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", [LARGE[:6], LARGE[6:12], LARGE[12:]])
async def test_no_bad_day_costs_a_large_source_a_document(
    atlas_env: AtlasEnv,
    calendar: Calendar,
    web: Web,
    part: tuple[str, ...],
) -> None:
    days = DAYS_OF["sitemap"] | OF_A_LARGE_SITE
    bad = await sites("sitemap", 1000, chosen({n: days[n] for n in part}), web)
    async with atlas_env.worker():
        wrong = await weeks(atlas_env, calendar, bad)
    assert not wrong, "\n".join(wrong)
