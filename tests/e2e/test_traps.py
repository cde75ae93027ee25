"""A crawl of a site with endless parts ends, with the same pages however it is worked on."""

import re
from hashlib import md5

import pytest

from atlas.domain.addresses import crawler_traps
from atlas.stores.postgres.sources import sources
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin, Reply, Seen

GUIDE = [f"/site/guide/{n}" for n in range(6)]


def endless(seen: Seen) -> Reply:
    """Answers every address: with a guide, a calendar that goes on, a relative link that lengthens
    its own path, and a session id that is new on each page."""
    path = seen.path.partition("?")[0]
    links = ["/site/", *GUIDE, "/site/calendar/2026/1/"]
    if path.startswith("/site/about"):
        links.append(f"{path.rstrip('/')}/about/")
    elif path == "/site/":
        links.append("/site/about/")
    if match := re.fullmatch(r"/site/calendar/(\d+)/(\d+)/", path):
        year, month = int(match[1]), int(match[2])
        links.append(f"/site/calendar/{year + month // 12}/{month % 12 + 1}/")
        links.append(f"/site/calendar/{year - (month == 1)}/{(month - 2) % 12 + 1}/")
    session = md5(seen.path.encode(), usedforsecurity=False).hexdigest()
    links.append(f"/site/guide/0?PHPSESSID={session}")
    anchors = " ".join(f'<a href="{link}">{link}</a>' for link in links)
    text = f"What {path} has to say, {session} times over, to whoever comes by."
    return Reply(f"<html><title>{path}</title><main><h1>{path}</h1><p>{text}{anchors}</main>")


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/site/", endless)
    return origin


async def pages_of(env: AtlasEnv, name: str) -> set[str]:
    rows = await env.fetch(
        "select p.url from pages p join source_pages sp on sp.page_id = p.id "
        "join sources s on s.id = sp.source_id where s.name = $1",
        name,
    )
    return {row["url"] for row in rows}


async def test_a_crawl_leaves_traps_and_says_so(
    atlas_env: AtlasEnv, site: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawler_traps, "CALENDAR_VIEWS", 4)
    for name in ("one", "other"):
        await atlas_env.add_source(name, "site", site.url("/site/"), prefix=site.url("/site/"))
    async with atlas_env.worker():
        result = await atlas_env.sync("one", lanes=1, batch=100)
        again = await atlas_env.sync("other", lanes=3, batch=2)
        unchanged = await atlas_env.sync("one", id="again")
    assert result.outcome == again.outcome == unchanged.outcome == "completed"
    assert result.complete and unchanged.removed == 0
    chosen = await pages_of(atlas_env, "one")
    assert chosen == await pages_of(atlas_env, "other")
    paths = {url.removeprefix(site.url("")) for url in chosen}
    calendar = {path for path in paths if "calendar" in path}
    assert paths - calendar == {
        "/site/",
        *GUIDE,
        "/site/about/",
        "/site/about/about/",
        "/site/about/about/about/",
    }
    assert len(calendar) == 4 and "/site/calendar/2026/1/" in calendar
    assert set(result.trapped) == {"trap_calendar", "trap_repeating_path", "trap_session_id"}
    async with atlas_env.pool.acquire() as connection:
        [held] = await sources.summaries(connection, "one")
    assert held.trapped == unchanged.trapped == result.trapped
    assert unchanged.counts.seen == len(chosen) + sum(unchanged.skipped.values())
    reasons = await atlas_env.fetch(
        "select url, error_code, error from run_pages where run_id = $1 and outcome = 'skipped'",
        result.run_id,
    )
    assert {row["error_code"] for row in reasons} == set(result.trapped) == set(result.skipped)
    assert all("were not followed" in row["error"] for row in reasons)
    assert not {row["url"] for row in reasons} & chosen
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_source_may_follow_all_links(atlas_env: AtlasEnv, site: Origin) -> None:
    start = site.url("/site/about/")
    await atlas_env.add_source("all", "site", start, prefix=start, max_depth=7, traps="follow")
    async with atlas_env.worker():
        result = await atlas_env.sync("all")
    assert (result.counts.seen, result.trapped) == (8, {})
    assert "/about" * 8 + "/" in max(await pages_of(atlas_env, "all"), key=len)
