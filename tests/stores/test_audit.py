"""The self-audit: every check finds the fault it is for, and its repair takes the fault away."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.audits import Auditing
from atlas.contracts.audit_corpus import AUDIT_STAGES, AuditStage, AuditStep, EndAudit
from atlas.domain.audit_findings import AuditFinding
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.retention import Retention
from atlas.domain.similarity.near_duplicates import sketch
from atlas.domain.texts import EXTRACTOR_VERSION, Extracted, text_hash
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.postgres.audit import checks, findings, parts
from atlas.stores.postgres.crawl.bodies.artifacts import OUTCOMES, Artifacts
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.audits import AuditStore
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_nothing_is_found
from tests.stores import drive as driving
from tests.stores.cleaning import Cleaner
from tests.stores.drive import Drive

WEB: driving.Web = {
    f"https://example.org/{word}": f"The {word} stands on the quay and waits for tide {n}."
    for n, word in enumerate(("crane", "lamp", "boat", "gull"))
}
FIRST = "https://example.org/boat"


def _extracted(text: str) -> Extracted:
    return Extracted(
        title="Title", text=text, markdown=text, lang="en", published=None, canonical=None,
        links=(), text_hash=text_hash("Title", text), media="html",
    )  # fmt: skip


async def prepare(job: PrepareJob) -> Prepared:
    """As the extractor does, of bodies that are plain text."""
    text = job.body.decode()
    return Prepared(_extracted(text), sketch(text), ())


class Audited:
    """A small corpus with its bodies, and audits of it."""

    def __init__(self, drive: Drive, blobs: Blobs) -> None:
        self.drive = drive
        self.pool = drive.pool
        self.blobs = blobs
        # An index that nobody has built: test_index_agreement.py is about the other.
        index = TantivyIndex(Path("/nonexistent"))
        self.store = AuditStore(drive.pool, lambda: drive.now, Retention(), index)
        outcomes = Artifacts(drive.pool, lambda: drive.now, OUTCOMES)
        self.activities = Auditing(self.store, blobs, outcomes, prepare)
        self._runs = 0

    async def run(
        self, *, repair: bool = False, stages: tuple[AuditStage, ...] = AUDIT_STAGES,
        sample: int | None = None,
    ) -> list[AuditFinding]:  # fmt: skip
        """An audit as the workflow makes it; pages to be processed again are in `resettle`."""
        self._runs += 1
        self.drive.now += timedelta(seconds=1)
        run_id = f"audit-{self._runs}"
        async with self.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=run_id, workflow_id="audit_corpus", kind="audit_corpus",
                trigger="manual", now=self.drive.now,
            )  # fmt: skip
        self.resettle: list[int] = []
        env = ActivityEnvironment()
        for stage in stages:
            cursor: str | None = ""
            while cursor is not None:
                step = AuditStep(
                    run_id=run_id, stage=stage, cursor=cursor, repair=repair, sample=sample
                )
                done = await env.run(self.activities.audit_part, step)
                self.resettle += done.resettle
                cursor = done.cursor
        self.ended = await env.run(self.activities.end_audit, EndAudit(run_id=run_id))
        await self.pool.execute(
            "update runs set ended_at = now(), outcome = 'completed' where run_id = $1", run_id
        )
        async with self.pool.acquire() as connection:
            return await findings.listed(connection, run_id, ("", ""), 1000)

    async def do(self, statement: str, *values: object) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(statement, *values)

    async def page(self, url: str = FIRST) -> int:
        return int(await self.pool.fetchval("select id from pages where url = $1", url))


@pytest.fixture
async def audited(drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def prepared(page: Any, text: str, *links: str) -> Any:
        extracted = _extracted(text)
        whole = Prepared(extracted, sketch(text), ())
        return driving.PreparedPage(page.page_id, driving.snapshot_of(text), whole)

    monkeypatch.setattr(driving, "prepared", prepared)
    async with open_blobs(str(tmp_path)) as blobs:
        await drive.add("docs")
        await Cleaner(drive, blobs).sync("docs", WEB)
        yield Audited(drive, blobs)


def named(found: list[AuditFinding]) -> set[str]:
    return {each.check for each in found}


async def test_nothing_is_found_in_a_sound_corpus_wholly_or_by_sample(audited: Audited) -> None:
    assert await audited.run() == []
    assert audited.ended.findings == 0
    assert await audited.run(sample=3) == []
    await assert_nothing_is_found(audited.pool)


_RUN = "(select run_id from runs where source_name = 'docs' limit 1)"
_PAGE = f"(select id from pages where url = '{FIRST}')"
_HASH = (
    "(select text_hash from documents d join versions v on v.document_id = d.id "
    f"and v.valid_to is null where d.page_id = {_PAGE})"
)

REPAIRED: list[tuple[str, str]] = [
    ("page_state", "insert into pages (url, created_at) values ('https://example.org/x', now())"),
    (
        "mark",
        "insert into duplicates values "
        f"({_PAGE}, (select min(id) from pages where id <> {_PAGE}), 'exact', 1, 'x', 'r', "
        "now(), now())",
    ),
    (
        "prepared",
        "insert into prepared (page_id, document_id, snapshot, sketch_version, bands, "
        "signature, links, rels) select page_id, id, snapshot, 1, '{}', '', '{}', "
        f"'{{}}' from documents where page_id = {_PAGE}",
    ),
    ("claim", f"update page_state set claim_run = 'gone' where page_id = {_PAGE}"),
    ("lease", f"update sources set lease_run = {_RUN}, lease_workflow = 'w'"),
    (
        "run_pages",
        "update run_pages set stage = 'listed', outcome = null, error_class = null "
        f"where page_id = {_PAGE}",
    ),
    (
        "run_leftovers",
        f"insert into listing_entries values ({_RUN}, gen_random_uuid(), 'https://e.org/', null)",
    ),
    (
        "body_row",
        "delete from blobs where hash = "
        f"(select snapshot from documents where page_id = {_PAGE})",
    ),
    (
        "text_altered",
        f"update documents set text = text || ' And a lie.' where page_id = {_PAGE}",
    ),
    ("sketches", f"delete from bands where text_hash = {_HASH}"),
    ("buckets", "insert into bands (hash, text_hash) values (42, sha256('nobody'))"),
    ("evidence", "update bands set leads = false"),
    (
        "version_dangling",
        "update page_state set lifecycle = 'tombstoned', settled_snapshot = null "
        f"where page_id = {_PAGE}",
    ),
    (
        "feed",
        "update changes set kind = 'removed' where number = (select max(number) from changes "
        "where page_id = (select min(page_id) from versions where valid_to is null))",
    ),
]  # fmt: skip


async def test_each_fault_is_found_and_repaired(audited: Audited) -> None:
    for check, statement in REPAIRED:
        await audited.do(statement)
        found = await audited.run()
        assert check in named(found), (check, found)
        assert not any(each.repaired or each.repair for each in found)
        mended = await audited.run(repair=True)
        assert {each.check for each in mended if each.repaired} >= {check}, mended
        assert all(each.repair for each in mended), mended
        assert await audited.run() == [], check  # and the repair harms nothing else


async def test_clusters_without_a_leader_are_found_and_their_texts_led_again(
    audited: Audited,
) -> None:
    await audited.do("update sketches set representative = sha256('nobody')")
    assert named(await audited.run()) >= {"evidence", "clusters"}
    mended = await audited.run(repair=True)
    assert [each.check for each in mended if each.repaired] == ["evidence"]
    assert await audited.run() == []


PROCESSED = [
    ("version_missing", f"delete from versions where page_id = {_PAGE}"),
    ("settled", f"update page_state set settled_extractor = 0 where page_id = {_PAGE}"),
    (
        "text",
        "update documents set text_hash = $1, text = $2 "
        f"where page_id = {_PAGE} and $1::bytea is not null and $2::text is not null",
    ),
]


@pytest.mark.parametrize(("check", "statement"), PROCESSED, ids=[name for name, _ in PROCESSED])
async def test_what_must_be_settled_again_is_named_to_be_processed(
    audited: Audited, check: str, statement: str
) -> None:
    page = await audited.page()
    values: tuple[object, ...] = ()
    if check == "text":
        values = (bytes.fromhex(text_hash("Title", "Other words.")), "Other words.")
    await audited.do(statement, *values)
    assert check in named(await audited.run())
    assert audited.resettle == []  # nothing was asked for
    found = {each.check: each for each in await audited.run(repair=True)}
    assert page in audited.resettle
    assert (found[check].repaired, "processed again" in found[check].repair) == (False, True)
    # What `batch_process` does with it makes it true again, and a second look says so.
    if check == "version_missing":
        await audited.do(
            "insert into versions select page_id, 1, id, created_at, null from documents "
            f"where page_id = {_PAGE}"
        )
    else:
        await audited.do(
            "update page_state set settled_extractor = $1 where page_id = $2",
            EXTRACTOR_VERSION,
            page,
        )
    await audited.store.recheck("audit-2")
    if check != "text":
        async with audited.pool.acquire() as connection:
            again = await findings.listed(connection, "audit-2", ("", ""), 100)
        assert check in {each.check for each in again if each.repaired}


BEYOND_REPAIR = [
    (
        "history",
        "insert into versions select page_id, 3, document_id, valid_from, valid_from from versions "
        f"where page_id = {_PAGE}",
    ),
    ("run_failures", f"update run_pages set error_class = 'bug' where page_id = {_PAGE}"),
    ("run_end", f"update runs set outcome = null where run_id = {_RUN}"),
    (
        "generation_building",
        "insert into index_generations (number, state, analyser, run_id, started_at) "
        "values (7, 'building', 2, 'gone', now())",
    ),
    (
        "artifact_row",
        "insert into artifacts values ('report', 'r', sha256('r'), 'text/html', now())",
    ),
    ("feed_numbers", "delete from changes where number = 2"),
    (
        "feed_pages",
        "insert into changes (number, at, kind, page_id, url, version, document_id, reason) "
        "values (99, now(), 'added', 999, 'https://example.org/x', 1, 1, 'new')",
    ),
]  # fmt: skip


async def test_what_nothing_can_repair_is_said_to_be_so(audited: Audited) -> None:
    rows: tuple[AuditStage, ...] = ("corpus", "pages", "runs")
    for _, statement in BEYOND_REPAIR:
        await audited.do(statement)
    expected = {check for check, _ in BEYOND_REPAIR}
    assert named(await audited.run(stages=rows)) >= expected
    found = [each for each in await audited.run(stages=rows, repair=True) if each.check in expected]
    assert named(found) == expected
    assert [each for each in found if each.repaired or not each.repair] == []


async def test_a_lost_or_altered_body_is_fetched_again_and_one_that_no_page_brings_is_lost(
    audited: Audited,
) -> None:
    digest = driving.snapshot_of(str(WEB[FIRST])).hex()
    await audited.blobs.delete(digest)
    orphan = hashlib.sha256(b"report").hexdigest()
    # Nothing refers to this one: that it is missing is no loss.
    await audited.do("insert into blobs values ($1, 6, now())", bytes.fromhex(orphan))
    assert [(each.check, each.key) for each in await audited.run()] == [("body", digest)]
    found = await audited.run(repair=True)
    assert [(each.repaired, each.repair) for each in found] == [
        (True, "1 pages are due to be fetched again")
    ]
    state = await audited.pool.fetchrow(
        "select fetched_snapshot, etag, next_due from page_state where page_id = $1",
        await audited.page(),
    )
    assert state["fetched_snapshot"] is None and state["next_due"] == audited.drive.now
    # The page is settled from it still; nobody can bring exactly these bytes back.
    left = await audited.run(repair=True)
    assert [(each.repaired, "lost" in each.repair) for each in left] == [(False, True)]


async def test_a_store_that_lost_nearly_all_is_taken_for_the_wrong_one(audited: Audited) -> None:
    for text in WEB.values():
        await audited.blobs.delete(driving.snapshot_of(str(text)).hex())
    found = await audited.run(repair=True)
    assert len(found) == len(WEB)
    assert all("ATLAS_BLOBS" in each.repair and not each.repaired for each in found)
    held = await audited.pool.fetchval(
        "select count(*) from page_state where fetched_snapshot is not null"
    )
    assert held == len(WEB)


def test_each_check_has_a_fault_here() -> None:
    tried = {name for cases in (REPAIRED, PROCESSED, BEYOND_REPAIR) for name, _ in cases}
    assert {check.name for check in checks.CHECKS} - tried == set()
    assert len({check.name for check in checks.CHECKS}) == len(checks.CHECKS)


async def test_parts_cover_everything_in_steps_of_bounded_size(audited: Audited) -> None:
    following: dict[str, tuple[Callable[..., Awaitable[parts.AuditPart]], str]] = {
        "pages": (parts.pages, "select id from pages"),
        "texts": (parts.texts, "select text_hash from sketches"),
        "runs": (parts.runs, "select run_id from runs"),
        "blobs": (parts.blobs, "select hash from blobs"),
    }
    async with audited.pool.acquire() as connection:
        for name, (step, everything) in following.items():
            seen: list[object] = []
            cursor: str | None = ""
            while cursor is not None:
                part = await step(connection, cursor, 3)
                assert len(part.ids) <= 3
                seen += part.ids
                cursor = part.cursor
            expected = [row[0] for row in await connection.fetch(everything)]
            assert sorted(map(str, seen)) == sorted(map(str, expected)), name
    assert parts.CHUNK < 1000


async def test_a_finding_seen_twice_is_counted_once_and_old_findings_are_dropped(
    audited: Audited,
) -> None:
    await audited.do("delete from changes where number = 2")
    for _ in range(7):
        await audited.run(stages=("corpus", "corpus"))
    assert audited.ended.findings == 1
    kept = await audited.pool.fetch("select distinct run_id from audit_findings order by 1")
    assert [row["run_id"] for row in kept] == [f"audit-{n}" for n in range(3, 8)]
    one = AuditFinding("lease", "docs", "held", "released", True)
    async with audited.pool.acquire() as connection:
        await findings.record(connection, "audit-7", [one, replace(one, repaired=False)])
        await findings.record(connection, "audit-7", [replace(one, repaired=True)])
        assert (await findings.counts(connection, "audit-7"))["lease"] == (1, 1)
