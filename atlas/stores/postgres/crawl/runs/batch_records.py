"""The record of a batch: its end, the result of each document, and its outcomes, streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from atlas.contracts.processing import MAX_DOCUMENTS_LISTED, ProcessedDocument, WindUp, WoundUp
from atlas.domain.rendering import NEEDS_BROWSER, left_unrendered
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import rule_findings
from atlas.stores.postgres.crawl.runs import runs

_LINES = 500
"""Outcomes a chunk."""
_PAYLOAD = 48 * 1024
"""Bytes of the documents in a result; all of it stays below 64 KiB."""


@dataclass(eq=False)
class BatchRecords:
    """What the activities write and read."""

    pool: asyncpg.Pool
    extractor: int

    async def wind_up(self, request: WindUp) -> WoundUp:
        """End every page of the run; its record stays open until the run itself ends."""
        async with self.pool.acquire() as connection:
            async with connection.transaction():
                outcome = await runs.end_work(
                    connection, request.run_id, cancelled=request.cancelled
                )
            counts = await run_queue.counts(connection, request.run_id)
            missing = await run_queue.count_missing(connection, request.run_id)
            return WoundUp.model_validate(
                {
                    "outcome": "unknown_page" if missing and not counts.seen else outcome,
                    "counts": counts,
                    "failures": await runs.failures(connection, request.run_id),
                    "documents": await _documents(connection, request.run_id, self.extractor),
                    "missing": missing,
                    "notes": await _notes(connection, request.run_id),
                }
            )

    async def outcomes(self, run_id: str) -> AsyncIterator[bytes]:
        """JSON lines by URL: the outcome of each page of the run; then the requests for no page."""
        async with self.pool.acquire() as connection, connection.transaction(readonly=True):
            lines: list[str] = []
            async for row in connection.cursor(_OUTCOMES, run_id, prefetch=_LINES):
                lines.append(json.dumps(dict(row), ensure_ascii=False))
                if len(lines) == _LINES:
                    yield _joined(lines)
                    lines = []
            yield _joined(lines)


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


async def _notes(connection: Connection, run_id: str) -> str:
    unread = await connection.fetchval(
        "select count(*) from run_pages where run_id = $1 and error_code = $2",
        run_id,
        NEEDS_BROWSER,
    )
    said = ((await rule_findings.of_run(connection, run_id)).words, left_unrendered(unread))
    return "; ".join(filter(None, said))


async def _documents(
    connection: Connection, run_id: str, extractor: int
) -> list[ProcessedDocument]:
    rows = await connection.fetch(_DOCUMENTS, run_id, extractor, MAX_DOCUMENTS_LISTED)
    return _fitting([ProcessedDocument.model_validate(dict(row)) for row in rows])


def _fitting(documents: list[ProcessedDocument]) -> list[ProcessedDocument]:
    """As many of them as fit into a payload."""
    room = _PAYLOAD
    for number, document in enumerate(documents):
        room -= len(document.model_dump_json().encode())
        if room < 0:
            return documents[:number]
    return documents


_DOCUMENTS = """
    select rp.url, rp.page_id as page,
           encode(ps.fetched_snapshot, 'hex') as snapshot, rp.outcome as result,
           encode(d.text_hash, 'hex') as text_hash, left(d.title, 200) as title, d.lang,
           d.truncated, v.seq as version, q.page_id is not null as quarantined,
           rp.error_class, rp.error_code, left(rp.error, 300) as error
    from run_pages rp left join page_state ps on ps.page_id = rp.page_id
    left join versions v on v.page_id = rp.page_id and v.valid_to is null
    left join documents d on d.id = v.document_id
    left join quarantine q on q.page_id = rp.page_id and q.since is not null
         and q.extractor = $2 and q.snapshot = ps.fetched_snapshot
    where rp.run_id = $1 and rp.outcome is not null
    order by rp.url limit $3
"""

_OUTCOMES = """
    (select rp.url, rp.page_id as page, rp.outcome, rp.error_class, rp.error_code as code,
            encode(d.text_hash, 'hex') as text_hash, d.truncated
     from run_pages rp
     left join versions v on v.page_id = rp.page_id and v.valid_to is null
     left join documents d on d.id = v.document_id
     where rp.run_id = $1 order by rp.url)
    union all
    (select asked, null, 'missing', null, null, null, null
     from run_missing where run_id = $1 order by asked)
"""
