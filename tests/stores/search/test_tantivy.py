"""What only a folder of tantivy's can suffer: damage, removal by hand, a full disk."""

import asyncio
import os
import random
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tantivy

from atlas.domain.search import common_pairs
from atlas.domain.search.common_pairs import CommonWords
from atlas.domain.search.index_parts import lexeme_query, parts_query
from atlas.domain.search.query_language import parse_query
from atlas.stores.search import tantivy_parts, tantivy_query
from atlas.stores.search.port import (
    LIVE,
    DamagedGeneration,
    EngineUnavailable,
    IndexedText,
    MissingGeneration,
    TextChanges,
    TextScope,
)
from atlas.stores.search.tantivy_engine import TantivyIndex
from atlas.stores.search.tantivy_generation import TantivyGeneration, _best
from atlas.stores.search.tantivy_parts import texts_of_hits
from tests.stores.search.engines import ORIGIN, Place, find, held, left_by, step, text


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A complete index that nobody has open."""
    index = TantivyIndex(tmp_path / "index")
    await index.begin(1, ORIGIN, 0)
    await index.apply(1, TextChanges([text(f"fog signals {n}") for n in range(50)], [], 1))
    await index.switch(1)
    await index.close()
    return tmp_path / "index"


BUILDER = tantivy.SchemaBuilder


_LATER = {3: {"title", "pairs"}, 4: {"pairs"}}
"""Fields that have come since a layout."""


def _older_schema(layout: int) -> type:
    """Makes one without later fields; in layout 3 also with stored places."""

    class Builder:
        def __init__(self) -> None:
            self._builder = BUILDER()

        def add_text_field(self, name: str, **options: Any) -> None:
            if name not in _LATER[layout]:
                self._builder.add_text_field(name, **options)

        def add_unsigned_field(self, name: str, **options: Any) -> None:
            stored = layout == 3 and name in ("start", "end")
            self._builder.add_unsigned_field(name, **({"stored": True} if stored else options))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._builder, name)

    return Builder


@pytest.mark.parametrize("layout", [3, 4])
async def test_an_older_generation_serves_without_later_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: int
) -> None:
    monkeypatch.setattr(common_pairs, "_FIRST", 1)  # to learn from, if it could
    index = TantivyIndex(tmp_path / "index")
    with monkeypatch.context() as patched:
        patched.setattr(tantivy, "SchemaBuilder", _older_schema(layout))
        patched.setattr(tantivy_parts, "SCHEMA", tantivy_parts._schema())
        if layout == 3:
            patched.setattr(tantivy_parts, "_HASH", ())
            patched.setattr(tantivy_parts, "_HASH_BYTES", struct.Struct("32x"))
        await index.begin(1, replace(ORIGIN, layout=layout), 0)
        texts = [text("fog", "Harbour"), text("fog in the harbour"), text("fog", "Other")]
        await index.apply(1, TextChanges(texts, [], 1))
        await index.close()
    await index.switch(1)
    found = await index.search(parts_query(parse_query("fog title:harbour")), TextScope(), 10)
    in_titles = texts[:2] if layout == 3 else texts[:1]  # or in the text, where titles are not kept
    assert {each.text_hash for each in found.best} == {each.text_hash for each in in_titles}
    for number in range(2, 5):
        later = text(f"more fog in {number}", "Harbour")
        await index.apply(1, TextChanges([later], [], number))
        assert later.text_hash in {each.text_hash for each in (await find(index, "more")).best}
    assert (await find(index, '"fog in"')).total == 4
    await index.close()


WORDS = (
    ("the", "of", "and", "fog", "rain", "sea"),
    ("the", "of", "море", "и", "в", "на", "туман"),
    ("灯塔", "守人", "天气", "of", "fog", "ทุกวัน", "وال", "getUserName"),
)


def test_common_words_side_by_side_are_found_as_by_comparing_positions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same scores and counts, however often words were learnt, and of what is removed,
    written again and past."""
    monkeypatch.setattr(common_pairs, "_FIRST", 20)
    monkeypatch.setattr(common_pairs, "_GROWTH", 1.3)
    generation = TantivyGeneration(tmp_path)
    generation.make(replace(ORIGIN, past=30), 0)
    dice = random.Random(4)
    texts: list[IndexedText] = []
    for number in range(1, 25):
        words = WORDS[number // 9]
        said = [" ".join(dice.choices(words, k=dice.randrange(2, 16))) for _ in range(30)]
        puts = [text(each, "Fog of", until=dice.choice((LIVE, 9))) for each in said]
        gone = [each.text_hash for each in dice.sample(texts, min(len(texts), 9))]
        again = dice.sample(texts, min(len(texts), 5))
        generation.apply(TextChanges([*puts, *again], gone, number))
        texts += puts
        if number % 4 == 0:
            generation.release()
    generation._current()
    common = generation._common
    assert len(common.rounds) > 2
    met = 0
    for words in WORDS:
        for count in (2, 2, 2, 3, 4) * 6:
            phrase = f'"{" ".join(dice.choices(words, k=count))}"'
            met += any(map(common.pairs_in, lexeme_query(phrase).phrases))
            for query in (phrase, f"fog -{phrase}", f'{phrase} OR "fog sea"'):
                for scope in (TextScope(), TextScope(at=5)):
                    asked = parts_query(parse_query(query))
                    found = generation.search(asked, scope, 900)
                    generation._common = CommonWords()
                    assert generation.search(asked, scope, 900) == found, query
                    generation._common = common
    assert met > 50
    generation.release()


def _halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _garbled(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * min(40, size - size // 2))


@pytest.mark.parametrize("spoil", [_halved, _garbled, Path.unlink])
async def test_damage_is_named_whatever_file_it_is(folder: Path, tmp_path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    """Also where tantivy panics; garbled bytes within a list of words may only change results."""
    named = 0
    for name in sorted(each.name for each in (folder / "1").iterdir()):
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(folder, copy)
        spoil(copy / "1" / name)
        index = TantivyIndex(copy)
        try:
            await find(index, 'fog "fog signals"')
            await index.apply(1, TextChanges([text("rain")], [text("fog signals 1").text_hash], 2))
        except (DamagedGeneration, MissingGeneration) as error:
            assert "atlas index follow" in str(error)
            named += 1
        # Whatever it is, the generation can be made anew in its place.
        shutil.rmtree(copy / "1")
        await index.begin(1, ORIGIN, 0)
        assert await index.cursor(1) == 0
        await index.close()
    assert named >= 2


async def test_a_folder_deleted_by_hand_is_missed_at_once(folder: Path) -> None:
    index = TantivyIndex(folder)
    assert (await find(index, "fog")).total == 50
    shutil.rmtree(folder / "1")
    with pytest.raises(MissingGeneration, match="generation 1 of the search index is not in"):
        await find(index, "fog")
    with pytest.raises(MissingGeneration):
        await index.apply(1, step(1))
    await index.begin(1, ORIGIN, 0)
    await index.apply(1, TextChanges([text("fog")], [], 9))
    assert ((await find(index, "fog")).total, await index.cursor(1)) == (1, 9)
    shutil.rmtree(folder)
    with pytest.raises(MissingGeneration, match="a worker builds it, or `atlas index follow`"):
        await find(index, "fog")
    await index.close()


async def test_a_search_outlives_the_removal_of_what_it_reads(folder: Path) -> None:
    """Searches in other threads while generations come, are switched to and go: no error but
    that one is gone, and never a part of an answer."""
    index, other = TantivyIndex(folder), TantivyIndex(folder)
    over = asyncio.Event()
    seen = 0

    async def person() -> None:
        nonlocal seen
        while not over.is_set():
            try:
                assert (await find(other, "fog")).total == 50
                seen += 1
            except MissingGeneration:
                pass  # dropped between being chosen and being opened: the caller asks again

    people = [asyncio.create_task(person()) for _ in range(2)]
    for number in range(2, 6):
        await index.begin(number, ORIGIN, 0)
        texts = [text(f"fog signals {n}") for n in range(50)]
        await index.apply(number, TextChanges(texts, [], 1))
        await index.release(number)
        await index.switch(number)
        await index.drop(number - 1)
    over.set()
    await asyncio.gather(*people)
    assert seen
    assert sorted(path.name for path in folder.iterdir()) == ["5", "serving"]
    await index.close()
    await other.close()


_LIMITED = """
import asyncio, resource, signal, sys
from tests.stores.search.engines import Place, step
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = Place("tantivy", sys.argv[1], "").open()
async def main():
    await index.apply(1, step(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
    for number in range(2, 5):
        try:
            await index.apply(1, step(number))
        except Exception as error:
            print(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    await index.apply(1, step(2))
asyncio.run(main())
"""


async def test_a_step_that_cannot_be_written_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    """No file of more than 200 bytes can be written, as on a full disk; then there is room."""
    place = Place("tantivy", str(tmp_path / "index"), "")
    index = place.open()
    await index.begin(1, ORIGIN, 0)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _LIMITED, place.at],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused = done.stdout.split()
    assert len(refused) == 3
    assert set(refused) <= {each.__name__ for each in (DamagedGeneration, EngineUnavailable)}
    assert await index.cursor(1) == 2
    assert await held(index) == left_by(2)
    await index.close()


async def test_a_full_disk_is_called_one(tmp_path: Path) -> None:
    from atlas.stores.search.tantivy_generation import _named

    (tmp_path / "meta.json").touch()
    error = ValueError("An IO error occurred: 'No space left on device (os error 28)'")
    assert isinstance(_named(error, tmp_path), EngineUnavailable)


async def test_a_generation_begun_twice_at_once_is_made_once(tmp_path: Path) -> None:
    """The first call was given up, and its thread goes on."""
    index = TantivyIndex(tmp_path / "index")
    first = asyncio.create_task(index.begin(1, ORIGIN, 5))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(*(index.begin(1, ORIGIN, 7) for _ in range(4)))
    assert await index.cursor(1) in (5, 7)
    assert [each.name for each in index.folder.iterdir()] == ["1"]
    await index.close()


async def test_a_common_word_is_ranked_in_one_pass_over_what_matches(tmp_path: Path) -> None:
    """tantivy scores all that match in every pass, and a second one would double the time; the
    order is that of all of them, by exact lengths, all the same."""
    generation = TantivyGeneration(tmp_path)
    generation.make(ORIGIN, 0)
    said = ["fog " + "rain " * (60 + n % 9) for n in range(700)]  # one byte says few of these
    generation.apply(TextChanges([text(f"{each}a{n}") for n, each in enumerate(said)], [], 1))
    generation.release()
    passes: list[int] = []

    class Counting:
        def __init__(self) -> None:
            self.searcher = generation._current().searcher()

        def search(self, query: object, limit: int) -> object:
            passes.append(limit)
            return self.searcher.search(query, limit)  # type: ignore[arg-type]

        def __getattr__(self, name: str) -> object:
            return getattr(self.searcher, name)

    every = generation.search(lexeme_query("fog"), TextScope(), 700).best
    query = tantivy_query._term("body", "fog")
    best, total = _best(Counting(), query, 20, generation._factors)  # type: ignore[arg-type]
    assert (len(passes), total) == (1, 700)
    texts = texts_of_hits(generation._current().searcher(), best, ORIGIN)
    ordered = sorted((-score, text) for (score, _), text in zip(best, texts, strict=True))
    assert [text for _, text in ordered[:20]] == [each.text_hash for each in every[:20]]
    assert len({each.score for each in every}) == 9


async def test_a_step_is_made_again_over_the_files_of_a_killed_writer(tmp_path: Path) -> None:
    """Killed when all was written but `meta.json`, which makes it a commit."""
    index = TantivyIndex(tmp_path / "index")
    await index.begin(1, ORIGIN, 0)
    await index.apply(1, step(1))
    await index.close()
    before = shutil.copytree(tmp_path / "index" / "1", tmp_path / "before")
    index = TantivyIndex(tmp_path / "index")
    await index.apply(1, step(2))
    await index.close()
    for file in before.iterdir():
        if file.name != ".managed.json":
            shutil.copy(file, tmp_path / "index" / "1")
    lists = {each.name for each in (tmp_path / "index" / "1").glob("*.del")}
    assert lists - {each.name for each in before.iterdir()}
    index = TantivyIndex(tmp_path / "index")
    assert await index.cursor(1) == 1
    await index.apply(1, step(2))
    assert await held(index) == left_by(2)
    await index.close()


async def test_files_that_a_writer_removes_meanwhile_damage_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, walked = Path.iterdir, os.walk
    monkeypatch.setattr(Path, "iterdir", lambda self: [*listed(self), self / "0.pos"])
    monkeypatch.setattr(Path, "is_file", lambda self: True)  # it was, a moment ago
    monkeypatch.setattr(
        os, "walk", lambda top: ((at, some, [*files, "0.pos"]) for at, some, files in walked(top))
    )
    index = TantivyIndex(folder)
    assert [each.size > 0 for each in await index.generations()] == [True]
    assert await index.traces([bytes(32)]) == set()
    await index.close()
