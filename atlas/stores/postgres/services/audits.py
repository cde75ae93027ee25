"""The self-audit as its activities see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import randbits, token_hex

import asyncpg

from atlas.contracts.audit_corpus import AuditStage, AuditStep
from atlas.contracts.deduplicate_documents import PartDone
from atlas.domain.audit_findings import AuditFinding
from atlas.domain.retention import Retention, cutoff
from atlas.stores.postgres.audit import checks, findings, live_documents, parts, repairs
from atlas.stores.postgres.audit.checks import CorpusCheck
from atlas.stores.postgres.audit.index_agreement import IndexAgreement
from atlas.stores.postgres.audit.parts import AuditPart
from atlas.stores.postgres.connection import Connection, on_pool
from atlas.stores.postgres.near_duplicates import consistency
from atlas.stores.search.port import SearchIndex

_EVIDENCE_SAYS = {
    "sketches": "sketches or buckets are not those of the live texts",
    "buckets": "buckets hold texts that do not belong to them, or their sizes are off",
    "evidence": "texts have other similar texts than their sketches say",
    "clusters": "clusters are not what their evidence says",
}


@dataclass(eq=False)
class AuditStore:
    """Checks, findings and repairs. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    keep: Retention
    index: SearchIndex

    document = on_pool(live_documents.read)
    record = on_pool(findings.record)
    listed = on_pool(findings.listed)
    counts = on_pool(findings.counts)
    forget = on_pool(findings.forget)

    @property
    def agreement(self) -> IndexAgreement:
        """The search index, compared with the corpus."""
        return IndexAgreement(self.pool, self.index)

    async def examine_index(self, request: AuditStep, ids: Sequence[object]) -> list[AuditFinding]:
        """Where the index of the engine and the corpus differ: what is missing, page by page, and
        what is too much, all of it in the first step or in a sample a part."""
        if request.stage == "pages":
            return await self.agreement.pages([int(str(page)) for page in ids])
        if request.stage == "corpus":
            if request.sample is None:
                return await self.agreement.ghosts()
            return await self.agreement.ghosts([token_hex(1)])
        return []

    async def restore_text(
        self, document: live_documents.AuditedDocument, title: str, text: str
    ) -> bool:
        """Write the text of a document again; false: it is there no more."""
        async with self.pool.acquire() as connection:
            return await live_documents.restore_text(
                connection, document, title, text, self.clock()
            )

    async def part(self, request: AuditStep) -> AuditPart:
        """The pages, texts, runs or bodies of a step."""
        async with self.pool.acquire() as connection:
            if request.sample is not None:
                return await _SAMPLES[request.stage](connection, request.sample)
            return await _NEXT[request.stage](connection, request.cursor, parts.CHUNK)

    async def examine(
        self, scope: checks.Scope, ids: Sequence[object]
    ) -> list[tuple[CorpusCheck, list[AuditFinding]]]:
        """What the checks of a scope find in a part, each check at its own moment."""
        async with self.pool.acquire() as connection:
            return [
                (check, await checks.found(connection, check, list(ids)))
                for check in checks.of(scope)
            ]

    async def repaired(self, check: CorpusCheck, keys: Sequence[str]) -> set[str]:
        """Repair what a check found, in one transaction; the keys that it finds no more."""
        async with self.pool.acquire() as connection:
            return await repairs.repaired(connection, check, keys, self.clock())

    async def evidence(self, request: AuditStep) -> tuple[PartDone, list[AuditFinding]]:
        """Check the next sketches, buckets, pairs or clusters, straight from their definitions."""
        cursor, chunk = request.cursor, parts.CHUNK
        if request.sample is not None:
            low = randbits(64) - 2**63
            cursor, chunk = (
                (str(low) if request.stage == "buckets" else token_hex(32)),
                request.sample,
            )
        async with self.pool.acquire() as connection:
            done = await self._evidence(connection, request.stage, cursor, chunk, request.repair)
        if request.sample is not None:
            done = done.model_copy(update={"cursor": None})
        if not done.drifted:
            return done, []
        says = f"{done.drifted} {_EVIDENCE_SAYS[request.stage]}"
        repair = "made again" if request.repair else ""
        key = f"after {cursor or 'the first'}"[:80]
        return done, [AuditFinding(request.stage, key, says, repair, request.repair)]

    async def _evidence(
        self, connection: Connection, stage: str, cursor: str, chunk: int, repair: bool
    ) -> PartDone:
        match stage:
            case "sketches":
                return await consistency.check_sketches(
                    connection, cursor, chunk=chunk, sources=(), repair=repair
                )
            case "buckets":
                return await consistency.check_buckets(
                    connection, cursor, chunk=chunk, repair=repair
                )
            case "evidence":
                return await consistency.check_evidence(
                    connection, cursor, chunk=chunk, sources=(), repair=repair
                )
        return await consistency.check_clusters(connection, cursor, chunk=chunk, repair=repair)

    async def referred_bodies(self, hashes: Sequence[object]) -> dict[str, str]:
        """Digest → a page it is of, of the bodies that something refers to."""
        async with self.pool.acquire() as connection:
            return await live_documents.referred_bodies(
                connection, hashes, cutoff(self.keep.snapshots, self.clock())
            )

    async def fetch_again(self, digest: str) -> int:
        """Make the pages due whose last body this is; how many."""
        async with self.pool.acquire() as connection:
            return await live_documents.fetch_again(connection, [digest], self.clock())

    async def recheck(self, run_id: str) -> None:
        """Look again at findings whose pages were processed again since."""
        after = ("", "")
        while rows := await self.listed(run_id, after, parts.CHUNK):
            after = (rows[-1].check, rows[-1].key)
            for row in rows:
                check = checks.BY_NAME.get(row.check)
                if row.repaired or check is None or check.repair != "process":
                    continue
                if not await self._still(check, row.key):
                    mended = AuditFinding(
                        row.check, row.key, row.detail, "processed again from its body", True
                    )
                    await self.record(run_id, [mended])

    async def _still(self, check: CorpusCheck, key: str) -> bool:
        async with self.pool.acquire() as connection:
            return bool(await checks.found(connection, check, repairs.ids_of(check, [key])))


async def _whole(*_: object) -> AuditPart:
    return AuditPart([], None)


_NEXT: dict[AuditStage, Callable[[Connection, str, int], Awaitable[AuditPart]]] = {
    "corpus": _whole,
    "pages": parts.pages,
    "documents": parts.pages,
    "texts": parts.texts,
    "runs": parts.runs,
    "bodies": parts.blobs,
}
_SAMPLES: dict[AuditStage, Callable[[Connection, int], Awaitable[AuditPart]]] = {
    "corpus": _whole,
    "pages": parts.some_pages,
    "documents": parts.some_pages,
    "texts": parts.some_texts,
    "runs": parts.some_runs,
    "bodies": parts.some_blobs,
}
