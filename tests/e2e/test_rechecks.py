"""What a server and a feed say of freshness comes from the wire into the next check."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.e2e.stack import AtlasEnv
from tests.origin import Origin, Reply

DAY = timedelta(days=1)


@pytest.fixture
async def busy() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


def page(name: str, **headers: str) -> Reply:
    body = (
        f"<html><title>{name}</title><main><p>All about {name} and the harbour.</p></main></html>"
    )
    return Reply(body, headers={key.replace("_", "-"): value for key, value in headers.items()})


async def test_stated_freshness_and_a_feeds_ttl_decide_what_is_due(
    atlas_env: AtlasEnv, origin: Origin, busy: Origin
) -> None:
    origin.reply("/plain", page("plain"))
    origin.reply("/fresh", page("fresh", Cache_Control="public, max-age=172800"))
    origin.reply("/expiring", page("expiring", Date="Tue, 24 Nov 2026 00:00:00 GMT",
                                   Expires="Fri, 27 Nov 2026 00:00:00 GMT"))  # fmt: skip
    busy.status("/busy", 503, retry_after="90000")
    names = ("plain", "fresh", "expiring")
    urls = [*(origin.url(f"/{name}") for name in names), busy.url("/busy")]
    items = "".join(f"<item><link>{url}</link></item>" for url in urls)
    feed = f"<rss version='2.0'><channel><title>T</title><ttl>2880</ttl>{items}</channel></rss>"
    origin.reply("/feed.xml", Reply(feed, content_type="application/rss+xml"))
    opened = {"allow": (busy.host,), "ports": (int(busy.host.rpartition(":")[2]),)}
    await atlas_env.add_source("news", "feed", origin.url("/feed.xml"), cadence=DAY, **opened)
    async with atlas_env.worker():
        await atlas_env.sync("news")
        rows = await atlas_env.fetch(
            "select p.url, ps.max_age, ps.next_due - r.started_at as wait, ps.failed_code "
            "from pages p join page_state ps on ps.page_id = p.id, runs r where p.url <> $1",
            origin.url("/feed.xml"),
        )
        found = {row["url"].rsplit("/", 1)[1]: row for row in rows}
        assert found["plain"]["wait"] == DAY
        assert (found["fresh"]["max_age"], found["fresh"]["wait"]) == (172800, 2 * DAY)
        assert found["expiring"]["wait"] == 3 * DAY
        assert found["busy"]["failed_code"] == "http_503"
        assert found["busy"]["wait"] >= timedelta(seconds=90000)
        assert await atlas_env.value("select listing_ttl from sources") == 2880 * 60

        # A day later by the clock of the corpus: all its times are a day older.
        await atlas_env.pool.execute(
            "update page_state set next_due = next_due - $1::interval, "
            "checked_at = checked_at - $1, fetched_at = fetched_at - $1",
            DAY,
        )
        asked = len(origin.requests())
        later = await atlas_env.sync("news", due=True, id="later")
    assert (later.counts.seen, later.counts.unchanged) == (1, 1)
    assert {seen.path for seen in origin.requests()[asked:]} == {"/feed.xml", "/plain"}
