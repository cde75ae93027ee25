"""Documents as processing leaves them: stored, and waiting to be settled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from atlas.domain.batch import Moved, PreparedPage
from atlas.domain.chunking.chunk_bounds import bounds_column
from atlas.domain.extraction.extraction_rules import RuledText
from atlas.domain.extraction.stated_metadata import stated_column
from atlas.domain.removal.bad_bodies.kinds import BodyVerdict
from atlas.domain.texts import EXTRACTOR_VERSION, Extracted
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import noindex, quarantine, read_before

_BODY_ATTEMPTS = 3
"""Fetches of one page in one run, when its stored body is lost again and again."""


async def store(
    connection: Connection,
    run_id: str,
    fences: dict[int, int],
    pages: Sequence[PreparedPage],
    now: datetime,
) -> Moved:
    """Keep the processed pages for settling and record the failed."""
    async with connection.transaction():
        held = await run_queue.lock(
            connection, {page.page_id: fences[page.page_id] for page in pages}
        )
        pages = [page for page in pages if page.page_id in held]
        good = [page for page in pages if page.prepared is not None and page.error is None]
        await _store_documents(connection, good, now)
        await _note_truncated(connection, run_id, good)
        await _note_unavailable(connection, pages)
        known = await read_before.store(connection, [page for page in pages if page.read_before])
        ready = [*(page.page_id for page in good), *known]
        await run_queue.advance(connection, run_id, ready, "processed")
        kept_out = [page for page in pages if page.prepared is not None and page.error]
        ended = await noindex.hide(connection, run_id, kept_out, now)
        bad = [page for page in pages if page.error is not None and page.prepared is None]
        return Moved(
            len(ready), ended + Counter(await _store_failures(connection, run_id, bad, now))
        )


async def _store_documents(
    connection: Connection, pages: Sequence[PreparedPage], now: datetime
) -> None:
    if not pages:
        return
    documents = await connection.fetch(
        """
        insert into documents as d (page_id, text_hash, extractor, snapshot, media, title, lang,
            published, canonical, text, markdown, truncated, author, outline, ended, rules,
            compared, fell_back, rule_matches, taken_for, taken_why, taken_surely, stated,
            chunk_bounds, rendered, created_at)
        select page_id, text_hash, extractor, snapshot, media, title, lang, published, canonical,
               text, markdown, truncated, author, outline, ended, rules, compared, fell_back,
               string_to_array(rule_matches, ' ')::int[], nullif(taken_for, ''),
               string_to_array(taken_why, chr(10)), taken_surely, stated,
               chunk_bounds, rendered, $26
        from unnest($1::bigint[], $2::bytea[], $3::int[], $4::bytea[], $5::text[],
            $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::text[],
            $12::text[], $13::text[], $14::jsonb[], $15::boolean[], $16::bytea[], $17::bytea[],
            $18::text[], $19::text[], $20::text[], $21::text[], $22::boolean[],
            $23::jsonb[], $24::jsonb[], $25::boolean[])
            as o(page_id, text_hash, extractor, snapshot, media, title, lang, published, canonical,
                 text, markdown, truncated, author, outline, ended, rules, compared, fell_back,
                 rule_matches, taken_for, taken_why, taken_surely, stated, chunk_bounds,
                 rendered)
        order by 1
        on conflict (page_id, text_hash, extractor) do update
        set revision = d.revision + ((d.media, d.lang, d.author, d.published, d.canonical,
                                      d.markdown, d.truncated, d.outline)
                is distinct from (excluded.media, excluded.lang, excluded.author,
                                  excluded.published, excluded.canonical, excluded.markdown,
                                  excluded.truncated, excluded.outline))::int,
            snapshot = excluded.snapshot, media = excluded.media, lang = excluded.lang,
            published = excluded.published, canonical = excluded.canonical,
            text = excluded.text, markdown = excluded.markdown, outline = excluded.outline,
            truncated = excluded.truncated,
            author = excluded.author, rules = excluded.rules, compared = excluded.compared,
            fell_back = excluded.fell_back, rule_matches = excluded.rule_matches,
            -- No new revision: descriptions and pictures change without the page changing.
            stated = excluded.stated, chunk_bounds = excluded.chunk_bounds,
            rendered = excluded.rendered,
            ended = d.ended or excluded.ended, taken_for = excluded.taken_for,
            taken_why = excluded.taken_why, taken_surely = excluded.taken_surely
        returning page_id, id
        """,
        *map(list, zip(*map(_document_row, pages), strict=True)),
        now,
    )
    ids = {row["page_id"]: row["id"] for row in documents}
    await connection.execute(
        "delete from prepared where page_id = any($1::bigint[])", [page.page_id for page in pages]
    )
    await connection.copy_records_to_table(
        "prepared",
        records=[_prepared_row(page, ids[page.page_id]) for page in pages],
        columns=_PREPARED_COLUMNS,
    )


async def _note_unavailable(connection: Connection, pages: Sequence[PreparedPage]) -> None:
    """From when on each page (locked before) asks, in its body, to be left out of the index."""
    found = {
        page.page_id: page.prepared.extracted.unavailable_after
        for page in pages
        if page.prepared is not None
    }
    await connection.execute(
        "update page_state ps set unavailable_after = o.moment "
        "from unnest($1::bigint[], $2::timestamptz[]) as o(page_id, moment) "
        "where ps.page_id = any($1::bigint[]) and ps.page_id = o.page_id "
        "and ps.unavailable_after is distinct from o.moment",
        list(found),
        list(found.values()),
    )


async def _note_truncated(
    connection: Connection, run_id: str, pages: Sequence[PreparedPage]
) -> None:
    """Note in the ledger, at the run's last request for each page, what is missing from its text; a
    run that made none has none to note."""
    truncated = {
        page.page_id: page.prepared.extracted.truncated
        for page in pages
        if page.prepared is not None and page.prepared.extracted.truncated
    }
    if not truncated:
        return
    await connection.execute(
        """
        update fetches f set truncated = o.truncated
        from unnest($2::bigint[], $3::text[]) as o(page_id, truncated), run_pages rp, runs r
        where r.run_id = $1 and rp.run_id = $1 and rp.page_id = any($2::bigint[])
          and rp.page_id = o.page_id and f.run_started = r.started_at and f.run_id = $1
          and f.page_id = rp.page_id and f.attempt = rp.attempts and f.error_class is null
        """,
        run_id,
        list(truncated),
        list(truncated.values()),
    )


def _document_row(page: PreparedPage) -> tuple[object, ...]:
    assert page.prepared is not None
    found = page.prepared.extracted
    made = (found.extractor, page.snapshot, found.media, found.title, found.lang or None)
    key = (page.page_id, bytes.fromhex(found.text_hash))
    ruled = _ruled(page.rules, found.ruled)
    return (
        *key,
        *made,
        *_EXTRACTED(found),
        _outline(found),
        page.ended,
        *ruled,
        *_taken(found.verdict),
        stated_column(found.stated),
        bounds_column(page.prepared.chunks),
        page.rendered,
    )


def _ruled(
    rules: bytes | None, ruled: RuledText | None
) -> tuple[bytes | None, bytes | None, str | None, str | None]:
    if ruled is None:
        return rules, None, None, None
    compared = bytes.fromhex(ruled.compared) if ruled.compared else None
    return rules, compared, ruled.fell_back, " ".join(map(str, ruled.counts))


def _outline(found: Extracted) -> str:
    rows = [(each.start, each.level, each.title, each.anchor) for each in found.outline]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _taken(verdict: BodyVerdict | None) -> tuple[str | None, str | None, bool]:
    if verdict is None:
        return None, None, False
    evidence = "\n".join(" ".join(each.split()) for each in verdict.evidence)
    return verdict.kind.value, evidence, verdict.certain


_EXTRACTED = attrgetter("published", "canonical", "text", "markdown", "truncated", "author")
_PREPARED_COLUMNS = (
    "page_id",
    "document_id",
    "snapshot",
    "sketch_version",
    "bands",
    "signature",
    "links",
    "rels",
    "noindex",
    "read_digest",
)


def _prepared_row(page: PreparedPage, document: int) -> tuple[object, ...]:
    assert page.prepared is not None
    found, sketch = page.prepared.extracted, page.prepared.sketch
    return (
        page.page_id,
        document,
        page.snapshot,
        SKETCH_VERSION,
        list(sketch.bands),
        sketch.signature,
        [link.url for link in found.links],
        [link.rel for link in found.links],
        page.noindex,
        bytes.fromhex(found.read_digest) if found.read_digest else None,
    )


async def _store_failures(
    connection: Connection, run_id: str, pages: Sequence[PreparedPage], now: datetime
) -> Mapping[str, int]:
    missing = [page.page_id for page in pages if page.error and page.error.code == "blob_missing"]
    lost = await _fetch_again(connection, run_id, missing)
    failed = [page for page in pages if page.page_id not in lost]
    ended = await run_queue.finish(
        connection, run_id, [(page.page_id, "failed", page.error) for page in failed]
    )
    await quarantine.record(
        connection,
        run_id,
        [page for page in failed if page.error and page.error.code != "blob_missing"],
        extractor=EXTRACTOR_VERSION,
        now=now,
    )
    return ended


async def _fetch_again(connection: Connection, run_id: str, missing: Sequence[int]) -> set[int]:
    """Put pages whose stored body is not to be had back, to be fetched without validators; a few
    times at most. Returns which. A run that works on no source fetches nothing: there they fail."""
    if not missing:
        return set()
    rows = await connection.fetch(
        "select page_id from run_pages join runs using (run_id) where run_id = $1 "
        "and page_id = any($2::bigint[]) and attempts < $3 and source_name <> ''",
        run_id,
        list(missing),
        _BODY_ATTEMPTS,
    )
    again = [row["page_id"] for row in rows]
    await connection.execute(
        "update page_state set fetched_snapshot = null, etag = null, last_modified = null "
        "where page_id = any($1::bigint[])",
        list(missing),
    )
    await run_queue.put_back(connection, run_id, again, not_before=[None] * len(again))
    return set(again)
