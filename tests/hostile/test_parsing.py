"""Every hostile listing in the child that parses it, at a small size: it ends by name, and the
child outlives it. In a worker, at full size: `test_in_a_worker.py`."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from atlas.domain.errors import PageError
from atlas.text.children.pool import ExtractorPool
from atlas.web.listing_parser import ListingJob
from atlas.worker.listing_parser import PRELOADED, parsed
from tests.hostile.listings import Case, cases, limits

SCALE = 8
CASES = cases(SCALE)
LIMITS = limits(SCALE)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ExtractorPool]:
    """Children with little memory: what swells one ends it."""
    async with ExtractorPool(
        children=2, timeout=300, memory_limit=64 << 20, preloaded=PRELOADED[1:]
    ) as opened:
        yield opened


async def end_of(pool: ExtractorPool, case: Case) -> str:
    """As `Case.ends` has it."""
    job = ListingJob("feed" if case.kind == "feed" else "sitemap", "https://h.org/", "", LIMITS)
    with tempfile.TemporaryFile() as file:
        file.write(case.body())
        try:
            async with parsed(pool, job, file) as found:
                listed = sum(map(len, found.pages())) + len(list(found.children()))
        except PageError as error:
            return error.code
    state = "complete" if found.header.complete else "incomplete"
    return f"{listed} {state} {found.header.cut}".rstrip()


def test_there_are_cases_of_each_family() -> None:
    families = Counter(case.name.partition(":")[0] for case in CASES)
    assert len({case.path for case in CASES}) == len(CASES) >= 60
    assert families.keys() == {"sitemap", "index", "rss", "rdf", "atom", "json"}
    assert min(families.values()) >= 15


@pytest.mark.fault(5)
@pytest.mark.fault(6)
@pytest.mark.parametrize("form", ["sitemap", "index", "rss", "rdf", "atom", "json"])
async def test_each_ends_by_name_and_its_child_outlives_it(pool: ExtractorPool, form: str) -> None:
    mine = [case for case in CASES if case.name.startswith(f"{form}:")]
    ended = {case.name: await end_of(pool, case) for case in mine}
    assert ended == {case.name: case.ends for case in mine}
