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
from atlas.domain.search.analysis import QueryTerm
from atlas.stores.postgres.index import bm25 as scoring
from atlas.stores.postgres.index import entries
from atlas.stores.postgres.index.bm25 import SearchScope
from atlas.stores.postgres.index.search import MAX_QUERY, Hit, SearchPage, search
from atlas.stores.search.tantivy_engine import TantivyIndex
from atlas.text.extract import extract
from benchmarks.api_manuals import manual
from tests.stores.corpus import NOW, Corpus, EngineCorpus

RETRIEVAL = Path(__file__).parents[3] / "shared" / "data" / "retrieval"
STORY = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, "
    "a falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. "
    "In the morning the boat brought oil, bread, letters and news of the {fish} fleet."
)


@pytest.fixture
async def corpus(database: asyncpg.Pool) -> AsyncIterator[Corpus]:
    async with database.acquire() as connection, connection.transaction():
        yield Corpus(connection)


@pytest.fixture(params=["postgresql", "tantivy"])
async def either(
    request: pytest.FixtureRequest, corpus: Corpus, tmp_path: Path
) -> AsyncIterator[Corpus]:
    """A corpus that is searched by the one index or the other."""
    if request.param == "postgresql":
        yield corpus
        return
    index = TantivyIndex(tmp_path / "index")
    yield EngineCorpus(corpus.connection, index)
    await index.close()


def urls(page: SearchPage) -> list[str]:
    return [hit.url for hit in page.results]


async def find(corpus: Corpus, query: str, **options: object) -> list[str]:
    return urls(await corpus.search(query, **options))  # type: ignore[arg-type]


async def some_pages(corpus: Corpus) -> None:
    await corpus.put("http://a/fog", "Fog", "How fog signals are sounded on the coast.")
    await corpus.put("http://a/oil", "Oil", "Oil for the lamp, and what to do in fog or rain.")
    await corpus.put("http://a/rain", "Rain", "Rain gauges are read at noon.", source="weather")
    await corpus.put("http://a/zh", "灯塔", "燈塔看守人每天晚上都要記錄天氣。", lang="zh")


async def test_best_matches_come_first(either: Corpus) -> None:
    await some_pages(either)
    page = await either.search("fog signals")
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
async def test_what_a_query_finds(either: Corpus, query: str, expected: list[str]) -> None:
    await some_pages(either)
    assert await find(either, query) == expected


async def test_source_and_language_narrow_it(either: Corpus) -> None:
    await some_pages(either)
    assert await find(either, "rain", source="weather") == ["http://a/rain"]
    assert await find(either, "rain", source="weather", lang="zh") == []
    assert await find(either, "rain fog", lang="en", source="docs") == [
        "http://a/oil",
        "http://a/fog",
    ]
    assert await find(either, "灯塔", lang="zh") == ["http://a/zh"]
    assert await find(either, "rain", source="no\0such\ud800") == []


@pytest.mark.fault(10)
async def test_a_language_filter_counts_the_pages_of_unknown_language(either: Corpus) -> None:
    await some_pages(either)
    assert (await either.search("fog", lang="en")).unknown_language == 0
    unknown = await either.put("http://a/what", "", "Fog fog fog", lang=None)
    await either.put("http://a/what-else", "", "Fog, mist", lang=None, source="weather")
    await either.put("http://a/other", "", "Something else", lang=None)
    found = await either.search("fog", lang="en")
    assert (urls(found), found.unknown_language) == (["http://a/fog", "http://a/oil"], 2)
    narrower = await either.search("fog", lang="de", source="docs")
    assert (narrower.total, narrower.unknown_language) == (0, 1)
    assert (await either.search("fog")).unknown_language == 0
    await either.drop(unknown)
    assert (await either.search("fog", lang="en")).unknown_language == 1


async def test_near_duplicates_collapse_and_stay_reachable(either: Corpus) -> None:
    for fish in ("cod", "herring", "mackerel"):
        await either.put(f"http://a/{fish}", "Log", STORY.format(fish=fish))
    await either.put("http://a/other", "Other", "A lighthouse elsewhere.")
    page = await either.search("lighthouse keeper mackerel")
    assert urls(page) == ["http://a/mackerel", "http://a/other"]
    assert page.total == 2
    assert page.results[0].similar_count == 2
    assert set(page.results[0].similar) == {"http://a/cod", "http://a/herring"}
    assert await find(either, "herring") == ["http://a/herring"]
    assert len(await find(either, "lighthouse", collapse=False)) == 4


async def test_only_copies_of_what_is_shown_are_left_out(corpus: Corpus, tmp_path: Path) -> None:
    """Texts in a chain: neighbours are copies, the ends say different things."""
    words = [f"word{number}" for number in range(400)]
    index = TantivyIndex(tmp_path / "index")
    engine = EngineCorpus(corpus.connection, index)
    for place, fog in ((0, 3), (60, 2), (120, 1)):
        text = " ".join(["fog"] * fog + words[place : place + 150])
        await engine.put(f"http://a/{place}", "Log", text)
    page = await engine.search("fog")
    assert urls(page) == ["http://a/0", "http://a/120"] and page.total == 2
    assert [hit.similar for hit in page.results] == [("http://a/60",), ()]
    found = await corpus.connection.fetch(
        "select count(*) as texts from sketches group by representative order by 1"
    )
    assert sum(row["texts"] for row in found) == 3
    assert len(await find(engine, "fog", collapse=False)) == 3
    await index.close()


async def test_names_are_found_as_what_they_are(either: Corpus) -> None:
    await either.put("http://a/plus", "Plus", "Learn C++ 灯塔 with Python 3.11 now.")
    await either.put("http://a/plain", "Plain", "Learn C 灯塔 with Python 3 chapters, 11 pages.")
    for query in ('"C++"', '"C++ 灯"', '"Python 3.11"', '"3.11" learn'):
        assert await find(either, query) == ["http://a/plus"], query
    assert await find(either, "C++") == ["http://a/plus", "http://a/plain"]


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


async def test_what_a_query_asks_for_is_what_is_shown(corpus: Corpus, tmp_path: Path) -> None:
    index = TantivyIndex(tmp_path / "index")
    engine = EngineCorpus(corpus.connection, index)
    long = "Fog came in. " * 1500 + " A lamp."
    await engine.put("http://a/docs/one?x=1", "Harbour Log", "Fog, and the lamp was lit.")
    await engine.put("http://a:8080/docsearch", "Search the harbour", "Fog in all of it.")
    await engine.put("http://b.a/two", "Nebel", "Fog by night.", source="two", lang="de")
    await engine.put("http://c/long", "Long", long)
    for query, wanted in OPERATORS.items():
        shown = {
            url.removeprefix("http://").removesuffix("?x=1").replace(":8080", "")
            for url in await find(engine, query)
        }
        assert shown == wanted, query
    with pytest.raises(ValueError, match="is no date"):
        await engine.search("fog before:soon")
    await corpus.connection.execute("update documents set published = $1", NOW)
    assert await find(engine, "fog lang:de after:2026-11-24 before:2026-11-25") == [
        "http://b.a/two"
    ]
    assert await find(engine, "fog before:2026-11-24") == []
    await index.close()


async def test_pages_of_a_manual_are_results_of_their_own(corpus: Corpus, tmp_path: Path) -> None:
    """Not the one page that says most of what all say; a copy on another host is no result."""
    index = TantivyIndex(tmp_path / "index")
    engine = EngineCorpus(corpus.connection, index)
    pages = manual(30, seed=5)
    for each in pages:
        await engine.put(each.url, each.title, each.text)
    mirrored = pages[0].text + " Mirrored."
    await engine.put("https://mirror.example.org/0", pages[0].title, mirrored)
    page = await engine.search("auto trait implementations", limit=50)
    assert page.total == 30
    assert {hit.url for hit in page.results if hit.similar} <= {
        pages[0].url,
        "https://mirror.example.org/0",
    }
    assert sum(len(hit.similar) for hit in page.results) == 1
    await index.close()


async def test_a_text_on_several_pages_is_one_result(either: Corpus) -> None:
    for host in ("c", "a", "b"):
        await either.put(f"http://{host}/", "Log", STORY, source=host)
    (hit,) = (await either.search("lighthouse")).results
    assert (hit.url, hit.copies, hit.sources) == ("http://a/", 2, ("a",))
    (hit,) = (await either.search("lighthouse", source="c")).results
    assert (hit.url, hit.copies, hit.sources) == ("http://c/", 0, ("c",))


async def test_what_is_gone_is_not_found(either: Corpus) -> None:
    gone = await either.put("http://a/gone", "Gone", STORY)
    await either.put("http://b/stays", "Stays", STORY + " Later that day it rained.")
    assert len((await either.search("lighthouse")).results[0].similar) == 1
    await either.drop(gone)
    (hit,) = (await either.search("lighthouse")).results
    assert (hit.url, hit.similar) == ("http://b/stays", ())


async def test_a_long_document_is_found_by_its_best_part(either: Corpus) -> None:
    text = "Nothing of note happened. " * 1500 + "The zeppelin landed on the pier."
    await either.put("http://a/long", "Long", text)
    (hit,) = (await either.search("zeppelin pier")).results
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
    either: Corpus, query: str, section: tuple[str, ...], anchor: str | None
) -> None:
    await either.put("http://a/manual", "Handbook", MANUAL, outline=OUTLINE)
    (hit,) = (await either.search(query)).results
    assert (hit.section, hit.anchor) == (section, anchor)
    fragment = f"#{anchor.replace(' ', '%20')}" if anchor else ""
    assert hit.section_url == f"http://a/manual{fragment}"
    if section:  # and what is shown stands there
        begins = MANUAL.index(section[-1])
        if section[0] == "Lamp" and section[-1] != "Wick":  # a heading above another: both at once
            begins = MANUAL.index("Oil")
        ends = next((at for at, level, *_ in OUTLINE if at > begins and level < 7), len(MANUAL))
        begins = MANUAL.index("Lamp") if begins == MANUAL.index("Oil") else begins
        assert hit.snippet.strip("…") in " ".join(MANUAL[begins:ends].split())


async def test_a_hit_in_a_later_part_names_its_section(either: Corpus) -> None:
    text = "\n\n".join(f"Chapter{n}\n\n{STORY.format(fish=f'fish{n}')}" for n in range(90))
    outline = [(text.index(f"Chapter{n}\n"), 2, f"Chapter{n}", f"c{n}") for n in range(90)]
    await either.put("http://a/book", "Book", text, outline=outline)
    for number in (0, 44, 89):
        (hit,) = (await either.search(f"fish{number}")).results
        assert (hit.section, hit.anchor) == ((f"Chapter{number}",), f"c{number}")


@pytest.mark.slow
async def test_snippets_of_real_pages_lie_in_the_section_that_is_named(corpus: Corpus) -> None:
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
            found = await search(corpus.connection, " ".join(words[at : at + 3]))
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


async def test_a_text_without_a_known_outline_has_no_section(either: Corpus) -> None:
    await some_pages(either)
    (hit,) = (await either.search("gauges")).results
    assert (hit.section, hit.anchor, hit.section_url) == ((), None, "http://a/rain")


async def test_pages_of_results_join_up(either: Corpus) -> None:
    for number in range(7):
        await either.put(f"http://a/{number}", f"Page {number}", "fog " * (number + 1) + "end")
    everything = await find(either, "fog", limit=100, collapse=False)
    pieces = [await find(either, "fog", limit=3, offset=o, collapse=False) for o in (0, 3, 6)]
    assert [url for piece in pieces for url in piece] == everything
    beyond = await either.search("fog", offset=50, collapse=False)
    assert (beyond.results, beyond.total) == ((), 7)


@pytest.mark.parametrize("query", ["", "?!", "\0", '"'])
async def test_a_query_without_a_word_finds_nothing(either: Corpus, query: str) -> None:
    await some_pages(either)
    assert await either.search(query) == SearchPage((), 0, exact=True)


async def test_an_empty_corpus_is_no_error(either: Corpus) -> None:
    assert await either.search("fog") == SearchPage((), 0, exact=True)


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("x" * (MAX_QUERY + 1), {}, r"query: 2001 characters; at most 2000"),
        ("x", {"limit": 0}, r"limit: 0; use 1 to 1000"),
        ("x", {"offset": -1}, r"offset: -1; use 0 to 10000"),
    ],
)
async def test_mistakes_are_named(
    either: Corpus, query: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await either.search(query, **options)  # type: ignore[arg-type]


@pytest.mark.fault(9)
async def test_a_word_without_a_stem_is_indexed_and_found(either: Corpus) -> None:
    await some_pages(either)
    for word in ("όταν", "έως", "ίδια", "είτε", "ـ", "ـــ"):
        await either.put(f"http://a/{word}", "", f"Αθήνα {word} βρέχει", lang="el")
        assert await find(either, word) == [f"http://a/{word}"]
        assert await find(either, f'"{word} βρέχει"') == [f"http://a/{word}"]
        assert await find(either, f"signals {word}", lang="en") == ["http://a/fog"]


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
async def test_no_hostile_query_breaks_the_sql(corpus: Corpus) -> None:
    await some_pages(corpus)
    for query in HOSTILE:
        for lang in (None, "en", "\0\ud800"):
            page = await corpus.search(query, source=lang and "docs", lang=lang)
            assert page.total >= len(page.results)


@pytest.mark.fault(9)
async def test_no_query_breaks_the_sql(database: asyncpg.Pool) -> None:
    loop = asyncio.get_running_loop()
    words = st.sampled_from(["όταν", "έως", "ـــ", "fog", '"fog', "灯", "ก"])
    signs = st.sampled_from("\"'\\&|!<>():*\0灯ก fog")
    greek = st.characters(min_codepoint=0x370, max_codepoint=0x3FF)
    arabic = st.characters(min_codepoint=0x600, max_codepoint=0x77F)
    parts = st.text(st.characters() | signs | greek | arabic, max_size=60) | words
    async with database.acquire() as connection, connection.transaction():
        await some_pages(Corpus(connection))

        @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(parts, max_size=4).map(" ".join))
        def check(query: str) -> None:
            found = search(connection, query)
            asyncio.run_coroutine_threadsafe(found, loop).result()

        await asyncio.to_thread(check)


async def test_the_score_is_bm25(corpus: Corpus) -> None:
    texts = ["fog fog rain", "rain rain rain rain oil", "fog oil"]
    for number, text in enumerate(texts):
        await corpus.put(f"http://a/{number}", "", text)
    page = await corpus.search("12 rain", collapse=False)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    lengths = [len(text.split()) for text in texts]
    average = sum(lengths) / 3

    def bm25(tf: int, length: int) -> float:
        # Stem and first letters are two terms with the same counts.
        return 2 * idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / average))

    assert [hit.url for hit in page.results] == ["http://a/1", "http://a/0"]
    assert [hit.score for hit in page.results] == [
        pytest.approx(bm25(4, 5), abs=1e-5),
        pytest.approx(bm25(1, 3), abs=1e-5),
    ]


async def _fill(connection: asyncpg.Connection, number: int) -> entries.Generation:
    """Many small texts; every one has `common`, every tenth `rare`, one `only`."""
    rows = await connection.execute(
        """
        insert into index_entries
        select 1, sha256(n::text::bytea), 0, 4, 0, 10, ('common:1 w' || n % 500 || ':2'
               || case when n % 10 = 0 then ' rare:3' else '' end
               || case when n = 77 then ' only:4' else '' end)::tsvector
          from generate_series(1, $1::int) n
        """,
        number,
    )
    assert rows == f"INSERT 0 {number}"
    await connection.execute(
        "update generations set entries = $1::bigint, tokens = 4 * $1::bigint", number
    )
    await connection.execute("analyze index_entries")
    return await entries.active_generation(connection)


COUNTED = [QueryTerm("common"), QueryTerm("rare"), QueryTerm("only"), QueryTerm("w", prefix=True)]


@pytest.mark.parametrize("number", [500, 3000])
async def test_terms_are_counted_exactly(corpus: Corpus, number: int) -> None:
    generation = await _fill(corpus.connection, number)
    counted = await scoring.count_terms(
        corpus.connection, generation, [*COUNTED, QueryTerm("none")]
    )
    assert {one.term.lexeme: one.frequency for one in counted} == {
        "common": number,
        "rare": number // 10,
        "only": 1,
        "w": number,
    }


async def test_in_a_large_index_common_terms_are_estimated(corpus: Corpus) -> None:
    generation = await _fill(corpus.connection, 3000)
    await corpus.connection.execute("delete from index_entries where length = 4")
    counted = await scoring.count_terms(
        corpus.connection, generation, COUNTED, counted_entries=2999
    )
    # Nothing is left to count, so what is found comes from the sample.
    by_lexeme = {one.term.lexeme: one.frequency for one in counted}
    assert by_lexeme["common"] == pytest.approx(3000, rel=0.05)
    assert by_lexeme["rare"] == pytest.approx(300, rel=0.1)
    assert "w" not in by_lexeme


async def test_hot_statements_use_the_indexes(corpus: Corpus) -> None:
    generation = await _fill(corpus.connection, 5000)
    await scoring.use_the_index(corpus.connection)
    count = await corpus.connection.fetch(
        "explain " + scoring.count_statement(generation), ["'rare'", "'only'"]
    )
    plans = ["\n".join(row[0] for row in count)]
    for scope in (SearchScope(None, None), SearchScope("docs", "en")):
        filters = [] if scope.everything else [scope.source, scope.lang]
        rows = await corpus.connection.fetch(
            "explain " + scoring.score_statement(generation, scope),
            *("'rare' | 'only'", ["'rare'", "'only'"], [1.0, 2.0], [0.3, 0.6], 4.0),
            *(True, 1.2, 0.75, 10, 0, *filters),
        )
        plans.append("\n".join(row[0] for row in rows))
    for plan in plans:
        assert "Seq Scan" not in plan, plan
    # Within a source, PostgreSQL may as well begin with the source's pages.
    assert all("index_entries_1_tsv_idx" in plan for plan in plans[:2]), plans


def _lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (RETRIEVAL / name).read_text("utf-8").splitlines()]


@pytest.mark.skipif(not RETRIEVAL.is_dir(), reason=f"no retrieval collections in {RETRIEVAL}")
@pytest.mark.parametrize("name", ["xq_zh", "xq_ru", "xq_th"])
async def test_ranking_quality_holds(corpus: Corpus, name: str) -> None:
    for document in _lines(f"{name}/docs.jsonl"):
        await corpus.put(document["id"], "", document["text"])
    relevance = (RETRIEVAL / name / "qrels.tsv").read_text("utf-8").splitlines()
    relevant = {query: document for query, document, _ in map(str.split, relevance)}
    gains = []
    for query in _lines(f"{name}/queries.jsonl")[::40]:
        ranked = await find(corpus, query["text"], collapse=False)
        wanted = relevant[query["id"]]
        gains.append(1 / math.log2(ranked.index(wanted) + 2) if wanted in ranked else 0.0)
    assert sum(gains) / len(gains) >= 0.94
