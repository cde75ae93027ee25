"""What lists the corpus reads it once, or only as much as it shows."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from atlas.embedded.postgres import SUPERUSER
from atlas.stores.postgres.services import catalogue
from atlas.stores.postgres.sources import sources
from tests.conftest import PostgresServer
from tests.stores.rows_read import Reader, explained

pytestmark = pytest.mark.fault(20)

PAGES = 3000
SOURCES = 8

# Each page is held by one source, and has a live document.
CORPUS = f"""
    insert into sources (name, kind, urls, created_at)
        select 'source-' || n, 'urls', '{{}}', now() from generate_series(0, {SOURCES - 1}) n;
    insert into pages (url, created_at)
        select 'https://example.org/' || to_char(n, 'FM00000'), now()
        from generate_series(1, {PAGES}) n;
    insert into page_state (page_id, lifecycle)
        select id, case when id % 3 = 0 then 'tombstoned' else 'live' end from pages;
    insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
        select s.id, p.id, 0, 'listed', 'run', now()
        from pages p join sources s on s.name = 'source-' || (p.id % {SOURCES - 1});
    insert into documents (page_id, text_hash, extractor, snapshot, media, title, text, markdown,
                           created_at)
        select id, sha256(url::bytea), 1, '', 'html', url, repeat(url, 20), '', now() from pages;
    insert into versions (page_id, seq, document_id, valid_from)
        select page_id, 1, id, now() from documents;
"""


@pytest.fixture
async def reader(database_url: str, postgres_server: PostgresServer) -> AsyncIterator[Reader]:
    name = urlsplit(database_url).path.removeprefix("/")
    async with explained(postgres_server.url(name, SUPERUSER)) as reader:
        await reader.execute(CORPUS)
        await reader.execute("analyze")
        yield reader


async def test_all_sources_are_counted_in_one_pass(reader: Reader) -> None:
    with reader.reading() as read:
        found = await sources.summaries(reader.connection)
    assert len(found) == SOURCES and found[-1].pages == found[-1].live == 0
    assert sum(each.pages for each in found) == PAGES
    assert sum(each.live for each in found) == PAGES - PAGES // 3
    assert max(read.values()) < 6 * PAGES

    with reader.reading() as of_one:
        (one,) = await sources.summaries(reader.connection, "source-1")
    assert one == found[1]
    assert max(of_one.values()) < 2 * PAGES
    assert await sources.summaries(reader.connection, "nosuch") == []


async def test_the_first_documents_are_found_without_the_others(reader: Reader) -> None:
    with reader.reading() as read:
        listed = catalogue.listed_documents(reader.connection, limit=20)
        urls = [document.url async for document in listed]
    assert urls == [f"https://example.org/{number:05}" for number in range(1, 21)]
    assert sum(read.values()) < PAGES // 2
