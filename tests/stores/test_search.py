"""Searching: who is found, in which order, shown how; and what it asks of PostgreSQL."""

import asyncio
import gzip
import json
import math
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.errors import PageError
from atlas.domain.extraction.outline import OutlineSection
from atlas.stores.postgres.index.search import MAX_QUERY, Hit, SearchPage
from atlas.stores.search.port import QueryTooBroad, SearchIndex
from atlas.text.extract import extract
from benchmarks.api_manuals import manual
from tests.stores.corpus import NOW, Corpus, EngineCorpus

RETRIEVAL = Path(__file__).parents[3] / "shared" / "data" / "retrieval"
STORY = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, "
    "a falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. "
    "In the morning the boat brought oil, bread, letters and news of the {fish} fleet."
)

FOG = "How fog signals are sounded on the coast."


@pytest.fixture
async def corpus(database: asyncpg.Pool, index: SearchIndex) -> AsyncIterator[EngineCorpus]:
    """A corpus whose index, of either engine, is built when it is searched."""
    async with database.acquire() as connection, connection.transaction():
        yield EngineCorpus(connection, index)


def urls(page: SearchPage) -> list[str]:
    return [hit.url for hit in page.results]


async def find(corpus: EngineCorpus, query: str, **options: object) -> list[str]:
    return urls(await corpus.search(query, **options))  # type: ignore[arg-type]


async def some_pages(corpus: Corpus) -> None:
    await corpus.put("http://a/fog", "Fog", FOG)
    await corpus.put("http://a/oil", "Oil", "Oil for the lamp, and what to do in fog or rain.")
    await corpus.put("http://a/rain", "Rain", "Rain gauges are read at noon.", source="weather")
    await corpus.put("http://a/zh", "灯塔", "燈塔看守人每天晚上都要記錄天氣。", lang="zh")


async def test_best_matches_come_first(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    page = await corpus.search("fog signals")
    assert urls(page) == ["http://a/fog", "http://a/oil"]
    assert (page.total, page.exact) == (2, True)
    assert page.results[0].score > page.results[1].score > 0
    assert page.results[0] == Hit(
        url="http://a/fog",
        title="Fog",
        snippet="How fog signals are sounded on the coast.",
        marks=((4, 7), (8, 15)),
        score=page.results[0].score,
        source="docs",
        sources=("docs",),
        lang="en",
        copies=0,
        similar_count=0,
        similar=(),
        section_url="http://a/fog",
        chunk_id=document_chunks("http://a/fog", FOG, FOG, None)[0].id,
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FOGS", ["http://a/fog", "http://a/oil"]),
        ("灯塔", ["http://a/zh"]),
        ("記", ["http://a/zh"]),
        ('"oil for the lamp"', ["http://a/oil"]),
        ('"lamp for the oil"', []),
        ('rain "at noon"', ["http://a/rain"]),
        ("zeppelin", []),
        ("zeppelin noon", ["http://a/rain"]),
    ],
)
async def test_what_a_query_finds(corpus: EngineCorpus, query: str, expected: list[str]) -> None:
    await some_pages(corpus)
    assert await find(corpus, query) == expected


async def test_source_and_language_narrow_it(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    assert await find(corpus, "rain", source="weather") == ["http://a/rain"]
    assert await find(corpus, "rain", source="weather", lang="zh") == []
    assert await find(corpus, "rain fog", lang="en", source="docs") == [
        "http://a/oil",
        "http://a/fog",
    ]
    assert await find(corpus, "灯塔", lang="zh") == ["http://a/zh"]
    assert await find(corpus, "rain", source="no\0such\ud800") == []


@pytest.mark.fault(10)
async def test_a_language_filter_counts_the_pages_of_unknown_language(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    assert (await corpus.search("fog", lang="en")).unknown_language == 0
    unknown = await corpus.put("http://a/what", "", "Fog fog fog", lang=None)
    await corpus.put("http://a/what-else", "", "Fog, mist", lang=None, source="weather")
    await corpus.put("http://a/other", "", "Something else", lang=None)
    found = await corpus.search("fog", lang="en")
    assert (urls(found), found.unknown_language) == (["http://a/fog", "http://a/oil"], 2)
    narrower = await corpus.search("fog", lang="de", source="docs")
    assert (narrower.total, narrower.unknown_language) == (0, 1)
    assert (await corpus.search("fog")).unknown_language == 0
    await corpus.drop(unknown)
    assert (await corpus.search("fog", lang="en")).unknown_language == 1


async def test_near_duplicates_collapse_and_stay_reachable(corpus: EngineCorpus) -> None:
    for fish in ("cod", "herring", "mackerel"):
        await corpus.put(f"http://a/{fish}", "Log", STORY.format(fish=fish))
    await corpus.put("http://a/other", "Other", "A lighthouse elsewhere.")
    page = await corpus.search("lighthouse keeper mackerel")
    assert urls(page) == ["http://a/mackerel", "http://a/other"]
    assert page.total == 2
    assert page.results[0].similar_count == 2
    assert set(page.results[0].similar) == {"http://a/cod", "http://a/herring"}
    assert await find(corpus, "herring") == ["http://a/herring"]
    assert len(await find(corpus, "lighthouse", collapse=False)) == 4


async def test_only_copies_of_what_is_shown_are_left_out(corpus: EngineCorpus) -> None:
    """Texts in a chain: neighbours are copies, the ends say different things."""
    words = [f"word{number}" for number in range(400)]
    for place, fog in ((0, 3), (60, 2), (120, 1)):
        text = " ".join(["fog"] * fog + words[place : place + 150])
        await corpus.put(f"http://a/{place}", "Log", text)
    page = await corpus.search("fog")
    assert urls(page) == ["http://a/0", "http://a/120"] and page.total == 2
    assert [hit.similar for hit in page.results] == [("http://a/60",), ()]
    found = await corpus.connection.fetch(
        "select count(*) as texts from sketches group by representative order by 1"
    )
    assert sum(row["texts"] for row in found) == 3
    assert len(await find(corpus, "fog", collapse=False)) == 3


async def test_names_are_found_as_what_they_are(corpus: EngineCorpus) -> None:
    await corpus.put("http://a/plus", "Plus", "Learn C++ 灯塔 with Python 3.11 now.")
    await corpus.put("http://a/plain", "Plain", "Learn C 灯塔 with Python 3 chapters, 11 pages.")
    for query in ('"C++"', '"C++ 灯"', '"Python 3.11"', '"3.11" learn'):
        assert await find(corpus, query) == ["http://a/plus"], query
    assert await find(corpus, "C++") == ["http://a/plus", "http://a/plain"]
    await corpus.put("http://a/join", "Join", "Call os.path.join on both of them.")
    await corpus.put("http://a/walk", "Walk", "Walk the path, os and all, and join them.")
    assert await find(corpus, '"os.path.join"') == ["http://a/join"]
    assert (await find(corpus, "os.path.join"))[0] == "http://a/join"


SPELLINGS = ("café", "cafe"), ("e-mail", "email"), ("get_user_name", "getUserName")


@pytest.mark.parametrize("spellings", SPELLINGS)
async def test_spellings_of_a_word_find_each_other(
    corpus: EngineCorpus, spellings: tuple[str, str]
) -> None:
    for number, word in enumerate(spellings):
        await corpus.put(f"http://a/{number}", "Word", f"Sentence {number} has {word} in it.")
    for word in spellings:
        assert set(await find(corpus, word)) == {"http://a/0", "http://a/1"}, word


OPERATORS = {
    "fog": {"a/docs/one", "a/docsearch", "b.a/two", "c/long"},
    "fog -lamp": {"a/docsearch", "b.a/two"},
    'fog -"the lamp"': {"a/docsearch", "b.a/two", "c/long"},
    "fog site:a": {"a/docs/one", "a/docsearch", "b.a/two"},
    "fog site:a/docs": {"a/docs/one"},
    "fog -site:a": {"c/long"},
    "fog source:two": {"b.a/two"},
    "fog source:two source:docs -site:c": {"a/docs/one", "a/docsearch", "b.a/two"},
    "fog lang:de": {"b.a/two"},
    "fog title:harbour": {"a/docs/one", "a/docsearch"},
    'fog title:"harbour log"': {"a/docs/one"},
    "title:search": {"a/docsearch"},
    "fog after:2026": set(),
    '"by night" OR "the lamp"': {"a/docs/one", "b.a/two"},
    "fog lantern OR": {"a/docs/one", "a/docsearch", "b.a/two", "c/long"},
    "site:a": set(),
}


async def test_what_a_query_asks_for_is_what_is_shown(corpus: EngineCorpus) -> None:
    long = "Fog came in. " * 1500 + " A lamp."
    await corpus.put("http://a/docs/one?x=1", "Harbour Log", "Fog, and the lamp was lit.")
    await corpus.put("http://a:8080/docsearch", "Search the harbour", "Fog in all of it.")
    await corpus.put("http://b.a/two", "Nebel", "Fog by night.", source="two", lang="de")
    await corpus.put("http://c/long", "Long", long)
    for query, wanted in OPERATORS.items():
        shown = {
            url.removeprefix("http://").removesuffix("?x=1").replace(":8080", "")
            for url in await find(corpus, query)
        }
        assert shown == wanted, query
    with pytest.raises(ValueError, match="is no date"):
        await corpus.search("fog before:soon")
    await corpus.connection.execute("update documents set published = $1", NOW)
    await corpus.put("http://d/", "Dated", "Rain.")  # so that the index is built again
    assert await find(corpus, "fog lang:de after:2026-11-24 before:2026-11-25") == [
        "http://b.a/two"
    ]
    assert await find(corpus, "fog before:2026-11-24") == []


async def test_pages_of_a_manual_are_results_of_their_own(corpus: EngineCorpus) -> None:
    """Not the one page that says most of what all say; a copy on another host is no result."""
    pages = manual(30, seed=5)
    for each in pages:
        await corpus.put(each.url, each.title, each.text)
    mirrored = pages[0].text + " Mirrored."
    await corpus.put("https://mirror.example.org/0", pages[0].title, mirrored)
    page = await corpus.search("auto trait implementations", limit=50)
    assert page.total == 30
    assert {hit.url for hit in page.results if hit.similar} <= {
        pages[0].url,
        "https://mirror.example.org/0",
    }
    assert sum(len(hit.similar) for hit in page.results) == 1


async def test_a_text_on_several_pages_is_one_result(corpus: EngineCorpus) -> None:
    for host in ("c", "a", "b"):
        await corpus.put(f"http://{host}/", "Log", STORY, source=host)
    (hit,) = (await corpus.search("lighthouse")).results
    assert (hit.url, hit.copies, hit.sources) == ("http://a/", 2, ("a",))
    (hit,) = (await corpus.search("lighthouse", source="c")).results
    assert (hit.url, hit.copies, hit.sources) == ("http://c/", 0, ("c",))


async def test_what_is_gone_is_not_found(corpus: EngineCorpus) -> None:
    gone = await corpus.put("http://a/gone", "Gone", STORY)
    await corpus.put("http://b/stays", "Stays", STORY + " Later that day it rained.")
    assert len((await corpus.search("lighthouse")).results[0].similar) == 1
    await corpus.drop(gone)
    (hit,) = (await corpus.search("lighthouse")).results
    assert (hit.url, hit.similar) == ("http://b/stays", ())


async def test_a_long_document_is_found_by_its_best_part(corpus: EngineCorpus) -> None:
    text = "Nothing of note happened. " * 1500 + "The zeppelin landed on the pier."
    await corpus.put("http://a/long", "Long", text)
    (hit,) = (await corpus.search("zeppelin pier")).results
    assert "zeppelin landed on the pier" in hit.snippet


MANUAL = (
    "Before anything else: a light is a promise.\n\nLamp\n\nOil\n\nOf whales, once; colza later."
    "\n\nWick\n\nTrimmed at noon and at midnight.\n\nkeeper\n\nWho trims the wick.\n\n"
    f"Logbook\n\n{STORY.format(fish='cod')} The wick is noted."
)
OUTLINE = [
    (MANUAL.index("Lamp"), 1, "Lamp", "lamp"),
    (MANUAL.index("Oil"), 2, "Oil", None),
    (MANUAL.index("Wick"), 2, "Wick", "wick"),
    (MANUAL.index("keeper"), 7, "keeper", "the keeper"),
    (MANUAL.index("Logbook"), 1, "Logbook", "log"),
]


@pytest.mark.parametrize(
    ("query", "section", "anchor"),
    [
        ("promise", (), None),
        ("lamp", ("Lamp",), "lamp"),
        ("whales", ("Lamp", "Oil"), "lamp"),
        ("midnight", ("Lamp", "Wick"), "wick"),
        ("trims the wick", ("Lamp", "Wick"), "wick"),
        ("who", ("Lamp", "Wick"), "the keeper"),
        ("cod fleet sails", ("Logbook",), "log"),
        ("whales cod fleet", ("Logbook",), "log"),
        ("handbook", (), None),
    ],
)
async def test_a_hit_names_section_and_anchor(
    corpus: EngineCorpus, query: str, section: tuple[str, ...], anchor: str | None
) -> None:
    await corpus.put("http://a/manual", "Handbook", MANUAL, outline=OUTLINE)
    (hit,) = (await corpus.search(query)).results
    assert (hit.section, hit.anchor) == (section, anchor)
    fragment = f"#{anchor.replace(' ', '%20')}" if anchor else ""
    assert hit.section_url == f"http://a/manual{fragment}"
    outline = [OutlineSection(*each) for each in OUTLINE]
    chunks = {each.id: each for each in document_chunks(hit.url, MANUAL, MANUAL, outline)}
    assert hit.chunk_id is not None
    chunk = chunks[hit.chunk_id]
    assert hit.snippet.strip("…") in " ".join(chunk.text.split())
    assert not section or chunk.section == section


async def test_a_hit_in_a_later_part_names_its_section(corpus: EngineCorpus) -> None:
    text = "\n\n".join(f"Chapter{n}\n\n{STORY.format(fish=f'fish{n}')}" for n in range(90))
    outline = [(text.index(f"Chapter{n}\n"), 2, f"Chapter{n}", f"c{n}") for n in range(90)]
    await corpus.put("http://a/book", "Book", text, outline=outline)
    for number in (0, 44, 89):
        (hit,) = (await corpus.search(f"fish{number}")).results
        assert (hit.section, hit.anchor) == ((f"Chapter{number}",), f"c{number}")


@pytest.mark.slow
async def test_snippets_of_real_pages_lie_in_the_section_that_is_named(
    corpus: EngineCorpus,
) -> None:
    """That of its chunks, the sections below it included."""
    folder = RETRIEVAL.parent / "mixed"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: real pages are not part of the repository")
    gold = json.loads((folder / "ground-truth.json").read_text())
    checked = named = 0
    for key in sorted(gold)[::40]:
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        try:
            page = extract(body, "text/html", None, gold[key]["url"])
        except PageError:
            continue  # a page without text
        rows = [(each.start, each.level, each.title, each.anchor) for each in page.outline]
        await corpus.put(gold[key]["url"], page.title, page.text, outline=rows)
        chunks = document_chunks(gold[key]["url"], page.text, page.markdown, page.outline)
        words = re.findall(r"\w{5,}", page.text)
        for at in range(0, len(words), max(len(words) // 8, 1)):
            found = await corpus.search(" ".join(words[at : at + 3]))
            hit = next((each for each in found.results if each.url == gold[key]["url"]), None)
            if hit is None or not hit.marks:
                continue
            checked += 1
            named += bool(hit.anchor)
            shown = hit.snippet.strip("…")
            depth = len(hit.section)
            places = [each for each in chunks if each.section[:depth] == hit.section]
            assert places, (key, hit)
            said = " ".join(page.text[places[0].start : places[-1].end].split())
            assert shown in said, (key, hit.section, shown)
    assert checked > 50 and named > 10


async def test_a_text_without_a_known_outline_has_no_section(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    (hit,) = (await corpus.search("gauges")).results
    assert (hit.section, hit.anchor, hit.section_url) == ((), None, "http://a/rain")


async def test_pages_of_results_join_up(corpus: EngineCorpus) -> None:
    for number in range(7):
        await corpus.put(f"http://a/{number}", f"Page {number}", "fog " * (number + 1) + "end")
    everything = await find(corpus, "fog", limit=100, collapse=False)
    pieces = [await find(corpus, "fog", limit=3, offset=o, collapse=False) for o in (0, 3, 6)]
    assert [url for piece in pieces for url in piece] == everything
    beyond = await corpus.search("fog", offset=50, collapse=False)
    assert (beyond.results, beyond.total) == ((), 7)


@pytest.mark.parametrize("query", ["", "?!", "\0", '"'])
async def test_a_query_without_a_word_finds_nothing(corpus: EngineCorpus, query: str) -> None:
    await some_pages(corpus)
    assert await corpus.search(query) == SearchPage((), 0, exact=True)


async def test_an_empty_corpus_is_no_error(corpus: EngineCorpus) -> None:
    assert await corpus.search("fog") == SearchPage((), 0, exact=True)


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("x" * (MAX_QUERY + 1), {}, r"query: 2001 characters; at most 2000"),
        ("x", {"limit": 0}, r"limit: 0; use 1 to 1000"),
        ("x", {"offset": -1}, r"offset: -1; use 0 to 10000"),
    ],
)
async def test_mistakes_are_named(
    corpus: EngineCorpus, query: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await corpus.search(query, **options)  # type: ignore[arg-type]


@pytest.mark.fault(9)
async def test_a_word_without_a_stem_is_indexed_and_found(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    for word in ("όταν", "έως", "ίδια", "είτε", "ـ", "ـــ"):
        await corpus.put(f"http://a/{word}", "", f"Αθήνα {word} βρέχει", lang="el")
        assert await find(corpus, word) == [f"http://a/{word}"]
        assert await find(corpus, f'"{word} βρέχει"') == [f"http://a/{word}"]
        assert await find(corpus, f"signals {word}", lang="en") == ["http://a/fog"]


HOSTILE = (
    "Αθήνα όταν",
    '"όταν" "ـــ"',
    "'όταν'",
    "''",
    "'fog'' or 1=1 --",
    "\\'fog\\",
    "fog:* & !(rain) <-> oil",
    "fog\0rain\ud800 \udfff",
    "\u200d\u200cfog\ufeff\u202e",
    "\ufdfa" * MAX_QUERY,  # 18 characters each, once they are folded
    '"' + "\ufdfa" * (MAX_QUERY - 2) + '"',
    '"' + "\u3316" * (MAX_QUERY - 2) + '"',  # six kana each
    '"a" ' * (MAX_QUERY // 4),
    " ".join(chr(0x4E00 + n) for n in range(MAX_QUERY // 2)),
    "".join(chr(0x4E00 + n) for n in range(MAX_QUERY)),
    "e" + "\u0301" * (MAX_QUERY - 1),
    '"' * MAX_QUERY,
    "~fog ~",
)


@pytest.mark.fault(9)
async def test_no_hostile_query_breaks_the_sql(corpus: EngineCorpus) -> None:
    await some_pages(corpus)
    for query in HOSTILE:
        for lang in (None, "en", "\0\ud800"):
            try:
                page = await corpus.search(query, source=lang and "docs", lang=lang)
            except QueryTooBroad as error:  # of OpenSearch, in which more expand
                assert "phrase" in str(error)
            else:
                assert page.total >= len(page.results)


@pytest.mark.fault(9)
async def test_no_query_breaks_the_sql(corpus: EngineCorpus) -> None:
    loop = asyncio.get_running_loop()
    words = st.sampled_from(["όταν", "έως", "ـــ", "fog", '"fog', "灯", "ก"])
    signs = st.sampled_from("\"'\\&|!<>():*\0灯ก fog")
    greek = st.characters(min_codepoint=0x370, max_codepoint=0x3FF)
    arabic = st.characters(min_codepoint=0x600, max_codepoint=0x77F)
    parts = st.text(st.characters() | signs | greek | arabic, max_size=60) | words
    await some_pages(corpus)
    await corpus.search("fog")

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(parts, max_size=4).map(" ".join))
    def check(query: str) -> None:
        asyncio.run_coroutine_threadsafe(corpus.search(query), loop).result()

    await asyncio.to_thread(check)


def _lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (RETRIEVAL / name).read_text("utf-8").splitlines()]


@pytest.mark.skipif(not RETRIEVAL.is_dir(), reason=f"no retrieval collections in {RETRIEVAL}")
@pytest.mark.parametrize("name", ["xq_zh", "xq_ru", "xq_th"])
async def test_ranking_quality_holds(corpus: EngineCorpus, name: str) -> None:
    for document in _lines(f"{name}/docs.jsonl"):
        await corpus.put(f"http://a/{document['id']}", "", document["text"])
    relevance = (RETRIEVAL / name / "qrels.tsv").read_text("utf-8").splitlines()
    relevant = {query: document for query, document, _ in map(str.split, relevance)}
    gains = []
    for query in _lines(f"{name}/queries.jsonl")[::40]:
        ranked = await find(corpus, query["text"], collapse=False)
        wanted = f"http://a/{relevant[query['id']]}"
        gains.append(1 / math.log2(ranked.index(wanted) + 2) if wanted in ranked else 0.0)
    assert sum(gains) / len(gains) >= 0.94
