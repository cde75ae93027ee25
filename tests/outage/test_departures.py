"""What is truly gone is gone within its rule, neither earlier nor later; what returns goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, snapshot
from tests.origin import Origin, Reply
from tests.outage.bad_days import new_host
from tests.outage.calendar import Calendar
from tests.outage.site import Site

PAGES = 40
DAYS = {"404": 3, "410": 2, "noindex": 3, "moved": 3, "unlisted and gone": 3}
"""Daily looks after which a page has left, with the policy `careful`."""


def depart(site: Site) -> dict[str, str]:
    """Pages that leave for good, one in each way; way → path."""
    origin, paths = site.origin, site.paths
    origin.status(paths[11], 404)
    origin.status(paths[12], 410)
    origin.page(paths[13], site.document(13), headers={"X-Robots-Tag": "noindex"})
    origin.page("/docs/moved.html", site.document(14))
    origin.redirect(paths[14], "/docs/moved.html", 301)
    origin.status(paths[15], 404)
    site.lists([*(path for path in paths if path != paths[15]), "/docs/moved.html"])
    return dict(zip(DAYS, paths[11:16], strict=True))


async def test_what_is_gone_leaves_after_its_looks(
    atlas_env: AtlasEnv, origin: Origin, calendar: Calendar, names: dict[str, Callable[[], str]]
) -> None:
    site = Site(origin, PAGES, "sitemap", names)
    site.good()
    await site.declare(atlas_env)
    left: dict[str, int] = {}
    async with atlas_env.worker():
        await atlas_env.sync(site.name, trigger="schedule")
        before = await snapshot(atlas_env.pool, site.base)
        leaving = depart(site)
        for day in range(1, max(DAYS.values()) + 3):
            calendar.pass_by(days=1)
            result = await atlas_env.sync(site.name, trigger="schedule")
            assert result.outcome != "held", result
            live = (await snapshot(atlas_env.pool, site.base)).live
            for way, path in leaving.items():
                if "{site}" + path not in live:
                    left.setdefault(way, day)
    assert left == DAYS
    after = await snapshot(atlas_env.pool, site.base)
    gone = {"{site}" + path for path in leaving.values()}
    assert set(before.live) - set(after.live) == gone
    assert set(after.live) - set(before.live) == {"{site}/docs/moved.html"}
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "pages", "gone", "leaves"),
    [
        *(pytest.param(kind, 40, 4, True) for kind in ("sitemap", "feed", "urls", "site")),
        *(pytest.param(kind, 40, 5, False) for kind in ("sitemap", "feed", "urls", "site")),
        ("sitemap", 1000, 50, True),
        ("sitemap", 1000, 51, False),
    ],
)
async def test_a_share_that_is_truly_gone_leaves_on_its_day_and_one_page_more_waits(
    atlas_env: AtlasEnv,
    origin: Origin,
    calendar: Calendar,
    names: dict[str, Callable[[], str]],
    kind: str,
    pages: int,
    gone: int,
    leaves: bool,
) -> None:
    """A tenth of a site, and at most fifty pages."""
    site = Site(origin, pages, kind, names)
    site.good()
    await site.declare(atlas_env)
    async with atlas_env.worker():
        await atlas_env.sync(site.name, trigger="schedule")
        before = await snapshot(atlas_env.pool, site.base)
        for path in site.paths[-gone:]:  # no others are found by their links
            origin.status(path, 404)
        outcomes, left = [], []
        for _ in range(4):
            calendar.pass_by(days=1)
            result = await atlas_env.sync(site.name, trigger="schedule")
            after = await snapshot(atlas_env.pool, site.base)
            outcomes.append(result.outcome == "held")
            left.append(set(before.live) - set(after.live))
    all_gone = {"{site}" + path for path in site.paths[-gone:]} if leaves else set()
    assert left == [set(), set(), all_gone, all_gone]
    assert outcomes[2] is not leaves
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow  # by runs alone: tests/stores/test_held_changes.py
async def test_pages_that_move_to_another_host_with_their_texts_are_followed_there(
    atlas_env: AtlasEnv, origin: Origin, calendar: Calendar, names: dict[str, Callable[[], str]]
) -> None:
    """All of them at once: where a text is live at the new address, nothing is lost, and nothing
    held."""
    site = Site(origin, 12, "urls", names)
    site.good()
    await site.declare(atlas_env)
    async with atlas_env.worker():
        await atlas_env.sync(site.name, trigger="schedule")
        before = (await snapshot(atlas_env.pool, site.base)).live
        new_host(site)
        for day in range(1, 5):
            calendar.pass_by(days=1)
            result = await atlas_env.sync(site.name, trigger="schedule")
            assert result.outcome != "held", (day, result)
            live = (await snapshot(atlas_env.pool, site.base)).live
            assert set(live.values()) == set(before.values()), day
            assert ("{site}/docs/0.html" in live) is (day < DAYS["moved"]), day
    new = site.base.replace(site.host, site.moved_to)
    assert live == {f"{new}/new{path}": before["{site}" + path] for path in site.paths}
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow  # by runs alone: tests/stores/test_removal.py
async def test_a_page_that_comes_back_goes_on_with_its_history(
    atlas_env: AtlasEnv, origin: Origin, calendar: Calendar, names: dict[str, Callable[[], str]]
) -> None:
    """Away for two looks it never left; away for longer it left, and returns as a new version."""
    site = Site(origin, 12, "sitemap", names)
    site.good()
    await site.declare(atlas_env)
    here = "{site}" + site.paths[7]

    async def days(count: int) -> None:
        for _ in range(count):
            calendar.pass_by(days=1)
            await atlas_env.sync(site.name, trigger="schedule")

    async with atlas_env.worker():
        await days(1)
        first = (await snapshot(atlas_env.pool, site.base)).texts[here]
        for _ in range(3):  # its evidence never adds up over an answer
            site.answer(lambda number, path: Reply(status=404), [7])
            await days(2)
            site.good()
            await days(1)
        assert (await snapshot(atlas_env.pool, site.base)).texts[here] == first
        site.answer(lambda number, path: Reply(status=404), [7])
        await days(4)
        away = await snapshot(atlas_env.pool, site.base)
        assert (away.lifecycle[here], here in away.live) == ("tombstoned", False)
        site.good()
        await days(1)
        back = await snapshot(atlas_env.pool, site.base)
        assert (back.lifecycle[here], back.texts[here]) == ("live", first * 2)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow  # the rule alone: tests/domain/removal/test_removal_rules.py
async def test_looks_of_a_person_within_a_day_are_one(
    atlas_env: AtlasEnv, origin: Origin, calendar: Calendar, names: dict[str, Callable[[], str]]
) -> None:
    site = Site(origin, 12, "sitemap", names)
    site.good()
    await site.declare(atlas_env)
    async with atlas_env.worker():
        await atlas_env.sync(site.name)
        site.answer(lambda number, path: Reply(status=410), [7])
        for _ in range(10):
            await atlas_env.sync(site.name)
        live = (await snapshot(atlas_env.pool, site.base)).live
        assert "{site}" + site.paths[7] in live
