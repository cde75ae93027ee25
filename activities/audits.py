"""The self-audit, a part at a time: rows by named checks, bodies read back, texts made again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from temporalio import activity

from activities.manifests import write_lines
from atlas.contracts.audit_corpus import (
    MAX_FINDINGS_LISTED,
    AuditEnded,
    AuditStep,
    AuditStepDone,
    EndAudit,
    ListedFinding,
    RecheckFindings,
)
from atlas.contracts.processing import JSON_LINES
from atlas.domain.audit_findings import AuditFinding, says
from atlas.domain.blob import BlobCorrupt, BlobMissing
from atlas.domain.errors import PageError
from atlas.domain.prepared import PrepareJob
from atlas.domain.removal.removal_rules import brake
from atlas.domain.texts import EXTRACTOR_VERSION, text_hash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from atlas.domain.prepared import Prepared
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.audit.checks import CorpusCheck
    from atlas.stores.postgres.audit.live_documents import AuditedDocument
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifacts
    from atlas.stores.postgres.services.audits import AuditStore

    Prepare = Callable[[PrepareJob], Awaitable[Prepared]]

_EVIDENCE = ("sketches", "buckets", "evidence", "clusters")
_LINES = 1_000
"""Findings read at once for the list of them."""


class Auditing:
    """Looks, and repairs if asked to. `prepare` does CPU work in children."""

    def __init__(
        self,
        store: AuditStore,
        blobs: Blobs,
        outcomes: Artifacts,
        prepare: Prepare,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._outcomes = outcomes
        self._prepare = prepare

    @activity.defn
    async def audit_part(self, request: AuditStep) -> AuditStepDone:
        """Look at the next part of a stage, write down what does not agree, repair it if asked."""
        if request.stage in _EVIDENCE:
            done, found = await self._store.evidence(request)
            await self._store.record(request.run_id, found)
            return AuditStepDone(cursor=done.cursor, checked=done.checked)
        part = await self._store.part(request)
        resettle: list[int] = []
        match request.stage:
            case "documents":
                resettle = await self._documents(request, part.ids)
            case "bodies":
                await self._bodies(request, part.ids)
            case "corpus" | "pages" | "texts" | "runs" as scope:
                for check, found in await self._store.examine(scope, part.ids):
                    resettle += await self._settle(request, check, found)
                await self._settle_index(
                    request, await self._store.examine_index(request, part.ids)
                )
        checked = 1 if request.stage == "corpus" else len(part.ids)
        return AuditStepDone(cursor=part.cursor, checked=checked, resettle=resettle)

    @activity.defn
    async def recheck_findings(self, request: RecheckFindings) -> None:
        """Look again at what was processed again."""
        await self._store.recheck(request.run_id)

    @activity.defn
    async def end_audit(self, request: EndAudit) -> AuditEnded:
        """Count the findings and keep the list of them; drop those of older audits."""
        counts = await self._store.counts(request.run_id)
        digest = await write_lines(
            self._blobs, self._lines(request.run_id), self._outcomes.announce
        )
        manifest = await self._outcomes.keep_first(request.run_id, digest, JSON_LINES)
        first = await self._store.listed(request.run_id, ("", ""), MAX_FINDINGS_LISTED)
        await self._store.forget()
        return AuditEnded(
            findings=sum(count for count, _ in counts.values()),
            repaired=sum(repaired for _, repaired in counts.values()),
            by_check={check: count for check, (count, _) in counts.items()},
            listed=[_shown(each) for each in first],
            manifest=manifest,
        )

    async def _lines(self, run_id: str) -> AsyncIterator[bytes]:
        after = ("", "")
        while rows := await self._store.listed(run_id, after, _LINES):
            after = (rows[-1].check, rows[-1].key)
            yield "".join(f"{json.dumps(_shown(row).model_dump())}\n" for row in rows).encode()

    # Findings of rows, and their repair

    async def _settle(
        self, request: AuditStep, check: CorpusCheck, found: Sequence[AuditFinding]
    ) -> list[int]:
        """Record what a check found, repaired if asked; return the pages to be processed again."""
        if not found:
            return []
        if not request.repair:
            await self._store.record(request.run_id, found)
            return []
        keys = [each.key for each in found]
        repaired = await self._repaired(check, keys)
        done = [
            AuditFinding(each.check, each.key, each.detail, says(check.repair), True)
            if each.key in repaired
            else AuditFinding(each.check, each.key, each.detail, _undone(check), False)
            for each in found
        ]
        await self._store.record(request.run_id, done)
        return [int(key) for key in keys] if check.repair == "process" else []

    async def _repaired(self, check: CorpusCheck, keys: Sequence[str]) -> set[str]:
        if check.repair == "note_blob":
            return {key for key in keys if await self._note_blob(key)}
        return await self._store.repaired(check, keys)

    async def _settle_index(self, request: AuditStep, found: Sequence[AuditFinding]) -> None:
        """Record where the index and the corpus differ; its writer puts it right, if asked."""
        if request.repair:
            keys = [each.key for each in found if each.check != "index"]
            right = await self._store.agreement.put_again(map(bytes.fromhex, keys))
            found = [_put_right(each, right) for each in found]
        await self._store.record(request.run_id, found)

    async def _note_blob(self, digest: str) -> bool:
        """Make the row of a body that is in the store; whether it is."""
        try:
            body = await self._blobs.get(digest)
        except (BlobMissing, BlobCorrupt):
            return False
        await self._outcomes.announce(digest, len(body))
        return True

    # Documents and their bodies

    async def _documents(self, request: AuditStep, ids: Sequence[object]) -> list[int]:
        resettle: list[int] = []
        for page in ids:  # one at a time: a text may be large
            document = await self._store.document(int(str(page)))
            if document is not None:
                found = await self._document(request, document)
                await self._store.record(request.run_id, found)
                if request.repair and any(each.check == "text" for each in found):
                    resettle.append(document.page_id)
        return resettle

    async def _document(self, request: AuditStep, document: AuditedDocument) -> list[AuditFinding]:
        """What does not agree of one document."""
        found = []
        made = await self._made_again(document)
        if text_hash(document.title, document.text) != document.text_hash.hex():
            found.append(await self._altered(request, document, made))
        elif isinstance(made, PageError):
            says_why = f"the text of {document.url} cannot be made again: {made.message}"
            found.append(AuditFinding("text_unreadable", str(document.page_id), says_why))
        elif made is not None and made.extracted.text_hash != document.text_hash.hex():
            says_it = f"the body of {document.url} gives another text than the one kept of it"
            repair = says("process") if request.repair else ""
            found.append(AuditFinding("text", str(document.page_id), says_it, repair))
        if not await self._store.agreement.finds(document):
            says_it = f"{document.url} is not found by a sentence of its own"
            again = [document.text_hash] if request.repair else []
            done = bool(await self._store.agreement.put_again(again))
            repair = says("index_again") if done else ""
            found.append(AuditFinding("sentence", document.text_hash.hex(), says_it, repair, done))
        return found

    async def _made_again(self, document: AuditedDocument) -> Prepared | PageError | None:
        """What the body gives now; None where that is no proof: made by another version, the body
        is gone (`bodies` looks at these), or nobody knows how it is to be read."""
        if document.extractor != EXTRACTOR_VERSION or not document.told:
            return None
        try:
            body = await self._blobs.get(document.snapshot.hex())
            return await self._prepare(
                PrepareJob(
                    body,
                    document.content_type,
                    document.charset,
                    document.url,
                    document.rules,
                    document.given_title,
                )
            )
        except (BlobMissing, BlobCorrupt):
            return None
        except PageError as error:
            return error

    async def _altered(
        self, request: AuditStep, document: AuditedDocument, made: Prepared | PageError | None
    ) -> AuditFinding:
        """A text that is not what its hash says: taken from its body again, if that gives it."""
        says_it = f"the text kept of {document.url} is not the one that was settled"
        repair, done = "", False
        if request.repair:
            repair = "its body does not give the text that was settled any more"
            if not isinstance(made, PageError | None):
                extracted = made.extracted
                if extracted.text_hash == document.text_hash.hex():
                    done = await self._store.restore_text(document, extracted.title, extracted.text)
                    repair = "text made again from its body"
        return AuditFinding("text_altered", str(document.page_id), says_it, repair, done)

    async def _bodies(self, request: AuditStep, ids: Sequence[object]) -> None:
        """Read back every body that something refers to."""
        referred = await self._store.referred_bodies(ids)
        bad: dict[str, bool] = {}
        for digest in referred:
            try:
                await self._blobs.get(digest)
            except BlobMissing:
                bad[digest] = False
            except BlobCorrupt:
                bad[digest] = True
        # What was erased meanwhile is missing by right.
        still = await self._store.referred_bodies([bytes.fromhex(digest) for digest in bad])
        bad = {digest: corrupt for digest, corrupt in bad.items() if digest in still}
        doubtful = brake(len(bad), len(referred))
        found = [
            await self._lost(digest, referred[digest], corrupt, request.repair, doubtful)
            for digest, corrupt in bad.items()
        ]
        await self._store.record(request.run_id, found)

    async def _lost(
        self, digest: str, url: str, corrupt: bool, repair: bool, doubtful: bool
    ) -> AuditFinding:
        """A body that is missing, or is not what its name says."""
        how = "is not what its name says" if corrupt else "is missing from the store"
        says_it = f"the body {digest[:16]} of {url or 'no page'} {how}"
        if not repair:
            return AuditFinding("body", digest, says_it)
        if doubtful:
            why = "too many for an accident: check that ATLAS_BLOBS names the right store"
            return AuditFinding("body", digest, says_it, why)
        pages = await self._store.fetch_again(digest)
        if not pages:
            return AuditFinding(
                "body", digest, says_it, "no page would bring it back: the body is lost"
            )
        return AuditFinding(
            "body", digest, says_it, f"{pages} pages are due to be fetched again", True
        )


def _put_right(each: AuditFinding, right: set[bytes]) -> AuditFinding:
    if each.check == "index":  # it cannot be read: health checks say why
        return AuditFinding(each.check, each.key, each.detail, says(""), False)
    if bytes.fromhex(each.key) in right:
        return AuditFinding(each.check, each.key, each.detail, says("index_again"), True)
    waits = "the process that writes the index has been asked to put it right"
    return AuditFinding(each.check, each.key, each.detail, waits, False)


def _undone(check: CorpusCheck) -> str:
    if check.repair == "process":
        return says("process")
    return "could not be repaired" if check.repair else says("")


def _shown(each: AuditFinding) -> ListedFinding:
    return ListedFinding(
        check=each.check,
        key=each.key,
        detail=each.detail,
        repair=each.repair,
        repaired=each.repaired,
    )
