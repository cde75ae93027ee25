"""Fixtures of the stores' tests. An index to test is tantivy's, and OpenSearch's among the slow
tests, where one can start."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from atlas.stores.search.port import SearchIndex
from tests.stores.drive import Drive
from tests.stores.search.engines import Place, new_name, opensearch_node, why_no_opensearch


@pytest.fixture
def drive(database: "asyncpg.Pool[asyncpg.Record]") -> Drive:
    return Drive(database)


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if reason := why_no_opensearch():
        pytest.skip(reason)
    with opensearch_node(tmp_path_factory.mktemp("opensearch")) as node:
        yield node.url


@pytest.fixture(params=["tantivy", pytest.param("opensearch", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "tantivy":
        return Place("tantivy", str(request.getfixturevalue("tmp_path") / "index"), "")
    return Place("opensearch", request.getfixturevalue("opensearch"), new_name())


@pytest.fixture
async def index(place: Place) -> AsyncIterator[SearchIndex]:
    opened = place.open()
    yield opened
    for generation in await opened.generations():
        await opened.release(generation.number)
    await opened.close()
