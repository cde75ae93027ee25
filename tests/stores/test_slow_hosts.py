"""Pages of hosts that kept others waiting are claimed last, among themselves; nothing is lost."""

from dataclasses import replace

from activities.ledger_rows import cut_row
from atlas.contracts.activities import Batch, ClaimBatch
from atlas.domain.batch import Claim, HeldPage
from atlas.stores.postgres.crawl.runs import claims
from atlas.stores.postgres.hosts import manual_limits
from atlas.stores.postgres.reporting import daily_figures
from tests.stores.drive import Drive, fences, fetched

HOSTS = ("a.example", "b.example", "c.example")
PAGES = {host: [f"https://{host}/{number:02}" for number in range(10)] for host in HOSTS}
SILENT = "b.example"


async def begun(drive: Drive, pages: int = 10) -> str:
    """A run with pages of three hosts."""
    await drive.add("docs")
    run_id = await drive.open("docs")
    urls = [url for host in HOSTS for url in PAGES[host][:pages]]
    assert await drive.enlist(run_id, *urls) == len(urls)
    return run_id


async def claim(drive: Drive, run_id: str, lane: int, number: int, **rules: object) -> Claim:
    request = ClaimBatch.model_validate({"run_id": run_id, "lane": lane, "number": number, **rules})
    return await drive.crawl.batches.claim(request)


async def held(drive: Drive, run_id: str, lane: int, number: int) -> list[HeldPage]:
    return await drive.crawl.batches.begin_attempt(Batch(run_id=run_id, lane=lane, number=number))


async def urls(drive: Drive, run_id: str, lane: int, number: int, **rules: object) -> list[str]:
    await claim(drive, run_id, lane, number, **rules)
    return [page.url for page in await held(drive, run_id, lane, number)]


async def give_back(drive: Drive, run_id: str, pages: list[HeldPage]) -> None:
    await drive.crawl.batches.give_back(run_id=run_id, fences=fences(pages), not_before={})


async def found_silent(drive: Drive, run_id: str, lane: int = 0) -> list[HeldPage]:
    """A batch of the first two hosts finds the second one silent; it gives everything back."""
    await claim(drive, run_id, lane, 1, size=15)
    pages = await held(drive, run_id, lane, 1)
    slow = [page for page in pages if SILENT in page.url]
    assert len(slow) == 5
    await drive.crawl.batches.set_aside(run_id, fences(slow), [SILENT])
    await give_back(drive, run_id, pages)
    return slow


async def test_they_are_claimed_after_all_others_and_never_with_them(drive: Drive) -> None:
    run_id = await begun(drive)
    await found_silent(drive, run_id)
    # The host's further pages are left out on the way.
    assert await urls(drive, run_id, 0, 2, size=15) == PAGES["a.example"]
    assert await urls(drive, run_id, 1, 2, size=15) == PAGES["c.example"]
    slow = await urls(drive, run_id, 2, 2, size=16)
    assert slow == PAGES[SILENT]
    assert all(page.slow for page in await held(drive, run_id, 2, 2))
    # A repeated claim returns the same pages, and nothing is left.
    assert await urls(drive, run_id, 2, 2, size=15) == slow
    assert await claim(drive, run_id, 3, 1) == Claim(0, None)


async def test_a_claim_says_how_many_it_left_for_the_slow_lane(drive: Drive) -> None:
    run_id = await begun(drive)
    await found_silent(drive, run_id)
    assert await claim(drive, run_id, 0, 2, size=10) == Claim(10, None)
    assert await claim(drive, run_id, 1, 1, size=10) == Claim(5, None, set_aside=5)
    assert await claim(drive, run_id, 1, 1, size=10) == Claim(5, None)


async def test_the_slow_lane_takes_nothing_else(drive: Drive) -> None:
    run_id = await begun(drive)
    assert await claim(drive, run_id, 3, 1, slow=True) == Claim(0, None)
    slow = await found_silent(drive, run_id)
    assert sorted(await urls(drive, run_id, 3, 2, slow=True)) == [page.url for page in slow]
    assert await claim(drive, run_id, 4, 1, slow=True) == Claim(0, None)
    later = drive.now.replace(hour=23)
    again = await held(drive, run_id, 3, 2)
    await drive.crawl.batches.give_back(
        run_id=run_id, fences=fences(again), not_before={page.page_id: later for page in again}
    )
    waiting = await claim(drive, run_id, 3, 3, slow=True)
    assert waiting == Claim(0, (later - drive.now).total_seconds())


async def test_lanes_share_them_out(drive: Drive) -> None:
    await drive.add("docs")
    run_id = await drive.open("docs")
    pages = [f"https://{host}/{number:03}" for host in HOSTS for number in range(40)]
    await drive.enlist(run_id, *pages)
    await claim(drive, run_id, 0, 1, size=120)
    first = await held(drive, run_id, 0, 1)
    await drive.crawl.batches.set_aside(run_id, fences(first), HOSTS)
    await give_back(drive, run_id, first)
    shares = [await urls(drive, run_id, lane, 2, size=100) for lane in range(4)]
    assert sorted(url for share in shares for url in share) == pages[: sum(map(len, shares))] or (
        len({url for share in shares for url in share}) == sum(map(len, shares))
    )
    assert [len(share) for share in shares] == [30, 30, 30, 30]
    # A batch waits for several hosts at once.
    assert all(
        {host for host in HOSTS if host in " ".join(share)} == set(HOSTS) for share in shares
    )


async def test_the_slow_lanes_waiting_gives_up_no_page_that_another_run_holds(
    drive: Drive,
) -> None:
    run_id = await begun(drive)
    await drive.add("others")
    other = await drive.open("others")
    await drive.enlist(other, *PAGES["a.example"])
    await claim(drive, other, 0, 1)
    assert (await claim(drive, run_id, 0, 1)).pages == 20
    await claim(drive, run_id, 3, 1, slow=True, waited=claims.PATIENCE)
    assert (await drive.crawl.batches.counts(run_id)).skipped == 0
    await claim(drive, run_id, 1, 1, waited=claims.PATIENCE)
    assert (await drive.crawl.batches.counts(run_id)).skipped == 10


async def test_a_superseded_attempt_sets_nothing_aside(drive: Drive) -> None:
    run_id = await begun(drive)
    await claim(drive, run_id, 0, 1, size=30)
    old = await held(drive, run_id, 0, 1)
    await held(drive, run_id, 0, 1)
    await drive.crawl.batches.set_aside(run_id, fences(old), [])
    assert not any(page.slow for page in await held(drive, run_id, 0, 1))


async def test_another_run_asks_the_host_as_any_other(drive: Drive) -> None:
    run_id = await begun(drive)
    await found_silent(drive, run_id)
    await drive.add("others")
    other = await drive.open("others")
    await drive.enlist(other, *PAGES[SILENT])
    assert await urls(drive, other, 0, 1) == PAGES[SILENT]
    assert not any(page.slow for page in await held(drive, other, 0, 1))


async def test_it_is_known_whether_pages_of_other_hosts_wait(drive: Drive) -> None:
    run_id = await begun(drive)
    batches = drive.crawl.batches
    assert await batches.others_wait(run_id, 0, {"a.example", SILENT})
    assert not await batches.others_wait(run_id, 0, set(HOSTS))
    assert not await batches.others_wait(run_id, 1, set())
    await claim(drive, run_id, 0, 1, size=20)  # those under way do not wait
    assert await batches.others_wait(run_id, 0, {SILENT})
    assert not await batches.others_wait(run_id, 0, {"c.example"})
    assert await batches.slow_among(run_id, HOSTS) == set()
    await batches.set_aside(run_id, {}, [SILENT])
    assert await batches.slow_among(run_id, HOSTS) == {SILENT}


async def test_a_request_that_was_cut_is_in_the_ledger_and_no_failed_attempt(drive: Drive) -> None:
    run_id = await begun(drive, pages=1)
    await claim(drive, run_id, 0, 1, size=2)
    _, slow = await held(drive, run_id, 0, 1)
    await drive.crawl.batches.set_aside(run_id, {slow.page_id: slow.fence}, [SILENT])
    row = cut_row(slow, 5.2, drive.now)
    assert await drive.crawl.fetches.record(run_id, {slow.page_id: slow.fence}, [row]) == 0
    # A late repetition is refused, so that it is counted once.
    await drive.crawl.fetches.record(run_id, {slow.page_id: slow.fence}, [row])

    await claim(drive, run_id, 3, 1, slow=True)
    (again,) = await held(drive, run_id, 3, 1)
    assert (again.url, again.attempts, again.cuts) == (slow.url, 1, 1)
    await drive.crawl.fetches.record(run_id, fences([again]), [fetched(again, "a text")])
    ledger = await drive.pool.fetch(
        "select attempt, error_class, error_code, snapshot is not null as body from fetches "
        "order by attempt"
    )
    assert [tuple(each) for each in ledger] == [
        (1, "transient", "set_aside", False),
        (2, None, None, True),
    ]
    assert (await drive.crawl.batches.counts(run_id)).failed == 0
    async with drive.pool.acquire() as connection, connection.transaction():
        counted = await daily_figures.count_day(connection, drive.now.date())
    assert [each.errors for each in counted.sources if each.source == "docs"] == [{}]
    assert [host.failed for host in counted.hosts if host.host == SILENT] == [0]


async def test_a_cut_page_that_waits_for_its_host_is_woken_with_the_others(drive: Drive) -> None:
    run_id = await begun(drive, pages=1)
    await claim(drive, run_id, 0, 1, size=2)
    pages = await held(drive, run_id, 0, 1)
    later = drive.now.replace(hour=23)
    rows = [cut_row(page, 5.0, later) for page in pages]
    failed = replace(rows[0], cut=False)
    await drive.crawl.fetches.record(run_id, fences(pages), [failed, rows[1]])
    async with drive.pool.acquire() as connection:
        await manual_limits.wake_pages(connection, source="docs")
    waiting = await drive.pool.fetch("select url from run_pages where not_before is not null")
    assert [row["url"] for row in waiting] == [PAGES["a.example"][0]]
