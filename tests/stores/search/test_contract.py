"""What every engine of the search index must do (`atlas/stores/search/port.py`)."""

import asyncio
import math
import random
from collections import Counter
from dataclasses import replace

import pytest

from atlas.domain.search.analysis import TITLE_WEIGHT
from atlas.domain.search.index_parts import parts_query
from atlas.domain.search.query_language import parse_query
from atlas.stores.search.port import (
    UNKNOWN_LANGUAGE,
    EngineUnavailable,
    IndexedText,
    IndexInUse,
    IndexOrigin,
    MissingGeneration,
    QueryTooBroad,
    SearchIndex,
    TextChanges,
    TextScope,
)
from tests.stores.search.engines import (
    ORIGIN,
    Place,
    find,
    held,
    left_by,
    step,
    text,
    writer,
)
from tests.stores.test_search import HOSTILE


@pytest.fixture
async def made(index: SearchIndex) -> SearchIndex:
    """An index whose first generation serves."""
    await index.begin(1, ORIGIN, 0)
    await index.switch(1)
    return index


async def put(index: SearchIndex, *texts: IndexedText, cursor: int = 1) -> None:
    await index.apply(1, TextChanges(texts, [], cursor))


async def hashes(index: SearchIndex, query: str, **more: object) -> list[bytes]:
    return [match.text_hash for match in (await find(index, query, **more)).best]  # type: ignore[arg-type]


async def test_before_the_first_generation_everything_is_missing(index: SearchIndex) -> None:
    assert await index.generations() == []
    assert await index.serving() is None
    with pytest.raises(MissingGeneration, match="atlas index follow"):
        await find(index, "fog")
    with pytest.raises(MissingGeneration, match="atlas index follow"):
        await index.cursor(1)
    with pytest.raises(MissingGeneration):
        await index.apply(1, step(1))
    with pytest.raises(MissingGeneration):
        await index.switch(1)
    await index.drop(1)


async def test_a_generation_is_begun_once(made: SearchIndex) -> None:
    await put(made, text("fog"), cursor=7)
    await made.begin(1, ORIGIN, 0)  # a call that was repeated
    (found,) = await made.generations()
    assert (found.number, found.origin, found.cursor) == (1, ORIGIN, 7)
    assert (found.texts, found.parts) == (1, 1)
    assert found.size > 0
    other = IndexOrigin("another corpus", 2)
    await made.release(1)
    await made.begin(1, other, 3)
    (found,) = await made.generations()
    assert (found.origin, found.cursor) == (other, 3)
    assert (found.texts, found.parts) == (0, 0)
    assert await hashes(made, "fog", generation=1) == []


async def test_a_step_is_seen_when_it_returns_also_by_others(
    made: SearchIndex, place: Place
) -> None:
    other = place.open()
    assert (await find(other, "fog")).total == 0
    fog = text("Nothing. Then fog came in.")
    await put(made, fog, cursor=5)
    assert await made.cursor(1) == await other.cursor(1) == 5
    for each in (made, other):
        found = await find(each, "fog")
        (match,) = found.best
        assert (match.text_hash, match.start, match.end) == (fog.text_hash, 0, 26)
        assert (found.total, match.score > 0) == (1, True)
    await made.apply(1, TextChanges([], [], 6))
    assert await other.cursor(1) == 6
    await made.apply(1, TextChanges([text("More fog")], [fog.text_hash], 8))
    assert await hashes(other, "fog") == [text("More fog").text_hash]
    await other.close()


async def test_a_step_applied_again_changes_nothing(made: SearchIndex) -> None:
    texts = [text(f"fog {n} " * n) for n in range(1, 9)]
    changes = TextChanges(texts[1:], [texts[0].text_hash], 4)
    await put(made, *texts)
    await made.apply(1, changes)
    before = await find(made, "fog")
    parts = (await made.generations())[0].parts
    await made.apply(1, changes)
    after = await find(made, "fog")
    assert [match.text_hash for match in after.best] == [m.text_hash for m in before.best]
    assert (after.total, parts) == (7, 7) == (before.total, (await made.generations())[0].parts)


async def test_a_long_text_is_found_by_its_best_part_and_removed_whole(
    made: SearchIndex,
) -> None:
    said = "Nothing of note happened. " * 1500 + "The zeppelin landed on the pier."
    long = text(said)
    assert len(long.parts) > 3
    await put(made, long)
    (match,) = (await find(made, "zeppelin pier")).best
    assert said[match.start : match.end].endswith("landed on the pier.")
    assert (await find(made, "note")).total == len(long.parts)
    (stored,) = await made.generations()
    assert (stored.texts, stored.parts) == (1, len(long.parts))
    await made.apply(1, TextChanges([], [long.text_hash], 2))
    assert (await find(made, "note zeppelin")).total == 0
    assert (await made.generations())[0].parts == 0


@pytest.mark.parametrize(
    ("titles", "found"),
    [
        ("title:harbour", {"Harbour log", "The log of the harbour", "Harbour"}),
        ('title:"harbour log"', {"Harbour log"}),
        ("title:harbour title:logs", {"Harbour log", "The log of the harbour"}),
        ("title:C++", {"C++ and fog"}),
        ("title:燈", {"灯塔记"}),
        ('title:"塔記"', {"灯塔记"}),
        ("title:c", {"C++ and fog"}),
        ("title:came", set()),
    ],
)
async def test_a_title_has_its_words_itself(
    made: SearchIndex, titles: str, found: set[str]
) -> None:
    said = "Fog came, a harbour log, C++ and 灯塔记. "
    named = ["Harbour log", "The log of the harbour", "C++ and fog", "灯塔记", "Other", ""]
    texts = {text(said, title).text_hash: title for title in named}
    long = text(said * 1_000, "Harbour")
    await put(made, *(text(said, title) for title in named), long)
    query = parts_query(parse_query(f"fog {titles}"))
    matches = (await made.search(query, TextScope(), 100)).best
    texts[long.text_hash] = "Harbour"
    assert {texts[match.text_hash] for match in matches} == found
    of_the_long_one = [match for match in matches if match.text_hash == long.text_hash]
    assert len(of_the_long_one) == (len(long.parts) if "Harbour" in found else 0)


async def test_a_scope_narrows_by_every_field(made: SearchIndex) -> None:
    weather = text("rain at noon", sources=["weather", "docs"], hosts=["w.example"])
    german = text("rain heißt Regen", languages=["de"])
    unknown = text("rain rain", languages=[UNKNOWN_LANGUAGE])
    await put(made, weather, german, unknown)

    async def within(**scope: object) -> set[bytes]:
        return set(await hashes(made, "rain", scope=TextScope(**scope)))  # type: ignore[arg-type]

    everything = {weather.text_hash, german.text_hash, unknown.text_hash}
    assert await within() == await within(source="docs") == everything
    assert await within(source="weather") == {weather.text_hash}
    assert await within(language="de") == {german.text_hash}
    assert await within(language=UNKNOWN_LANGUAGE) == {unknown.text_hash}
    assert await within(hosts=("w.example",)) == {weather.text_hash}
    assert await within(hosts=("example",)) == await within(hosts=("de", "example")) == everything
    assert await within(hosts=("ample",)) == await within(hosts=("w",)) == set()
    assert await within(sources=("weather", "sea")) == {weather.text_hash}
    assert await within(source="docs", sources=("sea",)) == set()
    assert await within(languages=("de", UNKNOWN_LANGUAGE)) == {
        german.text_hash,
        unknown.text_hash,
    }
    assert await within(texts=(german.text_hash, b"none")) == {german.text_hash}
    assert await within(texts=()) == set()
    assert await within(source="weather", language="de") == set()
    assert await within(source="no\0such") == set()
    # Put in again with another source, it is found by that one only.
    await put(made, replace(weather, sources=["sea"]), cursor=2)
    assert await within(source="weather") == set()
    assert await within(source="sea") == {weather.text_hash}
    assert await within() == everything


async def test_a_scope_narrows_by_the_days_of_publication(made: SearchIndex) -> None:
    undated = text("rain undated")
    early, both = text("rain early", published=[-5]), text("rain twice", published=[-5, 90])
    late = text("rain late", published=[90])
    await put(made, undated, early, both, late)

    async def within(first: int | None, before: int | None) -> set[bytes]:
        scope = TextScope(published_from=first, published_before=before)
        return set(await hashes(made, "rain", scope=scope))

    assert await within(None, None) >= {undated.text_hash}
    assert await within(-5, None) == {early.text_hash, both.text_hash, late.text_hash}
    assert await within(-4, None) == await within(90, 91) == {both.text_hash, late.text_hash}
    assert await within(None, -5) == await within(91, None) == set()
    assert await within(None, 90) == {early.text_hash, both.text_hash}
    # One of its pages is from then, the other from before: PostgreSQL says which.
    assert await within(0, 10) == {both.text_hash}


async def test_texts_are_found_again_by_their_pages(made: SearchIndex) -> None:
    long = text("Nothing of note happened. " * 1500, pages=[1, 2])
    other, third = text("fog", pages=[2]), text("rain", pages=[3])
    await put(made, long, other, third)
    assert await made.texts_of(1, [1]) == {long.text_hash}
    assert await made.texts_of(1, [2, 9]) == {long.text_hash, other.text_hash}
    assert await made.texts_of(1, [9]) == await made.texts_of(1, []) == set()
    await put(made, replace(long, pages=[3]), cursor=2)
    assert await made.texts_of(1, [1, 3]) == {long.text_hash, third.text_hash}


async def test_the_terms_that_counted_are_told(made: SearchIndex) -> None:
    await put(made, text("fog signals"), text("fog"))
    found = await find(made, "fog signals zeppelin")
    counts = {each.term.lexeme: each.frequency for each in found.counted}
    assert counts == {"fog": 2, "~fog": 2, "signal": 1, "~signa": 1}


async def test_what_was_live_at_a_moment_and_what_is_live_now(
    index: SearchIndex, place: Place
) -> None:
    await index.begin(1, replace(ORIGIN, past=30), 0)
    await index.switch(1)
    early, late = text("rain early", since=100, until=200), text("rain late", since=150, until=300)
    live = text("rain now", since=250)
    await put(index, early, late, live)
    (stored,) = await index.generations()
    assert stored.origin == replace(ORIGIN, past=30)

    async def then(at: int | None, **more: object) -> set[bytes]:
        return set(await hashes(index, "rain", scope=TextScope(at=at, **more)))  # type: ignore[arg-type]

    assert await then(None) == {live.text_hash}
    assert (await find(index, "rain")).total == 1
    assert await then(99) == set()
    assert await then(100) == await then(149) == {early.text_hash}
    assert await then(150) == await then(200) == {early.text_hash, late.text_hash}
    assert await then(260) == {late.text_hash, live.text_hash}
    assert await then(10**10) == {live.text_hash}
    assert await then(160, texts=(late.text_hash,)) == {late.text_hash}
    assert await then(160, source="no such") == set()
    assert await index.texts_until(1, 200, 10) == set()
    assert await index.texts_until(1, 201, 10) == {early.text_hash}
    assert await index.texts_until(1, 10**10, 10) == {early.text_hash, late.text_hash}
    assert len(await index.texts_until(1, 10**10, 1)) == 1
    assert await index.parts_of(1, early.text_hash.hex()[:3]) == {early.text_hash: 1}


async def test_what_files_keep_of_removed_texts_is_known_and_goes(
    made: SearchIndex, place: Place
) -> None:
    gone, fog, rain = text("the zqxmarker stands here"), text("fog"), text("rain")
    await put(made, gone, fog, rain)
    assert await made.traces([gone.text_hash]) == {gone.text_hash}
    await made.apply(1, TextChanges([], [gone.text_hash], 2))
    assert await hashes(made, "zqxmarker") == []
    # Not found any more, and still there: neither engine takes words out of its files by itself.
    assert await made.traces([gone.text_hash, b"?" * 32]) == {gone.text_hash}
    expunged = await made.expunge(1, [gone.text_hash])
    assert expunged == (place.kind == "opensearch")
    if not expunged:
        await made.begin(2, ORIGIN, 2)
        await made.apply(2, TextChanges([fog, rain], [], 2))
        await made.switch(2)
        await made.drop(1)
    assert await made.traces([gone.text_hash]) == set()
    assert await made.expunge(1 if expunged else 2, [gone.text_hash])
    assert await hashes(made, "fog") == [fog.text_hash]
    assert await made.traces([fog.text_hash, rain.text_hash]) == {fog.text_hash, rain.text_hash}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FOGS", {"fog", "oil"}),
        ("zeppelin noon", {"rain"}),
        ("灯塔", {"zh", "mixed"}),
        ("記", {"zh"}),
        ("วัน", {"th"}),
        ("ว", {"th"}),
        ("маяка", {"ru"}),
        ('"oil for the lamp"', {"oil"}),
        ('"lamp for the oil"', set()),
        ('rain "at noon"', {"rain"}),
        ('"rain"', {"oil", "rain"}),
        ('"看守人每天"', {"zh"}),
        ('"看守人晚上"', set()),
        ('"守"', {"zh"}),
        ('"lamp 灯塔 lamp"', {"mixed"}),
        ('"lamp 灯 lamp"', set()),
        ('"塔 lamp"', {"mixed"}),
        ('"ทุกวัน"', {"th"}),
        ("users servers", {"code", "apart"}),
        ('"user name"', {"code"}),
        ('"calling getusername of httpservers"', {"code"}),
        ('"name of"', set()),
        ("", set()),
        ("?!", set()),
    ],
)
async def test_what_a_query_finds(made: SearchIndex, query: str, expected: set[str]) -> None:
    texts = {
        "fog": text("How fog signals are sounded on the coast."),
        "oil": text("Oil for the lamp, and what to do in fog or rain."),
        "rain": text("Rain gauges are read at noon."),
        "zh": text("燈塔看守人每天晚上都要記錄天氣。"),
        "th": text("จดบันทึกทุกวัน"),
        "ru": text("Смотритель маяков"),
        "mixed": text("lamp 燈塔 lamp"),
        "code": text("Call getUserName of HTTPServer."),
        "apart": text("The server has a name for each user."),
    }
    await put(made, *texts.values())
    names = {each.text_hash: name for name, each in texts.items()}
    assert {names[found] for found in await hashes(made, query)} == expected


async def test_a_name_as_it_is_written_comes_before_its_parts(made: SearchIndex) -> None:
    said = ["get the name of a user", "call getUserName", "call get_user_name"]
    await put(made, *map(text, said))
    for query in ("getUserName", "get_user_name"):
        found = await hashes(made, query)
        assert found[-1] == text(said[0]).text_hash
        assert len(found) == 3


async def test_the_order_is_that_of_bm25(made: SearchIndex) -> None:
    said = ["12 fog rain", "rain rain rain rain oil", "fog oil", "rain " + "oil " * 40]
    await put(made, *map(text, said))
    lengths = [len(each.split()) for each in said]

    def bm25(each: str) -> float:
        tf, length = each.split().count("rain"), len(each.split())
        return tf / (tf + 1.2 * (0.25 + 0.75 * length / (sum(lengths) / len(said))))

    with_rain = [each for each in said if "rain" in each]
    expected = [text(each).text_hash for each in sorted(with_rain, key=bm25, reverse=True)]
    found = await find(made, "rain")
    assert [match.text_hash for match in found.best] == expected
    ratio = found.best[0].score / found.best[2].score
    scores = sorted(map(bm25, with_rain))
    # An engine keeps lengths in one byte, and tantivy counts the document of its state.
    assert ratio == pytest.approx(scores[2] / scores[0], rel=0.25)
    idf = math.log(1 + (4 - 1 + 0.5) / (1 + 0.5)) / math.log(1 + (4 - 3 + 0.5) / (3 + 0.5))
    assert idf > 3
    assert await hashes(made, "rain 12") == [
        text(said[0]).text_hash,
        *[each for each in expected if each != text(said[0]).text_hash],
    ]


async def test_the_title_counts_more_than_the_text(made: SearchIndex) -> None:
    titled = text("what is sounded on the coast", title="Fog")
    said = text("what fog is sounded on coasts")
    await put(made, titled, said)
    assert TITLE_WEIGHT == 2
    assert await hashes(made, "fog") == [titled.text_hash, said.text_hash]


async def test_a_word_that_the_query_repeats_counts_more(made: SearchIndex) -> None:
    fog, rain = text("fog and"), text("rain and")
    await put(made, fog, rain)
    assert await hashes(made, "fog rain rain") == [rain.text_hash, fog.text_hash]
    assert await hashes(made, "fog rain fog") == [fog.text_hash, rain.text_hash]


async def test_equal_texts_come_in_the_order_of_their_hashes(made: SearchIndex) -> None:
    texts = [text(f"fog number{n:03}") for n in range(200)]
    shuffled = random.Random(3).sample(texts, len(texts))
    for number, start in enumerate(range(0, len(texts), 25), start=1):
        await put(made, *shuffled[start : start + 25], cursor=number)
    ordered = sorted(each.text_hash for each in texts)
    assert await hashes(made, "fog", limit=200) == ordered
    for limit in (1, 10, 150, 199):
        found = await find(made, "fog", limit)
        assert [match.text_hash for match in found.best] == ordered[:limit]
        assert found.total == 200


async def test_generations_are_switched_and_dropped(made: SearchIndex, place: Place) -> None:
    old, new = text("fog of old"), text("fog of new")
    await put(made, old)
    await made.begin(2, ORIGIN, 3)
    await made.apply(2, TextChanges([new], [], 4))
    other = place.open()
    assert await hashes(other, "fog") == [old.text_hash]
    assert await hashes(other, "fog", generation=2) == [new.text_hash]
    await made.switch(2)
    assert (await made.serving(), await other.serving()) == (2, 2)
    assert await hashes(other, "fog") == [new.text_hash]
    await made.switch(1)  # a rollback; the other is as current as it was
    assert await hashes(other, "fog") == [old.text_hash]
    with pytest.raises(ValueError, match="generation 1 serves"):
        await made.drop(1)
    await made.drop(2)
    with pytest.raises(MissingGeneration):
        await find(other, "fog", generation=2)
    assert [each.number for each in await other.generations()] == [1]
    with pytest.raises(MissingGeneration):
        await made.switch(2)
    assert await hashes(other, "fog") == [old.text_hash]
    await other.close()


async def test_of_two_writers_one_is_refused(made: SearchIndex, place: Place) -> None:
    other = place.open()
    await made.apply(1, step(1))
    refused = 0
    for number in (2, 3, 4):
        for each in (other, made):
            try:
                await each.apply(1, step(number))
            except IndexInUse:
                refused += 1
    assert refused >= 1
    for each in (made, other):
        await each.release(1)
    await other.apply(1, step(5))
    assert await made.cursor(1) == 5
    await other.release(1)
    await other.close()


async def test_no_hostile_query_breaks_it(made: SearchIndex) -> None:
    await put(made, text("fog"), text("燈塔"), text("e\u0301 όταν ـــ ﷺ"))
    for query in HOSTILE:
        for scope in (TextScope(), TextScope(source="docs", language="\0\ufffd")):
            try:
                await find(made, query, scope=scope)
            except QueryTooBroad as error:
                assert "phrase" in str(error)


async def test_of_too_many_terms_the_rarest_count(made: SearchIndex) -> None:
    common = [f"common{n}" for n in range(80)]
    await put(made, *(text(f"{' '.join(common)} {n}x") for n in range(3)), text("rarity here"))
    found = await hashes(made, " ".join([*common, "rarity"]))
    assert text("rarity here").text_hash in found


async def test_any_sequence_of_steps_leaves_what_a_table_would_hold(made: SearchIndex) -> None:
    dice = random.Random(7)
    table: dict[bytes, IndexedText] = {}
    for number in range(1, 13):
        chosen = {f"fog text{dice.randrange(30)}" for _ in range(6)}
        puts = [text(said, sources=[dice.choice("ab")]) for said in sorted(chosen)]
        rest = sorted(table.keys() - {each.text_hash for each in puts})
        gone = dice.sample(rest, min(len(rest), dice.randrange(4)))
        changes = TextChanges(puts, gone, number)
        for _ in range(dice.choice((1, 1, 2))):  # applied again now and then
            await made.apply(1, changes)
        table = {h: t for h, t in table.items() if h not in gone}
        table |= {each.text_hash: each for each in puts}
        if number % 4 == 0:
            await made.release(1)
    for source in "ab":
        expected = {h for h, each in table.items() if each.sources == [source]}
        assert set(await hashes(made, "fog", scope=TextScope(source=source))) == expected
    assert Counter(await hashes(made, "fog")) == Counter(list(table))


async def test_a_writer_killed_anywhere_goes_on_from_its_cursor(
    made: SearchIndex, place: Place
) -> None:
    dice = random.Random(11)
    reached = 0
    for kill in range(2):
        process = await asyncio.to_thread(writer, place)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 6)):
            assert await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(dice.random() / 50)  # somewhere within a step
        process.kill()
        said = await asyncio.to_thread(process.communicate)
        cursor = await made.cursor(1)
        acknowledged = int((said[0].split() or [str(reached)])[-1])
        assert cursor >= max(reached, acknowledged), kill
        reached = cursor
        if place.kind == "tantivy":  # a step is one commit; OpenSearch may show a part of the next
            assert await held(made) == left_by(cursor)
    await made.apply(1, step(reached + 1))
    assert await held(made) == left_by(reached + 1)


@pytest.mark.slow
async def test_an_engine_that_is_away_is_named_and_not_its_password(opensearch: str) -> None:
    address = opensearch.replace("http://", "http://user:secret-word@")
    away = Place("opensearch", address.rsplit(":", 1)[0] + ":9", "x").open()
    with pytest.raises(EngineUnavailable, match="OpenSearch at http://127") as raised:
        await find(away, "fog")
    assert "secret-word" not in str(raised.value) + repr(raised.value.__cause__)
    await away.close()


async def test_texts_with_a_term_near_to_one_that_it_does_not_have(made: SearchIndex) -> None:
    sea, fog = text("lantern harbour boat"), text("harbour маяк", title="Fog", sources=["fogs"])
    await put(made, sea, fog)

    async def near(lexeme: str, scope: TextScope | None = None) -> set[bytes]:
        return set(await made.texts_near(lexeme, scope or TextScope(), 5))

    assert await near("lantren") == await near("antern") == {sea.text_hash}
    assert await near("harbuor") == await near("habuor") == {sea.text_hash, fog.text_hash}
    assert await near("parbuor") == set()
    assert await near("harbuor", TextScope(source="fogs")) == {fog.text_hash}
    assert await near("маячк") == {fog.text_hash}
    assert await near("harbour") == await near("quarrelsome") == set()
