"""A bad day of a site costs no document and writes no version; the next good one is as if nothing
had happened, and what really leaves, moves or changes still does."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from atlas.contracts.models import Counts, Request
from atlas.contracts.names import QUEUE
from atlas.contracts.processing import (
    BatchQuery,
    BatchRequest,
    BatchResult,
    ProcessRequest,
    ProcessResult,
)
from atlas.contracts.sync_pipeline import SyncResult
from starter import AtlasClient
from starter.errors import Failed
from tests.bad_answers import (
    CHECK,
    CONSENT,
    LOGIN,
    MAINTENANCE,
    SOFT_404,
    document,
    endless,
    everywhere,
    half,
    short,
    unbounded,
    wall,
)
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, snapshot
from tests.origin import Origin, Reply


@dataclass
class Site:
    """Pages `/docs/0.html` and on, all listed by a source."""

    origin: Origin
    pages: int

    @property
    def paths(self) -> list[str]:
        return [f"/docs/{number}.html" for number in range(self.pages)]

    def good(self, edition: int = 0) -> None:
        for number, path in enumerate(self.paths):
            self.origin.page(path, document(number, edition))

    def bad(self, reply: Callable[[int, str], Reply]) -> None:
        for number, path in enumerate(self.paths):
            self.origin.reply(path, reply(number, path))


def led(target: str, status: int) -> Callable[[int, str], Reply]:
    return everywhere(Reply(status=status, headers={"Location": target}))


def led_back(status: int) -> Callable[[int, str], Reply]:
    """To a login that remembers where one came from."""
    return lambda number, path: Reply(
        status=status, headers={"Location": f"/login?next={path.replace('/', '%2F')}"}
    )


HELD: dict[str, Callable[[int, str], Reply]] = {
    "login": LOGIN,
    "human check": CHECK,
    "consent": CONSENT,
    "maintenance": MAINTENANCE,
    "soft 404": SOFT_404,
    "half": half,
    "unbounded": unbounded,
    "302 to login": led("/login", 302),
    "301 to login": led("/login", 301),
    "301 to login, remembering": led_back(301),
    "302 to login, remembering": led_back(302),
    "302 home": led("/", 302),
    "301 home": led("/", 301),
}
FAILED: dict[str, Callable[[int, str], Reply]] = {
    "short": short,
    "endless": endless,
    "404": everywhere(Reply(status=404)),
    "410": everywhere(Reply(status=410)),
}
# tests/outage has others that are quick.
QUICK = ("login", "301 to login, remembering", "410", "endless")


async def set_up(env: AtlasEnv, origin: Origin, pages: int) -> tuple[Site, Snapshot]:
    """A site that was synced on a good day; its home page is a document, too."""
    site = Site(origin, pages)
    site.good()
    origin.page("/", document(10_000))
    origin.reply("/login", LOGIN(0, "/login"))
    await env.add_source("docs", "urls", origin.url("/"), *(origin.url(p) for p in site.paths))
    assert (await env.sync("docs")).counts.added == pages + 1
    return site, await snapshot(env.pool, origin.base)


async def bad_day(
    env: AtlasEnv, site: Site, name: str, before: Snapshot, **options: object
) -> SyncResult:
    """A sync on a bad day, after which the corpus is what it was."""
    site.bad((HELD | FAILED)[name])
    result = await env.sync("docs", **options)
    after = await snapshot(env.pool, site.origin.base)
    assert (name, after.live) == (name, before.live)
    assert (name, after.texts) == (name, before.texts)
    assert result.removed == 0
    assert result.counts.seen == result.counts.done
    assert result.counts.changed == 0, (name, result)
    if name in HELD:
        assert (name, result.outcome) == (name, "held")
        assert site.origin.url("/docs/1.html") in result.message
    return result


async def recover(env: AtlasEnv, site: Site, name: str) -> None:
    """A sync on the good day after: as if nothing had happened."""
    site.good()
    result = await env.sync("docs")
    assert (name, result.outcome) == (name, "completed")
    assert (name, result.counts.unchanged) == (name, site.pages + 1)
    assert result.counts.seen == site.pages + 1


async def assert_only_a_person_takes_it(env: AtlasEnv, site: Site, before: Snapshot) -> None:
    """What a sync held is left alone by a batch over everything, forced or not, and by one document
    unless forced; then it is the page's text, until the page says something else again."""
    await bad_day(env, site, "soft 404", before)
    everything = BatchRequest(query=BatchQuery(source="docs"), force=True)
    batch = await execute(env, "batch_process", everything, BatchResult)
    # The logins that remember a page are skipped, too: they were held when the pages led there.
    assert (batch.skipped, batch.changed) == (2 * site.pages, 0)
    url = site.origin.url("/docs/1.html")
    for force, changed in ((False, 0), (True, 1)):
        asked = ProcessRequest(url=url, force=force)
        one = await execute(env, "process_document", asked, ProcessResult)
        assert one.changed == changed, one
    site.good()
    assert (await env.sync("docs")).counts.updated == 1
    assert (await snapshot(env.pool, site.origin.base)).live == before.live


async def execute(
    env: AtlasEnv, kind: str, request: Request, result: type[BatchResult] | type[ProcessResult]
) -> Counts:
    ended = await env.client.execute_workflow(
        kind, request, id=f"{kind}:{uuid.uuid4().hex}", task_queue=QUEUE, result_type=result
    )
    return ended.counts


async def assert_a_person_decides(env: AtlasEnv, site: Site, before: Snapshot) -> None:
    """A person who syncs again and again learns nothing new; two runs of a schedule hold what would
    leave. One page is approved, the others are kept until they have answered."""
    site.bad(everywhere(Reply(status=410)))
    for _ in range(3):
        assert (await env.sync("docs")).outcome == "completed_with_failures"
    async with AtlasClient.connect() as atlas:
        assert await atlas.deletions.list("docs") == []
        assert (await env.sync("docs", trigger="schedule")).outcome == "completed_with_failures"
        result = await env.sync("docs", trigger="schedule")
        assert (result.outcome, result.removed) == ("held", 0)
        assert (await snapshot(env.pool, site.origin.base)).live == before.live
        first, *others = await atlas.deletions.list("docs")
        assert {each.sign for each in (first, *others)} == {"gone"}
        assert len(others) == site.pages - 1
        approved = await atlas.deletions.approve("docs", first.url)
        assert (approved.outcome, approved.pages, approved.removed) == ("completed", 1, 1)
        rejected = await atlas.deletions.reject(result.run_id)
        assert (rejected.pages, rejected.removed) == (site.pages - 1, 0)
        assert await atlas.deletions.list() == []
        assert (await atlas.deletions.approve("docs")).outcome == "nothing_held"
        with pytest.raises(Failed, match="'dosc' is no source"):
            await atlas.deletions.approve("dosc")
        await env.sync("docs", trigger="schedule")
        assert await atlas.deletions.list() == []
        await assert_invariants(env.pool, env.blobs)
        left = await snapshot(env.pool, site.origin.base)
        assert set(before.live) - set(left.live) == {first.url.replace(site.origin.base, "{site}")}
        site.good()
        assert (await env.sync("docs")).counts.added == 1


async def assert_what_is_listed_no_more_is_visited(env: AtlasEnv, origin: Origin) -> None:
    """A page that its sitemap has no more stays while it answers, and leaves when it does not."""
    paths = [f"/map/{number}" for number in range(12)]
    for number, path in enumerate(paths):
        origin.page(path, document(100 + number))

    def listed(count: int) -> None:
        urls = "".join(f"<url><loc>{origin.url(path)}</loc></url>" for path in paths[:count])
        origin.page("/sitemap.xml", f"<urlset>{urls}</urlset>", content_type="application/xml")

    listed(12)
    await env.add_source("map", "sitemap", origin.url("/sitemap.xml"))
    assert (await env.sync("map")).counts.added == 12
    listed(11)
    for looks in range(4):
        result = await env.sync("map", trigger="schedule")
        assert (result.outcome, result.removed) == ("completed", 0)
        assert result.counts.unchanged == (11 if looks < 2 else 12)
    origin.status(paths[11], 404)
    result = await env.sync("map", trigger="schedule")
    assert (result.removed, result.counts.failed) == (1, 1)


@pytest.mark.fault(11)
@pytest.mark.fault(12)
async def test_a_bad_day_of_a_small_site_costs_nothing(atlas_env: AtlasEnv, origin: Origin) -> None:
    async with atlas_env.worker():
        site, before = await set_up(atlas_env, origin, 6)
        for name in QUICK:
            for _ in range(2 if name in ("login", "301 to login, remembering") else 1):
                await bad_day(atlas_env, site, name, before)
            await recover(atlas_env, site, name)
        await assert_only_a_person_takes_it(atlas_env, site, before)
        site.good(edition=1)  # relaunched: every page has another text of its own
        relaunched = await atlas_env.sync("docs")
        assert (relaunched.outcome, relaunched.counts.updated) == ("completed", 6)
        await assert_a_person_decides(atlas_env, site, await snapshot(atlas_env.pool, origin.base))
        await assert_what_is_listed_no_more_is_visited(atlas_env, origin)
        await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
@pytest.mark.fault(11)
@pytest.mark.fault(12)
@pytest.mark.parametrize("pages", [6, 40])
async def test_no_kind_of_bad_day_costs_anything(
    atlas_env: AtlasEnv, origin: Origin, pages: int
) -> None:
    async with atlas_env.worker():
        site, before = await set_up(atlas_env, origin, pages)
        for name in HELD | FAILED:
            await bad_day(atlas_env, site, name, before, batch=7)
            await bad_day(atlas_env, site, name, before, batch=7)
            await recover(atlas_env, site, name)
        await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
@pytest.mark.fault(11)
@pytest.mark.fault(12)
@pytest.mark.parametrize("kind", ["site", "sitemap"])
async def test_a_crawl_and_a_sitemap_have_bad_days_too(
    atlas_env: AtlasEnv, origin: Origin, kind: str
) -> None:
    """A crawl goes on along the links that its pages had; the wall's own link is no document."""
    site = Site(origin, 12)
    wall_with_link = wall("Sign in", 'Sign in <a href="/docs/login.html">over there</a> at {time}.')

    def crawled(number: int) -> str:
        return document(number).replace("</main>", f'<a href="{number + 1}.html">on</a></main>')

    def good() -> None:
        for number, path in enumerate(site.paths):
            origin.page(path, crawled(number))
        origin.status("/docs/12.html", 404)

    urls = "".join(f"<url><loc>{origin.url(path)}</loc></url>" for path in site.paths)
    origin.page("/sitemap.xml", f"<urlset>{urls}</urlset>", content_type="application/xml")
    start = origin.url(site.paths[0]) if kind == "site" else origin.url("/sitemap.xml")
    await atlas_env.add_source("docs", kind, start, prefix=origin.url("/docs/"))
    good()
    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).counts.added == 12
        before = await snapshot(atlas_env.pool, origin.base)
        for bad in (wall_with_link, led("/docs/", 302), led("/docs/login.html", 301), half):
            site.bad(bad)
            origin.reply("/docs/login.html", wall_with_link(0, ""))
            origin.reply("/docs/", wall_with_link(0, ""))
            for _ in range(4):
                result = await atlas_env.sync("docs")
                assert (result.outcome, result.removed) == ("held", 0), result
            after = await snapshot(atlas_env.pool, origin.base)
            assert (after.live, after.texts) == (before.live, before.texts)
        good()
        assert (await atlas_env.sync("docs")).counts.unchanged == 12
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
