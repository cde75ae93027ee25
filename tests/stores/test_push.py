"""What is put becomes a document with its history, in the order in which it was put; what is
withdrawn leaves by the rules of its source; and nothing fetched gets in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from atlas.contracts.activities import Batch, ClaimBatch, OpenRun, PlanSources
from atlas.contracts.push_documents import AcceptPush, PushedDocument
from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules
from atlas.domain.refusal import RequestRefused
from atlas.domain.sources import InvalidSource, SourceSpec, check_source
from atlas.domain.texts import text_hash
from atlas.stores.postgres.crawl.bodies import delivered_bodies
from atlas.stores.postgres.crawl.bodies.blob_index import referred
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.settlement import deletion_decisions
from atlas.stores.postgres.sources import sources
from atlas.text.extract import extract
from tests.stores.drive import Drive, fences, nobody_is_open, prepared, snapshot_of
from tests.stores.pusher import Pusher
from tests.stores.test_restore import prose, sound

WIKI = "https://wiki.example.org/"


def page(name: object) -> str:
    return f"{WIKI}{name}"


@pytest.fixture
async def pusher(drive: Drive) -> Pusher:
    pusher = Pusher(drive)
    await declare(drive, "wiki", WIKI)
    return pusher


async def declare(drive: Drive, name: str, url: str, **rules: object) -> None:

    spec = SourceSpec(name, "push", (url,), **rules)  # type: ignore[arg-type]
    async with drive.pool.acquire() as connection:
        await sources.add(connection, check_source(spec), drive.now)


async def texts_of(drive: Drive, url: str) -> list[str]:
    rows = await drive.pool.fetch(
        "select d.text from versions v join documents d on d.id = v.document_id "
        "join pages p on p.id = v.page_id where p.url = $1 order by v.seq",
        url,
    )
    return [row["text"] for row in rows]


async def changes(drive: Drive) -> list[tuple[str, str]]:
    rows = await drive.pool.fetch("select kind, reason from changes order by number")
    return [(row["kind"], row["reason"]) for row in rows]


async def test_a_document_is_put_replaced_and_put_again(
    pusher: Pusher, drive: Drive, tmp_path: Path
) -> None:
    first = await pusher.put({page("a"): prose(1)}, title="Given", content_type="text/plain")
    assert (first[page("a")].result, first[page("a")].version) == ("added", 1)
    found = await drive.document(page("a"))
    assert (found.sources, found.lifecycle) == (("wiki",), "live")
    assert (await pusher.put({page("a"): prose(2)}))[page("a")].result == "updated"
    again = await pusher.put({page("a"): prose(2)})
    assert (again[page("a")].result, again[page("a")].version) == ("unchanged", 2)
    assert await texts_of(drive, page("a")) == [prose(1), prose(2)]
    assert [kind for kind, _ in await changes(drive)] == ["added", "updated"]
    row = await drive.pool.fetchrow(
        "select content_type, given_title, status from fetches order by fetched_at limit 1"
    )
    assert row is not None and tuple(row) == ("text/plain", "Given", None)
    await sound(drive, tmp_path)


async def test_a_rewrite_is_no_bad_day(pusher: Pusher, drive: Drive) -> None:
    """Of a site, pages that all change into one text are held."""
    await pusher.put({page(number): prose(number) for number in range(6)})
    same = await pusher.put({page(number): prose("all alike") for number in range(6)})
    assert {each.result for each in same.values()} == {"updated"}


async def test_pushes_of_one_address_end_in_their_order(pusher: Pusher, drive: Drive) -> None:
    """Whichever is worked on first; and each becomes a version."""
    older = await pusher.begin({page("a"): prose("older")})
    newer = await pusher.begin({page("a"): prose("newer")})
    assert await newer.chunk() == 1  # it is given back: the older one comes first
    assert await texts_of(drive, page("a")) == []
    assert (await older.finish())[page("a")].result == "added"
    assert (await newer.finish())[page("a")].result == "updated"
    assert await texts_of(drive, page("a")) == [prose("older"), prose("newer")]


async def test_a_place_that_was_drawn_is_waited_for(pusher: Pusher, drive: Drive) -> None:
    """Its run may begin later than that of a later place; or never, which costs a minute."""
    places: list[int] = []
    async with drive.pool.acquire() as connection:
        both = [page("a"), page("b")]
        places += [await delivered_bodies.draw_place(connection, both, drive.now) for _ in "123"]
    second = await pusher.begin({page("a"): prose(2)}, place=places[1])
    assert await second.chunk() == 1  # it is given back: the first one comes before it
    first = await pusher.begin({page("a"): prose(1)}, place=places[0])
    await first.finish()
    await second.finish()
    assert await texts_of(drive, page("a")) == [prose(1), prose(2)]
    left = await drive.pool.fetch("select place, url from push_places where url = $1", page("a"))
    assert [row["place"] for row in left] == [places[2]]
    with pytest.raises(RequestRefused):
        await pusher.begin({"https://elsewhere.example/": "x"}, place=places[2])
    assert (
        await drive.pool.fetchval("select count(*) from push_places where place = $1", places[2])
        == 0
    )
    async with drive.pool.acquire() as connection:
        await delivered_bodies.draw_place(connection, [page("b")], drive.now)
    late = await pusher.begin({page("b"): prose(3)})
    await late.chunk()
    assert await texts_of(drive, page("b")) == []
    drive.now += timedelta(minutes=2)
    assert (await late.finish())[page("b")].result == "added"


async def test_what_comes_too_late_is_superseded(pusher: Pusher, drive: Drive) -> None:
    """A run of an earlier place that lay still does not bring back what was replaced."""
    lying = await pusher.begin({page("a"): prose("older")}, place=1)
    newer = await pusher.begin({page("a"): prose("newer")}, place=2)

    drive.now += timedelta(minutes=2)
    assert (await newer.finish())[page("a")].result == "added"
    assert (await lying.finish())[page("a")].result == "superseded"
    assert await texts_of(drive, page("a")) == [prose("newer")]


async def test_the_later_accepted_wins_by_its_place(pusher: Pusher, drive: Drive) -> None:
    """The place was drawn when it was put, whenever the run began."""
    await pusher.put({page("a"): prose("newer")}, place=9)
    late = await pusher.put({page("a"): prose("older")}, place=8)
    assert late[page("a")].result == "superseded"
    assert await texts_of(drive, page("a")) == [prose("newer")]


async def test_a_withdrawn_document_leaves_and_comes_back(
    pusher: Pusher, drive: Drive, tmp_path: Path
) -> None:
    await pusher.put({page(number): prose(number) for number in range(3)})
    gone = await pusher.withdraw(page(1))
    assert gone[page(1)].result == "withdrawn"
    assert await drive.live() == {page(0), page(2)}
    assert (await pusher.withdraw(page(1)))[page(1)].result == "withdrawn"  # and once more
    assert await drive.lifecycle(page(1)) == "tombstoned"
    back = await pusher.put({page(1): prose(1)})
    assert (back[page(1)].result, back[page(1)].version) == ("added", 2)
    assert (await changes(drive))[-2:] == [("removed", "withdrawn"), ("added", "returned")]
    await sound(drive, tmp_path)


async def test_a_put_after_a_withdrawal_takes_it_back(pusher: Pusher, drive: Drive) -> None:
    await pusher.put({page(number): prose(number) for number in range(3)})
    withdrawal = await pusher.begin(withdraw=(page(1),))
    await withdrawal.chunk()
    assert (await pusher.put({page(1): prose("new")}))[page(1)].result == "updated"
    await withdrawal.end()
    assert page(1) in await drive.live()


async def test_so_many_withdrawals_that_it_may_be_a_mistake_wait(
    pusher: Pusher, drive: Drive
) -> None:

    await pusher.put({page(number): prose(number) for number in range(10)})
    urls = [page(number) for number in range(4)]
    held = await pusher.withdraw(*urls)
    assert {each.result for each in held.values()} == {"held"}
    assert len(await drive.live()) == 10
    await pusher.put({page(0): prose("still there")})  # which takes its withdrawal back
    async with drive.pool.acquire() as connection:
        waiting = await held_removals.open_removals(connection, source="wiki")
        assert {each.url for each in waiting} == set(urls[1:])
        assert {each.sign for each in waiting} == {"withdrawn"}
        decided = await deletion_decisions.decide(
            connection, "wiki", (), "approved", by="someone", now=drive.now
        )
    assert decided.removed == 3
    assert len(await drive.live()) == 7


async def test_withdrawals_of_a_day_count_together(pusher: Pusher, drive: Drive) -> None:
    """One by one, they may take no more than at once; what a person decided does not count."""
    await pusher.put({page(number): prose(number) for number in range(30)})

    async def one(number: int, **how: bool) -> str:
        return (await pusher.withdraw(page(number), **how))[page(number)].result

    assert [await one(number) for number in range(5)] == ["withdrawn"] * 3 + ["held"] * 2
    await pusher.put({page(0): prose("back")})  # which makes room for another
    assert [await one(number) for number in (5, 6)] == ["withdrawn", "held"]
    async with drive.pool.acquire() as connection:
        decided = await deletion_decisions.decide(
            connection, "wiki", [page(3)], "approved", by="someone", now=drive.now
        )
        await deletion_decisions.decide(
            connection, "wiki", [page(4)], "rejected", by="someone", now=drive.now
        )
    assert decided.removed == 1
    assert [await one(number) for number in (4, 7)] == ["skipped", "held"]
    assert [await one(number, confirmed=True) for number in (4, 6, 8, 9)] == ["withdrawn"] * 4
    drive.now += timedelta(days=1)
    assert [await one(number) for number in range(10, 13)] == ["withdrawn"] * 2 + ["held"]
    async with drive.pool.acquire() as connection:
        waiting = await held_removals.open_removals(connection, source="wiki")
    assert {each.url for each in waiting} == {page(7), page(12)}
    assert len(await drive.live()) == 30 - 10


async def test_two_that_withdraw_at_the_same_time_count_together(
    pusher: Pusher, drive: Drive
) -> None:
    await pusher.put({page(number): prose(number) for number in range(20)})
    await pusher.withdraw(page(0))
    both = [await pusher.begin(withdraw=(page(number),)) for number in (1, 2)]
    for each in both:
        await each.chunk()
    ended = await asyncio.gather(*(each.end() for each in both))
    assert sorted(found.result for each in ended for found in each.values()) == [
        "held",
        "withdrawn",
    ]


async def test_a_source_that_keeps_all_pages_keeps_withdrawn_ones(drive: Drive) -> None:
    pusher = Pusher(drive)
    await declare(drive, "wiki", WIKI, deletion="keep")
    await pusher.put({page(1): prose(1)})
    result = (await pusher.withdraw(page(1)))[page(1)]
    assert (result.result, result.code) == ("skipped", "kept")
    assert pusher.withdrawn.kept == (page(1),)
    assert await drive.live() == {page(1)}


async def test_what_a_source_fetches_cannot_be_put(pusher: Pusher, drive: Drive) -> None:
    url = "https://example.org/a"
    await drive.add("docs")
    await drive.run("docs", {url: prose(1)})
    await declare(drive, "below", "https://example.org/")
    with pytest.raises(RequestRefused, match=r"fetched by source 'docs'.*--exclude"):
        await pusher.begin({url: prose(2)})
    with pytest.raises(RequestRefused, match="fetched by source 'docs'"):
        await pusher.begin(withdraw=(url,))
    assert await drive.live() == {url}


async def test_what_was_put_is_not_fetched(pusher: Pusher, drive: Drive) -> None:
    """A link or a listing that names a pushed document does not let a site's answer replace it."""
    await pusher.put({page("a"): prose(1)})
    await drive.add("docs")
    closed = await drive.run("docs", {page("a"): prose("an answer"), page("b"): prose(2)})
    assert closed.counts.seen == 1
    assert await texts_of(drive, page("a")) == [prose(1)]
    assert (await drive.document(page("a"))).sources == ("wiki",)


@pytest.mark.parametrize(
    ("url", "source", "said"),
    [
        ("https://elsewhere.example/a", None, "no source takes.*--kind push.*"),
        ("https://elsewhere.example/a", "wiki", "not below a URL of source 'wiki'"),
        (page("a"), "none", "no source is named 'none'"),
        (page("draft/a"), "wiki", "refuses .* by its rule `exclude /draft/`"),
        ("ftp://wiki.example.org/a", None, r"documents\.0\.url: .*scheme"),
    ],
)
async def test_an_address_that_no_source_takes(
    drive: Drive, url: str, source: str | None, said: str
) -> None:
    pusher = Pusher(drive)
    await declare(drive, "wiki", WIKI, exclude=("/draft/",))
    with pytest.raises(RequestRefused, match=said):
        await pusher.begin({url: prose(1)}, source=source)
    assert await drive.pool.fetchval("select count(*) from run_pages") == 0


async def test_a_body_that_is_not_stored_or_too_large(pusher: Pusher, drive: Drive) -> None:
    with pytest.raises(RequestRefused, match="ATLAS_FETCH_MAX_BYTES"):
        await pusher.begin({page("a"): "x" * ((1 << 20) + 1)})
    await drive.pool.execute("delete from blobs")
    pusher.drive.now = drive.now
    with pytest.raises(RequestRefused, match="no body"):
        given = [PushedDocument(url=page("a"), snapshot=snapshot_of("y").hex())]
        run = await pusher.begin({page("b"): "z"})
        await pusher.drive.pool.execute("update runs set source_name = ''")
        await pusher.store.accept(AcceptPush(run_id=run.run_id, documents=given))


async def test_accepting_twice_is_accepting_once(pusher: Pusher, drive: Drive) -> None:
    run = await pusher.begin({page("a"): prose(1)}, place=4)

    given = [PushedDocument(url=page("a"), snapshot=snapshot_of(prose(1)).hex())]
    again = await pusher.store.accept(AcceptPush(run_id=run.run_id, documents=given, place=4))
    assert again == run.accepted
    assert await drive.pool.fetchval("select count(*) from run_deliveries") == 1


async def test_a_body_that_waits_is_not_cleaned_up(pusher: Pusher, drive: Drive) -> None:

    run = await pusher.begin({page("a"): prose(1)})
    referred_to = f"select {referred('now()')} from blobs b"
    assert await drive.pool.fetchval(referred_to) is True
    await run.finish()
    assert await drive.pool.fetchval(referred_to) is True


async def test_a_push_source_is_never_due(pusher: Pusher, drive: Drive) -> None:

    drive.now += timedelta(days=400)
    async with drive.pool.acquire() as connection:
        await runs.open_run(
            connection, run_id="r", workflow_id="w", kind="hourly_collection", trigger="schedule",
            now=drive.now,
        )  # fmt: skip
    planned = await drive.crawl.plans.make(PlanSources(run_id="r", due=True))
    assert planned.sources == 0
    request = OpenRun(run_id="s", workflow_id="sync_pipeline:wiki", source="wiki")
    opened = await drive.crawl.runs.open_run(request, nobody_is_open)
    assert opened.outcome == "nothing_selected"
    assert "atlas docs put" in opened.message


@pytest.mark.parametrize(
    ("rule", "value"), [("delay", 3.0), ("cron", "5 * * * *"), ("max_pages", 3), ("prefix", WIKI)]
)
def test_a_rule_of_fetching_is_refused(rule: str, value: object) -> None:
    with pytest.raises(InvalidSource, match=f"{rule}: not for a source of kind push"):
        check_source(SourceSpec("wiki", "push", (WIKI,), **{rule: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("after", ["accepting", "taking", "processing", "settling"])
async def test_a_crash_between_two_steps_loses_nothing(
    pusher: Pusher, drive: Drive, tmp_path: Path, after: str
) -> None:
    """Each step is repeated, by another worker, with what the one before it left behind."""
    run = await pusher.begin({page("a"): prose(1)})
    batch, claim = Batch(run_id=run.run_id, lane=0, number=1), drive.crawl.batches.claim
    if after != "accepting":
        await claim(ClaimBatch(run_id=run.run_id, lane=0, number=1))
        await pusher.store.take(run.run_id, await drive.crawl.batches.begin_attempt(batch))
    if after in ("processing", "settling"):
        pages = await drive.crawl.batches.begin_attempt(batch)
        found = [prepared(each, prose(1)) for each in pages]
        await drive.crawl.processed.store(run.run_id, fences(pages), found)
    if after == "settling":
        pages = await drive.crawl.batches.begin_attempt(batch)
        await drive.crawl.settlement.settle(batch, fences(pages), decided=True)
    assert (await run.finish())[page("a")].result == "added"
    assert await texts_of(drive, page("a")) == [prose(1)]
    await sound(drive, tmp_path)


async def test_a_title_that_was_given_stays_when_the_body_is_read_again(
    pusher: Pusher, drive: Drive
) -> None:
    await pusher.put({page("a"): prose(1)}, title="Given")
    run = await pusher.begin({page("a"): prose(2)}, title="Another")
    batch = Batch(run_id=run.run_id, lane=0, number=1)
    (held,) = await drive.claim(batch)
    assert held.title == "Given"
    await pusher.store.take(run.run_id, [held])
    (held,) = await drive.crawl.batches.begin_attempt(batch)
    assert held.title == "Another"
    body = b"<title>Own</title><main><p>Tie the bow line first, and then the stern.</p></main>"
    rules = ExtractionRules(metadata=("title=p",))
    for chosen in (NO_RULES, rules):
        found = extract(body, "text/html", None, page("a"), chosen, held.title)
        assert (found.title, found.text_hash) == ("Another", text_hash("Another", found.text))
