"""A source that misses its freshness objective too fast is reported when that begins and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from atlas.contracts.health import Checked, PartHealth, Transition
from atlas.domain.health import after_telling, judged
from atlas.health import objectives
from atlas.health.catalogue import Concerns
from atlas.stores.blobs.access import S3Access
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.reporting.probes import NoConnection
from tests.stores.conftest import drive
from tests.stores.drive import Drive, Web

__all__ = ["drive"]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DOCS: Web = {f"https://d.example/{n}": f"text {n}" for n in range(4)}
NEWS: Web = {f"https://n.example/{n}": f"news {n}" for n in range(4)}


class Watched:
    """Health checks every five minutes, each with what the one before handed on."""

    def __init__(self, drive: Drive, url: str) -> None:
        self.drive = drive
        self.url = url
        self.figures: Mapping[str, float] = {}
        self.parts: list[PartHealth] = []
        self.down = False

    def address(self) -> str:
        if self.down:
            raise NoConnection("PostgreSQL does not answer")
        return self.url

    async def check(self, *, sampling: bool = True) -> Checked:
        return await objectives.objectives(
            self.address, self.drive.now, self.figures, sampling=sampling
        )

    async def pass_by(self, span: timedelta) -> list[Transition]:
        """What is reported in a while."""
        told: list[Transition] = []
        until = self.drive.now + span
        while self.drive.now < until:
            self.drive.now += 5 * MINUTE
            found = await self.check()
            self.figures = found.figures
            at = self.drive.now.timestamp()
            parts, transitions = judged(found.checks, found.unknown, self.parts, at)
            self.parts = after_telling(parts, arrived=True)
            told += transitions
        return told

    async def run(self, source: str, web: Web) -> None:
        self.drive.now -= HOUR  # a run begins an hour later
        await self.drive.run(source, web)


@pytest.fixture
async def watched(drive: Drive, database_url: str) -> Watched:
    await drive.add("docs", cadence=HOUR, freshness="90% within 1h")
    await drive.add("news", cadence=HOUR, freshness="90% within 1h")
    await drive.add("plain", cadence=HOUR)
    await drive.run("docs", DOCS)
    return Watched(drive, database_url)


@pytest.fixture
def brisk(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred checks without a hundred new connections."""

    @asynccontextmanager
    async def pooled(_: str) -> AsyncIterator[Connection]:
        async with watched.drive.pool.acquire() as connection:
            yield connection

    monkeypatch.setattr(objectives, "probe_connection", pooled)


def brief(transitions: list[Transition]) -> list[tuple[str, str, str]]:
    return [(each.part, each.before, each.after) for each in transitions]


@pytest.mark.usefixtures("brisk")
async def test_each_burn_is_reported_when_it_begins_and_when_it_ends(watched: Watched) -> None:
    await watched.run("news", NEWS)
    assert await watched.pass_by(30 * MINUTE) == []
    assert [(each.part, each.status) for each in watched.parts] == [("freshness", "ok")]
    assert watched.parts[0].detail == "2 objectives, 0 missed now, 0 missed too fast"

    await watched.run("news", NEWS)  # docs is not collected any more
    began = await watched.pass_by(100 * MINUTE)
    assert brief(began) == [("freshness docs", "ok", "degraded")]
    assert "0 of 4 pages were seen in time" in began[0].detail
    assert "times too fast over 1 h" in began[0].detail and "(look now)" in began[0].detail
    assert "atlas sources freshness docs" in began[0].mend

    # It lasts, and news joins it: only that is new.
    joined = await watched.pass_by(100 * MINUTE)
    assert brief(joined) == [("freshness news", "ok", "degraded")]
    assert await watched.pass_by(HOUR) == []

    await watched.run("docs", DOCS)
    ended = await watched.pass_by(30 * MINUTE)  # the window of six hours ends after a while
    assert brief(ended) == [("freshness docs", "degraded", "ok")]
    assert "100.0% seen in time" in ended[0].detail
    assert {each.part for each in watched.parts} == {"freshness", "freshness news"}

    await watched.drive.pool.execute("update sources set paused = true where name = 'news'")
    paused = await watched.pass_by(15 * MINUTE)
    assert brief(paused) == [("freshness news", "degraded", "ok")]
    assert "paused" in paused[0].detail
    assert {each.part for each in watched.parts} == {"freshness"}


@pytest.mark.usefixtures("brisk")
async def test_without_postgresql_a_burn_goes_on_unreported(watched: Watched) -> None:
    await watched.pass_by(30 * MINUTE)
    await watched.drive.pool.execute("update page_state set seen_at = null")
    await watched.drive.pool.execute("update pages set created_at = created_at - interval '1 day'")
    assert brief(await watched.pass_by(90 * MINUTE)) == [("freshness docs", "ok", "degraded")]
    watched.down = True
    assert await watched.pass_by(15 * MINUTE) == []
    assert {each.part for each in watched.parts} == {"freshness", "freshness docs"}
    watched.down = False
    assert await watched.pass_by(15 * MINUTE) == []
    assert watched.figures == {"sources.burning:docs": 1.0}


@pytest.mark.usefixtures("brisk")
async def test_more_burns_than_are_named_are_counted(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objectives, "MOST_NAMED", 1)
    await watched.run("news", NEWS)
    await watched.pass_by(30 * MINUTE)
    told = await watched.pass_by(4 * HOUR)
    assert {each.part for each in told} >= {"freshness"}
    [whole] = [each for each in watched.parts if each.part == "freshness"]
    assert whole.status == "degraded" and "2 missed too fast; besides" in whole.detail
    named = [each for each in watched.parts if each.part != "freshness" and each.status != "ok"]
    assert len(named) == 1


async def test_only_a_health_check_records(watched: Watched) -> None:
    found = await watched.check(sampling=False)
    assert [each.part for each in found.checks] == ["freshness"]
    rows = "select count(*) from freshness_samples"
    assert await watched.drive.pool.fetchval(rows) == 0
    concerns = Concerns(
        database_url=watched.address,
        client=None,
        blob_location="",
        s3=S3Access(),
        folders=(),
        clock=lambda: watched.drive.now,
    )
    looked = await concerns.check("sources", {})  # as `atlas doctor` does
    assert [each.part for each in looked.checks] == ["sources", "freshness"]
    assert await watched.drive.pool.fetchval(rows) == 0
    await watched.check()
    assert await watched.drive.pool.fetchval(rows) == 1  # of news no page is known


async def test_where_nothing_is_promised_nothing_is_said(drive: Drive, database_url: str) -> None:
    await drive.add("plain")
    found = await objectives.objectives(lambda: database_url, drive.now, {}, sampling=True)
    assert found == Checked()
