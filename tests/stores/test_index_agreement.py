"""The audit reads the index of an engine and the corpus: each way in which they can differ is
found, put right by the index's writer, and nothing is found that only has yet to be read."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.audits import Auditing
from atlas.contracts.audit_corpus import AuditStage, AuditStep
from atlas.domain.audit_findings import AuditFinding
from atlas.domain.retention import Retention
from atlas.domain.search.index_parts import index_parts
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.audit import live_documents
from atlas.stores.postgres.audit.index_agreement import IndexAgreement
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.audits import AuditStore
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.search.port import IndexedText, TextChanges
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_index_agrees
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web
from tests.stores.test_index_erasure import following

WEB: Web = {
    f"https://example.org/{n}": f"The harbour number{n} has word{n * 7} of its own"
    for n in range(5)
}
ONE = "https://example.org/1"


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


@pytest.fixture
async def follower(drive: Drive, index: TantivyIndex) -> IndexFollower:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    follower = IndexFollower(drive.pool, index, analyse, "one")
    await follower.catch_up()
    return follower


@pytest.fixture
def agreement(drive: Drive, index: TantivyIndex) -> IndexAgreement:
    return IndexAgreement(drive.pool, index, patience=0.2)


async def audit(drive: Drive, agreement: IndexAgreement) -> set[tuple[str, str]]:
    """Check and hash of what is found of all pages, and by walking through the index."""
    pages = [row["id"] for row in await drive.pool.fetch("select id from pages order by id")]
    found = [*await agreement.pages(pages), *await agreement.ghosts()]
    for page in pages:
        async with drive.pool.acquire() as connection:
            document = await live_documents.read(connection, page)
        if document is not None and not await agreement.finds(document):
            found.append(AuditFinding("sentence", document.text_hash.hex(), ""))
    return {(each.check, each.key) for each in found}


async def hash_of(drive: Drive, url: str = ONE) -> bytes:
    return bytes(
        await drive.pool.fetchval(
            "select d.text_hash from versions v join documents d on d.id = v.document_id "
            "join pages p on p.id = v.page_id where p.url = $1 and v.valid_to is null",
            url,
        )
    )


def indexed(text_hash: bytes, said: str, pages: list[int]) -> IndexedText:
    return IndexedText(text_hash, index_parts("", said), pages, ["docs"], ["en"], ["example.org"])


@pytest.mark.parametrize("fault", ["missing", "another page", "other words", "ghost", "old text"])
async def test_each_difference_is_found_and_put_right(
    drive: Drive,
    index: TantivyIndex,
    follower: IndexFollower,
    agreement: IndexAgreement,
    fault: str,
) -> None:
    assert await audit(drive, agreement) == set()
    cursor, one = await index.cursor(1), await hash_of(drive)
    page = await drive.pool.fetchval("select id from pages where url = $1", ONE)
    ghost = hashlib.sha256(b"ghost").digest()
    put, remove = {
        "missing": ([], [one]),
        "another page": ([indexed(one, str(WEB[ONE]), [page + 1])], []),
        "other words": ([indexed(one, "nothing of the kind", [page])], []),
        "ghost": ([indexed(ghost, "boo", [999])], []),
        "old text": ([indexed(ghost, "boo", [page])], []),
    }[fault]
    await index.apply(1, TextChanges(put, remove, cursor))
    found = await audit(drive, agreement)
    expected = {
        "missing": {("index_missing", one.hex())},
        # It is missing under its page, and stands under one that has another.
        "another page": {("index_missing", one.hex()), ("index_ghost", one.hex())},
        "other words": set(),
        "ghost": {("index_ghost", ghost.hex())},
        "old text": {("index_ghost", ghost.hex())},
    }[fault]
    assert expected <= found
    async with drive.pool.acquire() as connection:
        document = await live_documents.read(connection, page)
    assert document is not None
    assert await agreement.finds(document) == (fault not in ("missing", "other words"))
    # Nobody writes: it is asked for, and not said to be done.
    assert await agreement.put_again([one, ghost]) == set()
    await follower.catch_up()
    assert await audit(drive, agreement) == set()
    await assert_index_agrees(drive.pool, index)


@pytest.mark.parametrize("sample", [None, 50])
async def test_an_audit_has_the_writer_put_it_right(
    drive: Drive,
    index: TantivyIndex,
    follower: IndexFollower,
    tmp_path: Path,
    database_url: str,
    sample: int | None,
) -> None:
    one, ghost = await hash_of(drive), bytes(32)
    gone = TextChanges([indexed(ghost, "boo", [999])], [one], await index.cursor(1))
    await index.apply(1, gone)
    store = AuditStore(drive.pool, lambda: drive.now, Retention(), index)
    nothing: Any = None
    async with drive.pool.acquire() as connection:
        await runs.open_run(
            connection, run_id="audit", workflow_id="audit_corpus", kind="audit_corpus",
            trigger="manual", now=drive.now,
        )  # fmt: skip
    stages: tuple[AuditStage, ...] = ("corpus", "pages")
    async with (
        open_blobs(str(tmp_path / "blobs")) as blobs,
        following(follower, database_url),
    ):
        audits = Auditing(store, blobs, nothing, nothing)
        for stage in stages:
            step = AuditStep(run_id="audit", stage=stage, repair=True, sample=sample)
            done = await ActivityEnvironment().run(audits.audit_part, step)
            assert done.cursor is None
    found = await store.listed("audit", ("", ""), 100)
    repaired = {(each.check, each.key, each.repair, each.repaired) for each in found}
    assert ("index_missing", one.hex(), "indexed again", True) in repaired
    if sample is None:  # a sample looks at one of 256 parts of the index
        assert ("index_ghost", ghost.hex(), "indexed again", True) in repaired
        assert await audit(drive, IndexAgreement(drive.pool, index)) == set()


async def test_what_the_index_has_yet_to_read_is_no_finding(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, agreement: IndexAgreement
) -> None:
    gone = "https://example.org/2"
    await drive.run("docs", {**WEB, ONE: "The harbour moved away", gone: 410})
    assert await audit(drive, agreement) == set()
    # Caught up while the audit waits; a real fault beside it is still found.
    three = await hash_of(drive, "https://example.org/3")
    await index.apply(1, TextChanges([], [three], await index.cursor(1)))
    patient = IndexAgreement(drive.pool, index, patience=60)
    looking = asyncio.create_task(audit(drive, patient))
    await follower.catch_up()
    assert await looking == {("index_missing", three.hex()), ("sentence", three.hex())}


async def test_before_the_first_build_nothing_is_missing(
    drive: Drive, index: TantivyIndex, agreement: IndexAgreement
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    assert await audit(drive, agreement) == set()
