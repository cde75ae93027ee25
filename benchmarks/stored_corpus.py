"""A generated corpus as settling would leave it: rows in a PostgreSQL of its own, parts in one or
several engines, and where asked for the index that version 0.6 and before kept in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import asyncpg

from atlas.domain.chunking.chunk_bounds import bounds_column
from atlas.domain.chunking.document_chunks import cut_bounds
from atlas.domain.search.analysis import ANALYSER_VERSION, TITLE_WEIGHT, split, tokens
from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.domain.versions import SKETCH_VERSION
from atlas.embedded.postgres import SUPERUSER, Postgres
from atlas.embedded.postgres_binaries import find_installation
from atlas.embedded.postgres_database import create_database
from atlas.embedded.unprivileged import shim
from atlas.stores.postgres import migrate
from atlas.stores.search.port import IndexedText, IndexOrigin, SearchIndex, TextChanges
from benchmarks.generated_texts import DAYS, GeneratedText, generated

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIRST_DAY = NOW - timedelta(days=DAYS)
BATCH = 500
PROCESSES = 4
"""That make texts and analyse them."""
_LAST_OF_0_6 = 36
"""The last migration with which settling wrote the index in PostgreSQL."""


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[str]:
    """The URL of a PostgreSQL as `atlas up` starts it."""
    cluster = Postgres(folder, find_installation())
    cluster.prepare()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            shim(cluster.command(), cluster.account, cluster.stop_signal),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        while not await cluster.ready():
            assert process.poll() is None, (folder / "log").read_text("utf-8", "replace")
            await asyncio.sleep(0.05)
        await create_database(cluster.url("postgres", SUPERUSER))
        yield cluster.url()
    finally:
        process.send_signal(cluster.stop_signal)
        process.wait(100)
        cluster.stopped()


async def prepare(connection: asyncpg.Connection, *, old_index: bool) -> None:
    """An empty corpus, with two sources; `old_index`: one that was made by version 0.6."""
    every = migrate.known()
    with patch.object(migrate, "known", lambda: every[:_LAST_OF_0_6]):
        await migrate.migrate(connection)
    if old_index:  # one page is enough for the tables to be kept
        await connection.execute(_FIRST_PAGE, NOW)
    await migrate.migrate(connection)
    await connection.execute("delete from versions; delete from documents; delete from pages")
    for name in ("all", "small"):
        await connection.execute(
            "insert into sources (name, kind, urls, created_at) values ($1, 'urls', '{}', $2)",
            *(name, NOW),
        )


async def fill(
    size: int,
    indexes: Sequence[SearchIndex],
    connection: asyncpg.Connection | None,
    *,
    old_index: bool,
) -> int:
    """Put so many texts into the first generation of each index, and into PostgreSQL if there is
    one; what all of them have stays. Returns how many were added."""
    for index in indexes:
        await index.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
    first = min([await index.cursor(1) for index in indexes])
    if connection is not None:
        for statement in _CUT:  # what was stored, and not indexed any more
            await connection.execute(statement, first)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        made: deque[asyncio.Future[list[_Made]]] = deque()
        for start in range(first, size + PROCESSES * BATCH, BATCH):
            if start < size:
                made.append(loop.run_in_executor(pool, _made, start, min(start + BATCH, size)))
            # Ahead by so many batches, and no more.
            if made and (len(made) > PROCESSES or start >= size):
                await _store(await made.popleft(), indexes, connection, old_index=old_index)
    for index in indexes:
        await index.release(1)
        await index.switch(1)
    if old_index and connection is not None:
        await connection.execute(_OLD_COUNTS)
    if connection is not None:
        await connection.execute("vacuum analyze")
    return max(size - first, 0)


@dataclass(frozen=True)
class _Made:
    """A text with all of it that takes long."""

    text: GeneratedText
    indexed: IndexedText
    bounds: str | None


async def _store(
    made: Sequence[_Made],
    indexes: Sequence[SearchIndex],
    connection: asyncpg.Connection | None,
    *,
    old_index: bool,
) -> None:
    changes = TextChanges([each.indexed for each in made], [], made[-1].text.number + 1)
    puts = [index.apply(1, changes) for index in indexes if await index.cursor(1) < changes.cursor]
    if connection is None:
        await asyncio.gather(*puts)
        return
    await asyncio.gather(*puts, _copy_rows(connection, made))
    if old_index:
        await connection.executemany(_OLD_ENTRY, (_old_entry(each.text) for each in made))


def _made(start: int, end: int) -> list[_Made]:
    return [
        _Made(text, _indexed(text), bounds_column(cut_bounds(text.text, "", ())))
        for text in generated(start, end)
    ]


def _indexed(text: GeneratedText) -> IndexedText:
    return IndexedText(
        *(text.hash, _analyse()(text.title, text.text), [text.number + 1]),
        *(text.sources, [text.script.lang], [text.host]),
        published=[int((FIRST_DAY + timedelta(days=text.day)).timestamp())],
    )


@cache
def _analyse() -> WordByWord:
    return WordByWord()


class WordByWord:
    """`parts`, several times as fast for texts of which each word is analysed by itself: what a
    word becomes is kept. Texts without blanks, and all if the two differ, are analysed as ever."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str, str]] = {}
        self._compared: Counter[str] = Counter()
        self._alike = True

    def __call__(self, title: str, text: str) -> tuple[IndexPart, ...]:
        script = text[:1]
        if not self._alike or "\u0e00" <= script < "\u0e80" or "\u4e00" <= script < "\ua000":
            return index_parts(title, text)
        pieces = tuple(self._part(title, text[start:end], start, end) for start, end in split(text))
        if self._compared.total() < 200:
            self._compared[script] += 1
            self._alike = pieces == index_parts(title, text)
        return pieces

    def _part(self, title: str, text: str, start: int, end: int) -> IndexPart:
        words = [*title.split() * TITLE_WEIGHT, *text.replace(".", " ").split()]
        found = [self._known.get(word) or self._learn(word) for word in words]
        body, prefixes = (" ".join([each[at] for each in found]) for at in (0, 1))
        heading = " ".join(body.split(" ", len(title.split()))[: len(title.split())])
        return IndexPart(body, prefixes, "", heading, start, end, len(found))

    def _learn(self, word: str) -> tuple[str, str, str]:
        (found,) = index_parts("", word)
        self._known[word] = found.body, found.prefixes, found.initials
        return self._known[word]


async def _copy_rows(connection: asyncpg.Connection, made: Sequence[_Made]) -> None:
    texts = [each.text for each in made]
    rows = await connection.fetch("select name, id from sources")
    sources = {row["name"]: row["id"] for row in rows}
    held = [(sources[name], text.number + 1) for text in texts for name in text.sources]
    copied: dict[str, tuple[str, Iterable[tuple[object, ...]]]] = {
        "pages": (
            "id url created_at",
            ((t.number + 1, f"https://{t.host}/{t.number:07}", NOW) for t in texts),
        ),
        "documents": (
            "id page_id text_hash extractor snapshot media title lang published text markdown "
            "chunk_bounds created_at",
            map(_document, made),
        ),
        "versions": (
            "page_id seq document_id valid_from",
            ((t.number + 1, 1, t.number + 1, NOW) for t in texts),
        ),
        "source_pages": (
            "source_id page_id depth rule listed_run listed_at",
            ((*each, 0, "listed", "run", NOW) for each in held),
        ),
        "sketches": (
            "text_hash version bands signature representative name size hosts",
            map(_sketch, texts),
        ),
    }
    async with connection.transaction():
        for table, (columns, rows) in copied.items():
            await connection.copy_records_to_table(
                table, records=list(rows), columns=columns.split()
            )


def _document(made: _Made) -> tuple[object, ...]:
    text = made.text
    number = text.number + 1
    published = FIRST_DAY + timedelta(days=text.day)
    return (
        *(number, number, text.hash, 1, text.hash, "text/html", text.title, text.script.lang),
        *(published, text.text, "", made.bounds, NOW),
    )


def _sketch(text: GeneratedText) -> tuple[object, ...]:
    """As large as a real one, and like no other."""
    dice = random.Random(text.number)
    signature = dice.randbytes(256)
    bands = [dice.getrandbits(63) for _ in range(32)]
    hosts = [text.number % 400]
    size = len(text.text)
    return text.hash, SKETCH_VERSION, bands, signature, text.hash, text.number, size, hosts


def _old_entry(text: GeneratedText) -> tuple[object, ...]:
    """A text as 0.6 wrote it: the title counts as in the engines."""
    places: dict[str, list[int]] = {}
    said = [*list(tokens(text.title)) * TITLE_WEIGHT, *tokens(text.text)]
    for position, token in enumerate(said, start=1):
        for lexeme in token.lexemes:
            places.setdefault(lexeme, []).append(position)
    # A lexeme keeps 255 places at most, as PostgreSQL has it.
    tsv = " ".join(f"'{each}':{','.join(map(str, at[:255]))}" for each, at in places.items())
    return text.hash, len(said), len(text.text), tsv


_CUT = (
    "delete from sketches where text_hash in (select text_hash from documents where page_id > $1)",
    "delete from versions where page_id > $1",
    "delete from pages where id > $1",
)

_FIRST_PAGE = """
with p as (insert into pages (url, created_at) values ('https://first.example/', $1) returning id),
     d as (insert into documents (page_id, text_hash, extractor, snapshot, media, title, text,
                                  markdown, created_at)
           select id, '', 1, '', 'text/html', '', '', '', $1 from p returning id, page_id)
insert into versions (page_id, seq, document_id, valid_from) select page_id, 1, id, $1 from d
"""

_OLD_ENTRY = """
insert into index_entries_1 (generation, text_hash, part, analyser, length, first, last, tsv)
values (1, $1, 0, 2, $2, 0, $3, $4::text::tsvector)
"""

_OLD_COUNTS = """
update generations
   set (entries, tokens) = (select count(*), sum(length) from index_entries_1) where id = 1
"""
