"""Reading the feed of changes: from a cursor on, a limited number at a time.

Every read is one short statement, which sees one snapshot; nothing is held between two reads, so a
reader may take as long as it likes.

A reader without a cursor first gets what is live, page by page (`live`), each as an `added`; its
cursor keeps the number at which that began. What changes meanwhile follows from that number on. So
the copy equals the corpus once the reader has caught up, wherever it was interrupted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from atlas.domain.change_cursors import (
    UNMARKED,
    ChangeCursor,
    expect_mark,
    expect_place,
    mark_of,
)
from atlas.domain.chunking.chunk import DocumentChunk
from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.extraction.outline import stored_outline
from atlas.stores.postgres.changes.change_log import ChangeKind
from atlas.stores.postgres.connection import Connection

_BYTES = 4 << 20
"""Bytes of texts read at once, as stored: in memory they take a few times as much."""


@dataclass(frozen=True, slots=True)
class CorpusChange:
    """One thing that happened to a page of the corpus."""

    cursor: str
    """Where to go on behind it: `--since CURSOR`, `changes(since=…)`."""
    number: int | None
    """Counts the changes of the corpus, in commit order and without gaps; None: the page was live
    already when this reader began."""
    at: datetime
    """When it happened."""
    kind: ChangeKind
    """`added`, `updated` (its content or its sources changed), `removed`, `restored` (a person
    brought an earlier text back), `erased` (delete everything that you keep of this page)."""
    page: int
    """The number of the page: what to keep a copy by. It never names another page."""
    url: str | None
    """The canonical URL of the page; None: it was erased."""
    version: int | None
    """Counts the texts of the page, from 1; of a removed page, its last."""
    text_hash: str | None
    """SHA-256 of the normalised text with its title: the same text, the same hash."""
    sources: tuple[str, ...]
    """Names of the sources that held the page then."""
    reason: str
    """Why, in a word: [changes.md](changes.md) lists them."""
    evidence: dict[str, Any] | None
    """What supports it, such as how often a removed page was not found."""
    run_id: str | None
    """The run that did it."""
    workflow_id: str | None
    """The id of its workflow."""
    title: str | None = None
    """With `--with`. Like those below, None if the page has left or the text is past its
    retention."""
    lang: str | None = None
    """ISO 639 code, as in `de`."""
    text: str | None = None
    """Plain text, with `--with text`."""
    markdown: str | None = None
    """The same with headings, lists and code, with `--with markdown`; empty when there is none."""
    chunks: tuple[DocumentChunk, ...] | None = None
    """The same in parts of its sections, with `--with chunks`: of the default size."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """The ends of the feed."""

    corpus: str
    last: int
    trimmed: int
    mark: str
    """`mark_of` the last change."""

    @property
    def begin(self) -> ChangeCursor:
        """Before what is live, followed by everything that happens from now on."""
        return replace(self.end, page=0)

    @property
    def end(self) -> ChangeCursor:
        """Behind everything that has happened."""
        return ChangeCursor(self.corpus, self.last, self.mark)


@dataclass(frozen=True, slots=True)
class ReadChange:
    """A change, and where its text is."""

    change: CorpusChange
    document: int | None


@dataclass(frozen=True, slots=True)
class ChangePart:
    """What one read found."""

    changes: list[ReadChange]
    cursor: ChangeCursor
    """Where to go on."""
    more: bool
    """Whether there is more already."""


async def state(connection: Connection) -> FeedState:
    """The ends of the feed now."""
    row = await connection.fetchrow(
        """
        select left(replace(corpus_id::text, '-', ''), 8) as corpus,
               (select last from change_feed) as last, (select trimmed from change_feed) as trimmed,
               c.number is not null as kept, c.at, c.page_id
        from (select corpus_id from corpus limit 1) o
        left join changes c on c.number = (select last from change_feed)
        """
    )
    assert row is not None
    mark = mark_of(row["at"], row["page_id"]) if row["kept"] else UNMARKED
    return FeedState(row["corpus"], row["last"], row["trimmed"], mark)


async def verify(connection: Connection, cursor: ChangeCursor) -> None:
    """Raise `InvalidCursor` or `ExpiredCursor` unless reading can go on there."""
    now = await state(connection)
    expect_place(cursor, corpus=now.corpus, last=now.last, trimmed=now.trimmed)
    row = await connection.fetchrow(
        "select at, page_id from changes where number = $1", cursor.number
    )
    expect_mark(cursor, mark_of(row["at"], row["page_id"]) if row else UNMARKED)


async def read(
    connection: Connection, cursor: ChangeCursor, limit: int, source: str | None = None
) -> ChangePart:
    """The next changes behind a cursor, at most `limit`; of a source, those whose page it held.

    Raises `ExpiredCursor` if they were deleted since the cursor was verified, so that a reader
    slower than the retention does not silently miss changes.
    """
    rows = await connection.fetch(_READ, cursor.number, limit, source)
    feed = rows[0]
    expect_place(cursor, corpus=cursor.corpus, last=feed["last"], trimmed=feed["trimmed"])
    found = [_changed(row, cursor.corpus, source) for row in rows if row["number"] is not None]
    end = min(cursor.number + limit, feed["last"])
    behind = ChangeCursor(cursor.corpus, end, _mark_at_end(feed, cursor, end))
    return ChangePart(found, behind, more=end < feed["last"])


async def live(
    connection: Connection, cursor: ChangeCursor, limit: int, source: str | None = None
) -> ChangePart:
    """The next live pages by number, for a reader that begins; behind the last of them, the
    cursor goes on with what has happened since this reader began."""
    rows = await connection.fetch(_LIVE, cursor.page or 0, limit, source)
    found = [_begun(row, replace(cursor, page=row["page_id"])) for row in rows]
    page = rows[-1]["page_id"] if len(rows) == limit else None
    return ChangePart(found, replace(cursor, page=page), more=True)


async def with_texts(
    connection: Connection, changes: Sequence[ReadChange], form: str
) -> list[CorpusChange]:
    """The changes with title, language and `text`, `markdown` or `chunks`, as far as those are
    kept."""
    wanted = [read.document for read in changes if read.document is not None]
    columns = ", ".join(_FORMS[form])
    rows = await connection.fetch(
        f"select id, title, lang, {columns} from documents "  # noqa: S608 (constants)
        "where id = any($1::bigint[])",
        wanted,
    )
    texts = {row["id"]: row for row in rows}

    def all_of_them() -> list[CorpusChange]:
        return [_with_text(read, texts.get(read.document), form) for read in changes]

    # Cutting takes some milliseconds a document: not on the loop of the program that reads.
    return await asyncio.to_thread(all_of_them) if form == "chunks" else all_of_them()


async def portions(
    connection: Connection, changes: Sequence[ReadChange], form: str
) -> list[Sequence[ReadChange]]:
    """The changes in pieces whose texts fit into memory together."""
    wanted = [read.document for read in changes if read.document is not None]
    stored = " + ".join(f"coalesce(pg_column_size({column}), 0)" for column in _FORMS[form])
    rows = await connection.fetch(
        f"select id, {stored} as size from documents "  # noqa: S608 (constants)
        "where id = any($1::bigint[])",
        wanted,
    )
    sizes = {row["id"]: row["size"] for row in rows}
    pieces: list[Sequence[ReadChange]] = []
    begin = taken = 0
    for at, read in enumerate(changes):
        size = sizes.get(read.document, 0)
        if taken + size > _BYTES and at > begin:
            pieces.append(changes[begin:at])
            begin, taken = at, 0
        taken += size
    return [*pieces, changes[begin:]] if changes[begin:] else pieces


def _with_text(read: ReadChange, row: asyncpg.Record | None, form: str) -> CorpusChange:
    if row is None:
        return read.change
    change = replace(read.change, title=row["title"], lang=row["lang"])
    if form != "chunks":
        return replace(change, **{form: row[form]})
    outline = stored_outline(row["outline"])
    found = document_chunks(change.url or "", row["text"], row["markdown"], outline)
    return replace(change, chunks=tuple(found))


def _changed(row: asyncpg.Record, corpus: str, source: str | None) -> ReadChange:
    cursor = ChangeCursor(corpus, row["number"], mark_of(row["at"], row["page_id"]))
    evidence = json.loads(row["evidence"]) if row["evidence"] else None
    values = {name: row[name] for name in ("number", "at", "url", "version", "reason")}
    change = CorpusChange(
        cursor=str(cursor),
        page=row["page_id"],
        kind=_kind_for(source, row["kind"], evidence or {}),
        text_hash=row["text_hash"].hex() if row["text_hash"] else None,
        sources=tuple(row["sources"]),
        evidence=evidence,
        run_id=row["run_id"],
        workflow_id=row["workflow_id"],
        **values,
    )
    return ReadChange(change, row["document_id"] if change.kind != "removed" else None)


def _kind_for(source: str | None, kind: ChangeKind, evidence: dict[str, Any]) -> ChangeKind:
    """What a change is to one who reads by source: a page that the source came to hold is new
    there, and one that it released is gone."""
    if source is None or kind != "updated":
        return kind
    if source in evidence.get("left", ()):
        return "removed"
    return "added" if source in evidence.get("joined", ()) else kind


def _begun(row: asyncpg.Record, cursor: ChangeCursor) -> ReadChange:
    change = CorpusChange(
        cursor=str(cursor),
        number=None,
        at=row["valid_from"],
        kind="added",
        page=row["page_id"],
        url=row["url"],
        version=row["seq"],
        text_hash=row["text_hash"].hex(),
        sources=tuple(row["sources"]),
        reason="start",
        evidence=None,
        run_id=row["opened_by"],
        workflow_id=None,
    )
    return ReadChange(change, row["document_id"])


def _mark_at_end(feed: asyncpg.Record, cursor: ChangeCursor, end: int) -> str:
    if end == cursor.number:
        return cursor.mark
    return mark_of(feed["end_at"], feed["end_page"])


# One statement, so that its rows and the ends of the feed belong to one snapshot. A source's
# changes are looked for among the next `limit` numbers, so that one with few of them costs no long
# scan.
# The feed's one row is read in subqueries: PostgreSQL assumes thousands of rows in a small table
# without statistics, and would read all changes to join them.
_READ = """
    select (select last from change_feed) as last, (select trimmed from change_feed) as trimmed,
           e.at as end_at, e.page_id as end_page, c.*
    from (select least((select last from change_feed), $1::bigint + $2::int) as number) o
    left join changes e on e.number = o.number
    left join changes c on c.number > $1 and c.number <= $1::bigint + $2::int
          and ($3::text is null or $3 = any(c.sources)
               or c.evidence -> 'left' ? $3)
    order by c.number
"""
_LIVE = """
    select v.page_id, p.url, v.seq, v.document_id, d.text_hash, v.valid_from, v.opened_by,
           array(select s.name from source_pages sp join sources s on s.id = sp.source_id
                 where sp.page_id = v.page_id order by s.name) as sources
    from versions v join pages p on p.id = v.page_id join documents d on d.id = v.document_id
    where v.page_id > $1 and v.valid_to is null
      and ($3::text is null or exists (
          select from source_pages sp join sources s on s.id = sp.source_id
          where sp.page_id = v.page_id and s.name = $3))
    order by v.page_id limit $2
"""
_FORMS = {
    "text": ("text",),
    "markdown": ("markdown",),
    "chunks": ("text", "markdown", "outline"),
}
