"""Listings that keep ending whoever parses them are left alone, until they change."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import pytest

from atlas.domain.errors import ErrorClass, PageError
from atlas.stores.postgres.sources import listing_quarantine, sources
from atlas.stores.postgres.sources.listing_quarantine import FAILURES, ListingWatch
from tests.stores.drive import Drive

URL = "https://example.org/sitemap.xml"
BAD, OTHER = sha256(b"bad").digest(), sha256(b"other").digest()
TIMEOUT = PageError(ErrorClass.INVALID, "listing_timeout", "not done after 30 s")


async def watch_of(drive: Drive, name: str = "docs") -> ListingWatch:
    run, source = await drive.crawl.runs.run_source(await drive.open(name))
    return drive.crawl.listing.watch(run, source)


async def parse(watch: ListingWatch, body: bytes, end: BaseException | None = TIMEOUT) -> str:
    """What one parse comes to: "" for good, the code of its failure, or "quarantined"."""
    begun = False
    try:
        async with watch.parsing(URL, body) as through:
            begun = True
            if end is not None:
                raise end
            await through()
    except PageError as error:
        assert begun is (error.code != "listing_quarantined")
        return error.code
    except BaseException as error:
        return type(error).__name__
    return ""


async def killed(watch: ListingWatch, body: bytes) -> None:
    """A parse whose worker is killed: nothing more is heard of it."""
    # Not by entering `parsing`: what nobody holds is closed by the garbage collector, and heard of.
    await watch._begin(URL, body)


async def left_alone(drive: Drive) -> list[str]:
    async with drive.pool.acquire() as connection:
        [shown] = await sources.summaries(connection, "docs")
        return [f"{each.url}: {each.code}, {each.failures}" for each in shown.quarantined]


@pytest.fixture
async def watch(drive: Drive) -> ListingWatch:
    await drive.add("docs")
    return await watch_of(drive)


@pytest.mark.parametrize("code", sorted(listing_quarantine.DEADLY))
async def test_three_parses_that_end_their_child_are_enough(
    drive: Drive, watch: ListingWatch, code: str
) -> None:
    error = PageError(ErrorClass.INVALID, code, "why")
    for number in range(FAILURES):
        assert await left_alone(drive) == []
        assert await parse(watch, BAD, error) == code, number
    assert await left_alone(drive) == [f"{URL}: {code}, 3"]
    with pytest.raises(PageError, match=rf"3 parses failed \({code}: why\).*sources release docs"):
        async with watch.parsing(URL, BAD):
            pytest.fail("it was parsed")


async def test_other_bytes_are_read_and_begin_at_nought(drive: Drive, watch: ListingWatch) -> None:
    for _ in range(FAILURES):
        await parse(watch, BAD)
    assert await parse(watch, OTHER) == "listing_timeout"
    assert await left_alone(drive) == []
    for _ in range(FAILURES):
        last = await parse(watch, BAD)
    assert (last, await left_alone(drive)) == ("listing_timeout", [f"{URL}: listing_timeout, 3"])


@pytest.mark.parametrize("end", [None, PageError(ErrorClass.INVALID, "sitemap_malformed", "x")])
async def test_a_child_that_comes_through_ends_the_count(
    drive: Drive, watch: ListingWatch, end: PageError | None
) -> None:
    for _ in range(2 * FAILURES):
        await parse(watch, BAD)
        await parse(watch, BAD)
        await parse(watch, BAD, end)
    assert await left_alone(drive) == []
    assert await drive.pool.fetchval("select count(*) from listing_quarantine") == 0


async def test_a_worker_that_dies_with_its_listing_is_counted(
    drive: Drive, watch: ListingWatch
) -> None:
    """Or the activity would be tried for ever."""
    await parse(watch, BAD)
    for _ in range(FAILURES - 1):
        await killed(watch, BAD)
    assert await parse(watch, BAD) == "listing_quarantined"
    assert await left_alone(drive) == [f"{URL}: listing_killed_worker, 3"]


@pytest.mark.parametrize("end", [OSError, asyncio.CancelledError, RuntimeError])
async def test_what_is_no_fault_of_the_listing_is_not_counted(
    drive: Drive, watch: ListingWatch, end: Callable[[], BaseException]
) -> None:
    """A lost connection, or a worker that is told to stop."""
    for _ in range(2 * FAILURES):
        assert await parse(watch, BAD, end()) == type(end()).__name__
    assert await parse(watch, BAD, None) == ""


async def test_an_answer_refused_after_the_parse_is_counted_too(
    drive: Drive, watch: ListingWatch
) -> None:
    for _ in range(FAILURES):
        with pytest.raises(PageError):
            async with watch.parsing(URL, BAD) as through:
                await through()
                raise PageError(ErrorClass.INVALID, "listing_malformed", "more than it says")
    assert await left_alone(drive) == [f"{URL}: listing_malformed, 3"]


async def test_a_release_lets_it_be_read_and_another_source_has_its_own(
    drive: Drive, watch: ListingWatch
) -> None:
    await drive.add("others")
    others = await watch_of(drive, "others")
    for _ in range(FAILURES):
        await parse(watch, BAD)
    assert await parse(others, BAD) == "listing_timeout"
    async with drive.pool.acquire() as connection:
        assert await listing_quarantine.release(connection, others.source_id) == []
        assert await listing_quarantine.release(connection, watch.source_id, ["x"]) == []
        assert await left_alone(drive) == [f"{URL}: listing_timeout, 3"]
        assert await listing_quarantine.release(connection, watch.source_id, [URL]) == [URL]
    assert await left_alone(drive) == []
    assert await parse(watch, BAD) == "listing_timeout"


async def test_a_newer_parser_tries_again(
    drive: Drive, watch: ListingWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FAILURES):
        await parse(watch, BAD)
    monkeypatch.setattr(listing_quarantine, "PARSER_VERSION", 2)
    assert await left_alone(drive) == []
    assert await parse(watch, BAD, None) == ""
