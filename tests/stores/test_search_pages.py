"""Going through a search page by page with cursors, also while the corpus changes."""

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest

from atlas.stores.postgres.index.search import SearchPage
from atlas.stores.search.port import SearchIndex
from tests.stores.corpus import NOW, EngineCorpus

COPIED = " ".join(f"word{number}" for number in range(150))


@pytest.fixture
async def corpus(database: asyncpg.Pool, index: SearchIndex) -> AsyncIterator[EngineCorpus]:
    """Texts that have fog more or less often, and three near-duplicates among them."""
    async with database.acquire() as connection, connection.transaction():
        made = EngineCorpus(connection, index)
        for number in range(1, 9):
            oil = " ".join(f"oil{number}x{each}" for each in range(30 - number))
            await made.put(f"http://a/{number}", f"Log {number}", f"{'fog ' * number} {oil}")
        for name in ("one", "two", "three"):
            await made.put(f"http://copy/{name}", "Story", f"fog {COPIED} {name}")
        yield made


def urls(page: SearchPage) -> list[str]:
    return [hit.url for hit in page.results]


async def rest(corpus: EngineCorpus, page: SearchPage, query: str = "fog") -> list[str]:
    """What all pages behind this one show."""
    found = []
    while page.next is not None:
        page = await corpus.search(query, limit=2, after=page.next)
        assert page.results
        found += urls(page)
    return found


async def test_pages_by_cursor_are_those_of_one_list(corpus: EngineCorpus) -> None:
    whole = await corpus.search("fog")
    assert (len(whole.results), whole.total, whole.next) == (9, 9, None)
    first = await corpus.search("fog", limit=2)
    assert urls(first) + await rest(corpus, first) == urls(whole)
    # An offset counts as shown; and a page may be of any length.
    second = await corpus.search("fog", limit=2, offset=2)
    assert await rest(corpus, second) == urls(whole)[4:]
    assert second.next is not None
    longer = await corpus.search("fog", limit=100, after=second.next)
    assert (urls(longer), longer.total, longer.next) == (urls(whole)[4:], 9, None)
    # Without a result left out as a near-duplicate, there are more of them.
    apart = await corpus.search("fog", limit=10, collapse=False)
    assert apart.next is not None
    last = await corpus.search("fog", collapse=False, after=apart.next)
    assert len({*urls(apart), *urls(last)}) == 11


async def test_what_comes_and_goes_leaves_no_gap_and_repeats_nothing(corpus: EngineCorpus) -> None:
    """What comes changes the scores of all, and the index is built anew in between."""
    everything = urls(await corpus.search("fog"))
    first = await corpus.search("fog", limit=3)
    seen = urls(first)
    gone = everything[4]
    for url in (seen[0], gone):
        await corpus.drop(await _text_of(corpus, url))
    for number in range(20):
        await corpus.put(f"http://new/{number}", f"New {number}", f"fog new{number} " * 6)
    later = await rest(corpus, first)
    assert len(later) == len(set(later))
    assert not set(later) & {*seen, gone}
    assert set(everything) - {*seen, gone} <= set(later)
    assert len([url for url in later if url.startswith("http://new/")]) == 20


async def test_a_copy_of_what_was_shown_stays_left_out_when_it_ranks_above(
    corpus: EngineCorpus,
) -> None:
    await corpus.put("http://twin/alpha", "Story", f"{COPIED} alpha")
    await corpus.put("http://twin/beta", "Story", f"{COPIED} beta")
    filler = " ".join(f"filler{number}" for number in range(800))
    for number in range(3):
        await corpus.put(f"http://beta/{number}", f"Other {number}", f"beta x{number} {filler}")
    first = await corpus.search("alpha beta", limit=1)
    assert urls(first) == ["http://twin/alpha"] and first.next is not None
    for number in range(40):  # now alpha is the more frequent word of the two
        await corpus.put(f"http://alpha/{number}", f"No {number}", f"alpha y{number} {filler}")
    twins = await corpus.search("alpha beta", limit=1)
    assert urls(twins) == ["http://twin/beta"]
    later = await rest(corpus, first, "alpha beta")
    assert later and not any(url.startswith("http://twin/") for url in later)


async def test_a_cursor_goes_on_at_the_moment_of_its_search(
    corpus: EngineCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def kept(*_: object) -> None:
        """As if the index kept past texts: those that are live were live then."""

    monkeypatch.setattr("atlas.stores.postgres.index.engine_search.expect_kept", kept)
    now: datetime = await corpus.connection.fetchval("select now()")
    await corpus.connection.execute("update versions set valid_from = $1", NOW)
    first = await corpus.search("fog", limit=4, as_of=now)
    assert first.as_of == now and first.next is not None
    second = await corpus.search("fog", limit=4, after=first.next)
    assert second.as_of == now and not set(urls(first)) & set(urls(second))
    with pytest.raises(ValueError, match="leave as_of out"):
        await corpus.search("fog", after=first.next, as_of=now)


async def test_a_cursor_that_does_not_fit_is_refused(corpus: EngineCorpus) -> None:
    first = await corpus.search("fog", limit=2)
    assert first.next is not None
    for query, options, says in (
        ("fog", {"offset": 2}, "^offset: .* not both"),
        ("fog", {"lang": "en"}, "^after: the cursor is of another search"),
        ("fogs", {}, "^after: the cursor is of another search"),
    ):
        with pytest.raises(ValueError, match=says):
            await corpus.search(query, after=first.next, **options)
    with pytest.raises(ValueError, match=r"^after: 'next' is no cursor"):
        await corpus.search("fog", after="next")
    await corpus.connection.execute("update corpus set corpus_id = gen_random_uuid()")
    with pytest.raises(ValueError, match="on the same corpus"):
        await corpus.search("fog", after=first.next)


async def _text_of(corpus: EngineCorpus, url: str) -> bytes:
    found: bytes = await corpus.connection.fetchval(
        "select d.text_hash from documents d join pages p on p.id = d.page_id where p.url = $1", url
    )
    return found
