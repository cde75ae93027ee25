"""The design's invariants, asserted on a database and its blob store; and the corpus as one value.

    await assert_invariants(pool, blobs)         # after any fault, once no run is under way
    assert await snapshot(pool, origin.base) == await snapshot(other_pool, other_origin.base)

A snapshot holds what two corpora of the same web must share: no ids, times, attempts. Numbers in
names are those of `design.md`, "Invariants".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import asyncpg
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus

from atlas.contracts.empty_runs import MEANT_NOTHING
from atlas.contracts.names import ATTRIBUTE_OUTCOME
from atlas.domain.connected_components import components
from atlas.stores.blobs import open_blobs

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
    indexed: frozenset[str]

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
    indexed = [row["text"] for row in await pool.fetch(_INDEXED)]
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
        indexed=frozenset(url for text in indexed for url in pages_of[text]),
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
    keeps the bodies of its later fetches only, those since `bodies_since`."""
    await assert_runs_ended(pool)
    await assert_one_version_per_live_page(pool)
    await assert_index_is_the_live_texts(pool)
    await assert_clusters_follow_the_evidence(pool)
    await assert_marks_name_live_pages(pool)
    await assert_settled_is_what_is_live(pool)
    await assert_blobs(pool, blobs, bodies_since)


async def assert_runs_ended(pool: asyncpg.Pool) -> None:
    """1: every page of a run is in one terminal state, and nothing is claimed or half-written."""
    await _none(pool, _NO_RUN, "select run_id from runs where ended_at is null or outcome is null")
    await _none(
        pool,
        "not terminal: ",
        "select run_id, url, stage, outcome from run_pages "
        "where stage <> 'done' or outcome is null "
        "or (outcome = 'failed') <> (error_class is not null and outcome <> 'skipped')",
    )
    await _none(pool, "claimed: ", "select page_id from page_state where claim_run is not null")
    await _none(pool, "half-written: ", "select page_id from prepared")
    await _none(pool, "leased: ", "select name from sources where lease_run is not null")


async def assert_one_version_per_live_page(pool: asyncpg.Pool) -> None:
    """4: one document per (page, text, extractor); one open version exactly per live page."""
    await _none(
        pool,
        "documents twice: ",
        "select page_id, text_hash, extractor from documents group by 1, 2, 3 having count(*) > 1",
    )
    await _none(
        pool,
        "open versions: ",
        """
        select p.url, ps.lifecycle, count(v.page_id) as open
        from page_state ps join pages p on p.id = ps.page_id
        left join versions v on v.page_id = ps.page_id and v.valid_to is null
        group by 1, 2
        having count(v.page_id) <> (ps.lifecycle in ('live', 'suspect'))::int
        """,
    )
    await _none(
        pool,
        "broken histories: ",
        """
        select * from (
            select v.page_id, v.seq, min(v.seq) over (partition by v.page_id) as oldest,
                   v.valid_from, v.valid_to, d.page_id as document_page,
                   row_number() over w as number, lead(v.valid_from) over w as next,
                   lag(v.document_id) over w as before, v.document_id, lag(v.valid_to) over w as gap
            from versions v join documents d on d.id = v.document_id
            window w as (partition by v.page_id order by v.seq)) h
        where seq <> oldest - 1 + number or document_page <> page_id or valid_to < valid_from
           or next < valid_to or (valid_to is null and next is not null)
           or (before = document_id and gap = valid_from)
        """,
    )


async def assert_index_is_the_live_texts(pool: asyncpg.Pool) -> None:
    """2: index entries, in every generation in use, and sketches are those of the distinct texts
    of live pages."""
    await assert_one_generation_serves(pool)
    generations = await pool.fetch("select id from generations where state <> 'retired'")
    for table in (*(f"index_entries_{row['id']}" for row in generations), "sketches"):
        await _none(
            pool,
            f"{table} and live texts differ: ",
            f"(select text_hash, '{table} only' from (select text_hash from {table} "
            f"except {_LIVE_TEXTS}) a) "
            f"union all (select text_hash, 'live only' from ({_LIVE_TEXTS} "
            f"except select text_hash from {table}) b)",
        )
    await _none(
        pool,
        "generation's counts are off: ",
        """
        select g.id, g.entries, g.tokens, count(e.*) as counted, coalesce(sum(e.length), 0) as sum
        from generations g left join index_entries e on e.generation = g.id
        where g.state <> 'retired' group by g.id
        having g.entries <> count(e.*) or g.tokens <> coalesce(sum(e.length), 0)
        """,
    )


async def assert_one_generation_serves(pool: asyncpg.Pool) -> None:
    """No generation is half-built or half-dropped, and the parts of a text are of one analyser."""
    await _none(
        pool,
        "half-built or half-dropped: ",
        "select id, state from generations where state in ('building', 'retired')",
    )
    await _none(
        pool,
        "partitions and generations differ: ",
        """
        select coalesce('index_entries_' || g.id, t.relname) as name, i.inhdetachpending
          from generations g
          full join (select oid, relname from pg_class
                      where relkind = 'r' and relname ~ '^index_entries_[0-9]+$') t
            on t.relname = 'index_entries_' || g.id
          left join pg_inherits i on i.inhrelid = t.oid
         where g.id is null or i.inhrelid is null or i.inhdetachpending
        """,
    )
    await _none(
        pool,
        "parts of two analysers, or a part is missing: ",
        """
        select generation, text_hash from index_entries group by 1, 2
        having count(distinct analyser) > 1 or max(part) + 1 <> count(*)
        """,
    )


async def assert_clusters_follow_the_evidence(pool: asyncpg.Pool) -> None:
    """Clusters are the connected components of verified pairs, named by their smallest hash."""
    of = {
        row["text_hash"]: row["representative"]
        for row in await pool.fetch("select text_hash, representative from sketches")
    }
    pairs = [(row["low"], row["high"]) for row in await pool.fetch("select * from similar_texts")]
    assert {text for pair in pairs for text in pair} <= set(of), "evidence of texts that are gone"
    for group in components(of, pairs):
        assert {of[text] for text in group} == {min(group)}, "a cluster is no component"
    await _none(
        pool,
        "bands: ",
        "select hash, text_hash from bands except select unnest(bands), text_hash from sketches",
    )
    await _none(
        pool,
        "lacking bands: ",
        "select unnest(bands), text_hash from sketches except select hash, text_hash from bands",
    )


async def assert_marks_name_live_pages(pool: asyncpg.Pool) -> None:
    """A duplicate and the page kept for it are live, and the kept one is no duplicate itself."""
    await _none(
        pool,
        "false marks: ",
        """
        select x.page_id, x.winner_page_id, x.kind
        from duplicates x
        left join versions v on v.page_id = x.page_id and v.valid_to is null
        left join documents d on d.id = v.document_id
        left join versions kv on kv.page_id = x.winner_page_id and kv.valid_to is null
        left join documents k on k.id = kv.document_id
        where d.id is null or k.id is null or (x.kind = 'exact') <> (d.text_hash = k.text_hash)
           or exists (select from duplicates w where w.page_id = x.winner_page_id)
        """,
    )


async def assert_settled_is_what_is_live(pool: asyncpg.Pool) -> None:
    """A live page's open version is of the snapshot it was settled with, or of the same text."""
    await _none(
        pool,
        "settled otherwise: ",
        """
        select p.url, ps.lifecycle from page_state ps join pages p on p.id = ps.page_id
        left join versions v on v.page_id = ps.page_id and v.valid_to is null
        left join documents d on d.id = v.document_id
        where ps.lifecycle in ('live', 'suspect') and ps.settled_snapshot is null
           or ps.settled_snapshot is not null
              and (d.id is null or ps.settled_extractor is distinct from d.extractor)
        """,
    )


async def assert_blobs(pool: asyncpg.Pool, blobs: Path, bodies_since: datetime = _EVER) -> None:
    """3: every referenced blob exists, whole, under its name, and has its row."""
    referenced = _REFERENCED.format(since=bodies_since.isoformat())
    rows = await pool.fetch(referenced)
    async with open_blobs(str(blobs)) as store:
        for row in rows:
            await store.get(row["hash"].hex())  # raises unless whole
    await _none(
        pool,
        "referenced blobs without a row: ",
        f"select hash from ({referenced}) r except select hash from blobs",
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


_LIVE_TEXTS = (
    "select d.text_hash from versions v join documents d on d.id = v.document_id "
    "where v.valid_to is null"
)

_REFERENCED = """
    select fetched_snapshot as hash from page_state where fetched_snapshot is not null
    union select settled_snapshot from page_state where settled_snapshot is not null
    union select snapshot from fetches where snapshot is not null and fetched_at > '{since}'
    union select snapshot from documents
    union select snapshot from held_bodies
    union select snapshot from quarantine
    union select hash from artifacts
"""

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
_INDEXED = """
    select distinct encode(e.text_hash, 'hex') as text
    from index_entries e join generations g on g.id = e.generation where g.state = 'active'
"""
