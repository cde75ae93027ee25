"""The design's invariants, asserted on a database and its blob store; and the corpus as one value.

    await assert_invariants(pool, blobs)         # after any fault, once no run is under way
    assert await snapshot(pool, origin.base) == await snapshot(other_pool, other_origin.base)

A snapshot holds what two corpora of the same web must share: no ids, times, attempts. The
rules are the audit's (`atlas/stores/postgres/audit`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import asyncpg
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus

from atlas.contracts.audit_corpus import AuditStep
from atlas.contracts.empty_runs import MEANT_NOTHING
from atlas.contracts.names import ATTRIBUTE_OUTCOME
from atlas.domain.audit_findings import AuditFinding
from atlas.domain.retention import Retention
from atlas.lease_holders import holder_name
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.audit import checks, live_documents, parts
from atlas.stores.postgres.audit.index_agreement import IndexAgreement
from atlas.stores.postgres.index import generations, index_lease, live_texts
from atlas.stores.postgres.services.audits import AuditStore
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.postgres.services.text_copier import analyse_aside
from atlas.stores.search.port import SearchIndex
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.feed_copy import assert_feed_is_the_corpus

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_NO_RUN = "a run is under way: "


@dataclass(frozen=True)
class Snapshot:
    """A corpus as a value. URLs of the scripted server begin with `{site}`."""

    lifecycle: dict[str, str]
    texts: dict[str, tuple[str, ...]]
    """Text hashes of each page's versions, oldest first."""
    live: dict[str, str]
    """Text hash of each page's open version."""
    links: dict[str, frozenset[tuple[str, str]]]
    redirects: dict[str, str]
    held: frozenset[tuple[str, str, int, str]]
    """Source, URL, depth, rule."""
    clusters: frozenset[frozenset[str]]

    def differences(self, other: Snapshot) -> list[str]:
        """What differs, a line each; empty when the two are equal."""
        return [
            f"{part.name}: {line}"
            for part in fields(self)
            for line in _differences(getattr(self, part.name), getattr(other, part.name))
        ]


def _differences(mine: object, theirs: object) -> Iterable[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        keys = sorted(key for key in mine | theirs if mine.get(key) != theirs.get(key))
        return [f"{key}: {mine.get(key)} / {theirs.get(key)}" for key in keys]
    assert isinstance(mine, frozenset)
    assert isinstance(theirs, frozenset)
    here = [f"only here: {item}" for item in sorted(map(str, mine - theirs))]
    return here + [f"only there: {item}" for item in sorted(map(str, theirs - mine))]


async def snapshot(pool: asyncpg.Pool, base: str) -> Snapshot:
    """The corpus now; `base` is what the scripted server's URLs begin with."""

    def site(url: str) -> str:
        return url.replace(base, "{site}")

    versions = await pool.fetch(_VERSIONS)
    texts: dict[str, tuple[str, ...]] = defaultdict(tuple)
    live: dict[str, str] = {}
    for row in versions:
        texts[site(row["url"])] += (row["text"],)
        if row["open"]:
            live[site(row["url"])] = row["text"]
    pages_of = defaultdict(set)
    for url, text in live.items():
        pages_of[text].add(url)
    links = defaultdict(set)
    for row in await pool.fetch(_LINKS):
        links[site(row["url"])].add((site(row["target"]), row["rel"]))
    clusters = await _clusters(pool)
    return Snapshot(
        lifecycle={site(r["url"]): r["lifecycle"] for r in await pool.fetch(_LIFECYCLE)},
        texts=dict(texts),
        live=live,
        links={url: frozenset(found) for url, found in links.items()},
        redirects={site(r["url"]): site(r["target"]) for r in await pool.fetch(_REDIRECTS)},
        held=frozenset(
            (r["name"], site(r["url"]), r["depth"], r["rule"]) for r in await pool.fetch(_HELD)
        ),
        clusters=frozenset(
            frozenset(url for text in cluster for url in pages_of[text]) for cluster in clusters
        ),
    )


async def _clusters(pool: asyncpg.Pool) -> list[set[str]]:
    found = defaultdict(set)
    for row in await pool.fetch(
        "select encode(text_hash, 'hex') as text, representative from sketches"
    ):
        found[row["representative"]].add(row["text"])
    return list(found.values())


async def assert_invariants(
    pool: asyncpg.Pool, blobs: Path, *, bodies_since: datetime = _EVER
) -> None:
    """Everything that must hold of a corpus once no run is under way. After a clean-up the ledger
    keeps the bodies of its later fetches only, those since `bodies_since`.

    The rules are the audit's: what `atlas audit` asks of a corpus, asked here after every fault.
    """
    await assert_runs_ended(pool)
    await assert_nothing_is_found(pool)
    await assert_clusters_follow_the_evidence(pool)
    await assert_blobs(pool, blobs, bodies_since)
    await assert_feed_is_the_corpus(pool)
    if (folder := blobs.parent / "home" / "index").is_dir():
        await assert_index_is_the_live_texts(pool, folder)


async def assert_index_agrees(pool: asyncpg.Pool, index: SearchIndex) -> None:
    """2: the generation that serves has each text under its pages, and finds each by a sentence of
    its own."""
    agreement = IndexAgreement(pool, index)
    found = await agreement.ghosts()
    cursor: str | None = ""
    while cursor is not None:
        async with pool.acquire() as connection:
            part = await parts.pages(connection, cursor, parts.CHUNK)
        pages = [int(str(page)) for page in part.ids]
        found += await agreement.pages(pages)
        for page in pages:
            async with pool.acquire() as connection:
                document = await live_documents.read(connection, page)
            assert document is None or await agreement.finds(document), document.url
        cursor = part.cursor
    assert not found, "; ".join(f"{each.check}: {each.detail} ({each.key})" for each in found)


async def assert_runs_ended(pool: asyncpg.Pool) -> None:
    """1: what only a run under way may leave for a moment: none is."""
    await _none(pool, _NO_RUN, "select run_id from runs where ended_at is null")


async def assert_nothing_is_found(pool: asyncpg.Pool, *names: str) -> None:
    """1, 2, 4: none of the audit's checks, or of those whose names begin so, finds anything in any
    part of the corpus."""
    async with pool.acquire() as connection:
        found = [each for part in _PARTS for each in await _audited(connection, names, *part)]
    assert not found, "; ".join(f"{each.check}: {each.detail} ({each.key})" for each in found)


async def assert_one_version_per_live_page(pool: asyncpg.Pool) -> None:
    """4: one open version exactly per live page, and histories without a gap."""
    await assert_nothing_is_found(pool, "version", "history")


async def assert_index_is_the_live_texts(pool: asyncpg.Pool, folder: Path) -> None:
    """2: every generation that follows the feed has the live texts, each with its parts, and
    nothing else. What is left to read is read: a run waits for what it changed, and for no more."""
    index = TantivyIndex(folder)
    try:
        follower = IndexFollower(pool, index, analyse_aside, holder_name())
        while await follower.catch_up() is None:  # a worker is at it
            async with pool.acquire() as connection:
                state = await index_lease.progress(connection)
            if state.read_up_to == state.last:
                break
            await asyncio.sleep(0.05)
        await follower.stop()
        async with pool.acquire() as connection:
            known = await generations.known(connection)
            live = await live_texts.beginning(connection, "")
        assert "active" in {each.state for each in known.values()}
        for each in known.values():
            if each.follows:
                assert (await index.parts_of(each.number, "")).keys() == live, each.number
        await assert_index_agrees(pool, index)
    finally:
        await index.close()


async def assert_marks_name_live_pages(pool: asyncpg.Pool) -> None:
    """A duplicate and the page kept for it are live, and the kept one is no duplicate itself."""
    await assert_nothing_is_found(pool, "mark")


async def assert_clusters_follow_the_evidence(pool: asyncpg.Pool) -> None:
    """Sketches are those of the live texts, buckets those of the sketches, pairs those that the
    sketches make, and clusters the connected components of the pairs."""
    for stage in ("sketches", "buckets", "evidence", "clusters"):
        cursor: str | None = ""
        while cursor is not None:
            step = AuditStep(run_id="", stage=stage, cursor=cursor)
            done, found = await _audit(pool).evidence(step)
            assert not found, found
            cursor = done.cursor


async def _audited(
    connection: asyncpg.Connection,
    names: tuple[str, ...],
    scope: checks.Scope,
    following: Following,
) -> list[AuditFinding]:
    """What the checks of a scope find, part after part."""
    found: list[AuditFinding] = []
    cursor: str | None = ""
    while cursor is not None:
        part = await following(connection, cursor, parts.CHUNK)
        for check in checks.of(scope):
            if names and not check.name.startswith(names):
                continue
            found += await checks.found(connection, check, part.ids)
        cursor = part.cursor
    return found


async def _corpus(*_: object) -> parts.AuditPart:
    return parts.AuditPart([], None)


Following = Callable[[asyncpg.Connection, str, int], Awaitable[parts.AuditPart]]

_PARTS: tuple[tuple[checks.Scope, Following], ...] = (
    ("corpus", _corpus),
    ("pages", parts.pages),
    ("texts", parts.texts),
    ("runs", parts.runs),
)


def _audit(pool: asyncpg.Pool) -> AuditStore:
    nowhere = TantivyIndex(Path("/nonexistent"))  # its index is compared by itself
    return AuditStore(pool, lambda: datetime.now(UTC), Retention(), nowhere)


async def assert_blobs(pool: asyncpg.Pool, blobs: Path, bodies_since: datetime = _EVER) -> None:
    """3: every referenced blob exists, whole, under its name, and has its row."""
    async with open_blobs(str(blobs)) as store:
        for row in await pool.fetch("select hash from blobs"):
            async with pool.acquire() as connection:
                named = await live_documents.referred_bodies(
                    connection, [row["hash"]], bodies_since
                )
            for digest in named:
                await store.get(digest)  # raises unless whole
    await _none(
        pool,
        "referenced blobs without a row: ",
        "select snapshot from fetches where snapshot is not null "
        f"and fetched_at > '{bodies_since.isoformat()}' except select hash from blobs",
    )


_TASK_FAILED = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
_TASK_SCHEDULED = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
_SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
_UNHANDLED = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND


async def assert_workflows_healthy(client: Client, *, ended: bool = True) -> None:
    """5: no workflow failed, unless its request meant nothing, and no workflow task did (that is
    nondeterminism, or a bug)."""
    bad = (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT)
    async for execution in client.list_workflows():
        outcome = execution.search_attributes.get(ATTRIBUTE_OUTCOME, [""])[0]
        fine = execution.status not in bad or outcome in MEANT_NOTHING
        assert fine, f"{execution.id} {execution.status}"
        assert not ended or execution.status is not WorkflowExecutionStatus.RUNNING, execution.id
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        events = [event async for event in handle.fetch_history_events()]
        for at, event in enumerate(events):
            failed = event.event_type == _TASK_FAILED
            assert not failed or _overtaken_by_a_signal(events[at:]), event


def _overtaken_by_a_signal(events: Sequence[HistoryEvent]) -> bool:
    """Whether the workflow's end, or its continuing as new, crossed a signal and nothing else: the
    server then writes a failed task and the signal, and has the workflow decide again. It is the
    server's way of losing no signal. Anything else that was under way would be a bug of ours."""
    if events[0].workflow_task_failed_event_attributes.cause != _UNHANDLED:
        return False
    crossed = list(takewhile(lambda event: event.event_type != _TASK_SCHEDULED, events[1:]))
    return bool(crossed) and all(event.event_type == _SIGNALED for event in crossed)


async def _none(pool: asyncpg.Pool, what: str, query: str) -> None:
    rows = await pool.fetch(f"select * from ({query}) found limit 10")
    assert not rows, what + "; ".join(str(dict(row)) for row in rows)


_VERSIONS = """
    select p.url, encode(d.text_hash, 'hex') as text, v.valid_to is null as open
    from versions v join documents d on d.id = v.document_id join pages p on p.id = v.page_id
    order by p.url, v.seq
"""
_LIFECYCLE = "select p.url, ps.lifecycle from pages p join page_state ps on ps.page_id = p.id"
_LINKS = "select p.url, l.target, l.rel from links l join pages p on p.id = l.page_id"
_REDIRECTS = """
    select p.url, t.url as target from page_state ps
    join pages p on p.id = ps.page_id join pages t on t.id = ps.redirect_to
"""
_HELD = """
    select s.name, p.url, sp.depth, sp.rule
    from source_pages sp join sources s on s.id = sp.source_id join pages p on p.id = sp.page_id
"""
