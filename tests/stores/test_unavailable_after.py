"""A page that names the date of its end is due then, and is processed again once it is over."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from activities.ledger_rows import got_row
from activities.processing import _as_asked
from atlas.contracts.activities import Batch
from atlas.domain.batch import HeldPage
from atlas.domain.fetch import FetchResult, Validators
from tests.stores.drive import Drive, Web, fences, fetched, prepared, snapshot_of

A, B, C = (f"https://example.org/{name}" for name in "abc")
ALL: Web = {A: "all about apples", B: "all about boats", C: "all about cats"}
DAY = timedelta(days=1)
ENDS = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass
class Ending(Drive):
    """Pages that say when they end, by header or in their bodies."""

    by_header: dict[str, datetime] = field(default_factory=dict)
    by_body: dict[str, datetime] = field(default_factory=dict)

    async def work(self, batch: Batch, web: Web, size: int = 100, level: int = 0) -> None:
        pages = await self.claim(batch, size, level)
        rows = [replace(fetched(p, web[p.url]), robots=self._tag(p.url)) for p in pages]
        await self.crawl.fetches.record(batch.run_id, fences(pages), rows)
        pages = await self.crawl.batches.begin_attempt(batch)
        found = [self._prepared(page, web) for page in pages if page.stage == "fetched"]
        await self.crawl.processed.store(batch.run_id, fences(pages), found)
        await self.crawl.settlement.settle(
            batch, fences(await self.crawl.batches.begin_attempt(batch))
        )
        await self.crawl.batches.release(batch)

    def _tag(self, url: str) -> str:
        until = self.by_header.get(url)
        return f"unavailable_after: {until.isoformat()}" if until else ""

    def _prepared(self, page: HeldPage, web: Web):  # type: ignore[no-untyped-def]
        made = prepared(page, str(web[page.url]))
        assert made.prepared is not None
        extracted = replace(made.prepared.extracted, unavailable_after=self.by_body.get(page.url))
        return replace(made, prepared=replace(made.prepared, extracted=extracted))

    async def due(self) -> dict[str, datetime]:
        rows = await self.pool.fetch(
            "select url, next_due from pages p join page_state ps on ps.page_id = p.id"
        )
        return {row["url"]: row["next_due"] for row in rows}


async def test_it_is_due_at_its_date_and_not_because_of_one_that_is_over(drive: Drive) -> None:
    ending = Ending(drive.pool)
    soon, late = ending.now + DAY / 2, ending.now + 400 * DAY
    await ending.add("docs", cadence=DAY)
    ending.by_header, ending.by_body = {A: soon, C: late}, {B: soon}
    await ending.run("docs", ALL)
    usual = ending.now + DAY
    assert await ending.due() == {A: soon, B: soon, C: usual}
    # Seen again before the date: the same; and once it was over, as any page.
    ending.now += DAY / 4
    await ending.run("docs", ALL)
    due = await ending.due()
    assert (due[A], due[B]) == (soon, soon)
    assert due[C] > soon
    ending.now = soon + DAY
    await ending.run("docs", ALL)
    assert min((await ending.due()).values()) > ending.now


async def test_the_date_of_a_body_is_known_until_another_body_has_none(drive: Drive) -> None:
    ending = Ending(drive.pool)
    await ending.add("docs", cadence=DAY)
    until = ending.now + 9 * DAY
    ending.by_body = {A: until}
    await ending.run("docs", {A: "one"})
    known = "select unavailable_after from page_state where unavailable_after is not null"
    assert await ending.pool.fetchval(known) == until
    ending.by_body = {}
    ending.now += 2 * DAY
    await ending.run("docs", {A: "two"})
    assert await ending.pool.fetchval(known) is None


def held(**known: object) -> HeldPage:
    settled = snapshot_of("one")
    return HeldPage(
        *(1, A, 0, 1, "fetched", 0, 0, None, None, settled, "text/html", None, settled),
        **known,  # type: ignore[arg-type]
    )


def answered(modified: bool, robots_tag: str | None) -> FetchResult:
    return FetchResult(
        url=A,
        final_url=A,
        status=200 if modified else 304,
        redirects=(),
        content_type="text/html",
        charset=None,
        validators=Validators(),
        modified=modified,
        content_length=3,
        wire_bytes=3,
        max_age=None,
        elapsed=0.1,
        robots_tag=robots_tag,
    )


TAG = f"unavailable_after: {ENDS.isoformat()}"


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize(
    ("page", "tag"), [(held(robots=TAG), TAG), (held(unavailable_after=ENDS), None)]
)
def test_a_settled_body_is_processed_again_once_the_date_is_over(
    page: HeldPage, tag: str | None, modified: bool
) -> None:
    answer = answered(modified, tag)
    for now, settled in ((ENDS - timedelta(seconds=1), True), (ENDS, False), (ENDS + DAY, False)):
        row = got_row(page, answer, page.snapshot, now, settled=True)
        assert row.settled is settled
        made = prepared(page, "one")
        assert made.prepared is not None
        extracted = replace(made.prepared.extracted, unavailable_after=page.unavailable_after)
        whole = replace(made.prepared, extracted=extracted)
        found = _as_asked(page, whole, now, ended=None)
        assert (found.error is None) is settled
        assert found.error is None or found.error.code == "noindex"


@pytest.mark.parametrize("tag", ["noindex", "nofollow", TAG])
def test_a_new_tag_on_a_304_has_its_effect(tag: str) -> None:
    row = got_row(held(), answered(False, tag), held().snapshot, ENDS - DAY, settled=True)
    assert (row.settled, row.robots) == (False, tag)
