"""A listing that keeps ending its child is left alone, shown wherever its source is, released."""

import gzip
from datetime import UTC, datetime

import pytest

from atlas.stores.postgres.reporting.daily_figures import count_day
from tests.e2e.stack import AtlasEnv
from tests.hostile.listings import SLOW_FEED
from tests.origin import Origin, Reply
from tests.starter.conftest import Atlas

LIMIT = 2
"""Seconds of a child, of which the slow feed takes ten times as many."""


@pytest.mark.slow
async def test_a_listing_that_failed_three_times_is_left_alone_shown_and_released(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_EXTRACT_TIMEOUT", str(LIMIT))
    body = gzip.compress(SLOW_FEED.encode(), 1)
    origin.reply("/feed", Reply(body, headers={"Content-Encoding": "gzip"}, etag=False))
    url = origin.url("/feed")
    await atlas_env.add_source("news", "feed", url)

    async def synced() -> list[str]:
        """The code of the failure, and whether `sources show` has the listing."""
        result = await atlas_env.sync("news")
        codes = await atlas_env.value(
            "select array_agg(error_code) from run_pages where run_id = $1", result.run_id
        )
        assert result.outcome == ("listing_failed" if codes != [None] else "completed")
        return codes

    async with atlas_env.worker():
        for _ in range(3):
            assert await synced() == ["listing_timeout"]
        assert await synced() == ["listing_quarantined"]

        shown = await atlas("sources", "show", "news")
        assert f"{url} since " in shown.out and "listing_timeout: " in shown.out
        assert "`atlas sources release news`" in shown.err
        [left] = (await atlas("sources", "show", "news", "-o", "json")).json["quarantined"]
        assert (left["url"], left["code"], left["failures"]) == (url, "listing_timeout", 3)
        run_id = await atlas_env.value("select run_id from runs order by started_at desc limit 1")
        run = await atlas("runs", "show", run_id)
        assert "listing_quarantined" in run.out and "3 parses failed" in run.out
        async with atlas_env.pool.acquire() as connection:
            today = await count_day(connection, datetime.now(UTC).date())
        [figures] = [each for each in today.sources if each.source == "news"]
        assert figures.failed["invalid"]["listing_quarantined"] == 1  # in the weekly report

        other = await atlas("sources", "release", "news", "--url", "https://h.org/x")
        assert (other.code, "no quarantined listing" in other.err) == (1, True)
        released = await atlas("sources", "release", "news", "-o", "json")
        assert released.json == {"name": "news", "urls": [url]}
        assert (
            "no listing of news is quarantined" in (await atlas("sources", "release", "news")).err
        )
        assert await synced() == ["listing_timeout"]
        origin.page("/p", "<main><p>All about the harbour.</p></main>")
        origin.reply("/feed", Reply("<rss><channel><item><link>/p</link></item></channel></rss>"))
        assert await synced() == [None]
    assert await atlas_env.value("select count(*) from listing_quarantine") == 0
