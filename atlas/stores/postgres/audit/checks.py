"""What must hold of a corpus at any moment, runs under way or not: named checks.

Each check is one statement, so it sees one moment, and every transaction of Atlas leaves these
statements without a row. They are asked of a part of the corpus at a time: of some pages ($1 is
their numbers), of some texts (their hashes), of some runs (their ids), or of what is small as a
whole (no parameter). Each row is a finding: its key, which the repair takes, and its details.

The tests assert the same statements after every fault (`tests/invariants.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atlas.domain.audit_findings import AuditFinding, Repair
from atlas.stores.postgres.connection import Connection

Scope = Literal["corpus", "pages", "texts", "runs"]


@dataclass(frozen=True, slots=True)
class CorpusCheck:
    """A statement of which no row may be found."""

    name: str
    scope: Scope
    says: str
    """What a row means, in words."""
    query: str
    """Gives `key` and `detail`, both text."""
    repair: Repair = ""


async def found(
    connection: Connection, check: CorpusCheck, ids: list[object]
) -> list[AuditFinding]:
    """What a check finds in a part of the corpus; all of it, if its scope is the corpus."""
    rows = await connection.fetch(check.query, *([] if check.scope == "corpus" else [ids]))
    return [
        AuditFinding(check.name, row["key"], f"{check.says}: {row['detail']}"[:500]) for row in rows
    ]


def of(scope: Scope) -> tuple[CorpusCheck, ...]:
    """The checks of one scope."""
    return tuple(check for check in CHECKS if check.scope == scope)


_LIVE = "ps.lifecycle in ('live', 'suspect')"
_OPEN_RUN = "exists (select from runs r where r.run_id = {} and r.ended_at is null)"

_PAGES = (
    CorpusCheck(
        "page_state",
        "pages",
        "a page has no state",
        "select p.id::text as key, p.url as detail from pages p "
        "where p.id = any($1::bigint[]) "
        "and not exists (select from page_state ps where ps.page_id = p.id)",
        "make_state",
    ),
    CorpusCheck(
        "version_missing",
        "pages",
        "a live page has no open version",
        f"""
        select p.id::text as key, p.url as detail
        from page_state ps join pages p on p.id = ps.page_id
        where ps.page_id = any($1::bigint[]) and {_LIVE}
          and not exists (select from versions v where v.page_id = p.id and v.valid_to is null)
        """,  # noqa: S608 (constants of this module)
        "process",
    ),
    CorpusCheck(
        "version_dangling",
        "pages",
        "a page that is not live has an open version",
        f"""
        select p.id::text as key, p.url || ' (' || ps.lifecycle || ')' as detail
        from page_state ps join pages p on p.id = ps.page_id
        where ps.page_id = any($1::bigint[]) and not {_LIVE}
          and exists (select from versions v where v.page_id = p.id and v.valid_to is null)
        """,  # noqa: S608 (constants of this module)
        "close_version",
    ),
    CorpusCheck(
        "history",
        "pages",
        "the versions of a page do not follow one another",
        """
        select distinct on (h.page_id) h.page_id::text as key,
               p.url || ' version ' || h.seq as detail
        from (
            select v.page_id, v.seq, min(v.seq) over (partition by v.page_id) as oldest,
                   v.valid_from, v.valid_to, d.page_id as document_page,
                   row_number() over w as number, lead(v.valid_from) over w as next,
                   lag(v.document_id) over w as before, v.document_id, lag(v.valid_to) over w as gap
            from versions v join documents d on d.id = v.document_id
            where v.page_id = any($1::bigint[])
            window w as (partition by v.page_id order by v.seq)) h
        join pages p on p.id = h.page_id
        where seq <> oldest - 1 + number or document_page <> page_id or valid_to < valid_from
           or next < valid_to or (valid_to is null and next is not null)
           or (before = document_id and gap = valid_from)
        order by h.page_id, h.seq
        """,
    ),
    CorpusCheck(
        "settled",
        "pages",
        "what a page was settled with is not what is live",
        f"""
        select p.id::text as key, p.url as detail
        from page_state ps join pages p on p.id = ps.page_id
        left join versions v on v.page_id = ps.page_id and v.valid_to is null
        left join documents d on d.id = v.document_id
        where ps.page_id = any($1::bigint[])
          and ({_LIVE} and ps.settled_snapshot is null
               or ps.settled_snapshot is not null
                  and (d.id is null or ps.settled_extractor is distinct from d.extractor))
        """,  # noqa: S608 (constants of this module)
        "process",
    ),
    CorpusCheck(
        "mark",
        "pages",
        "a mark of a duplicate is not true",
        """
        select x.page_id::text as key, x.kind || ' of page ' || x.winner_page_id as detail
        from duplicates x
        left join versions v on v.page_id = x.page_id and v.valid_to is null
        left join documents d on d.id = v.document_id
        left join versions kv on kv.page_id = x.winner_page_id and kv.valid_to is null
        left join documents k on k.id = kv.document_id
        where x.page_id = any($1::bigint[])
          and (d.id is null or k.id is null or (x.kind = 'exact') <> (d.text_hash = k.text_hash)
               or exists (select from duplicates w where w.page_id = x.winner_page_id))
        """,
        "remove_mark",
    ),
    CorpusCheck(
        "prepared",
        "pages",
        "work is prepared for a page that no run holds",
        """
        select w.page_id::text as key, p.url as detail
        from prepared w join pages p on p.id = w.page_id
        join page_state ps on ps.page_id = w.page_id
        where w.page_id = any($1::bigint[]) and ps.claim_run is null
        """,
        "remove_prepared",
    ),
    CorpusCheck(
        "claim",
        "pages",
        "a page is held by a run that has ended",
        f"""
        select p.id::text as key, p.url || ' by ' || ps.claim_run as detail
        from page_state ps join pages p on p.id = ps.page_id
        where ps.page_id = any($1::bigint[]) and ps.claim_run is not null
          and not {_OPEN_RUN.format("ps.claim_run")}
        """,  # noqa: S608 (constants of this module)
        "release_claim",
    ),
    CorpusCheck(
        "feed",
        "pages",
        "the last change of the page is not what is live",
        """
        select p.id::text as key, p.url || ' (' || coalesce(c.kind, 'nothing') || ')' as detail
        from pages p
        left join versions v on v.page_id = p.id and v.valid_to is null
        left join documents d on d.id = v.document_id
        left join lateral (
            select kind, version, document_id, text_hash, sources from changes c
            where c.page_id = p.id order by number desc limit 1) c on true
        where p.id = any($1::bigint[])
          and case when v.page_id is null then c.kind not in ('removed', 'erased')
                   when c.kind is null then (select trimmed from change_feed) = 0
                   else c.kind in ('removed', 'erased')
                        or (c.version, c.document_id, c.text_hash, c.sources)
                           is distinct from (v.seq, v.document_id, d.text_hash, array(
                               select s.name from source_pages sp
                               join sources s on s.id = sp.source_id
                               where sp.page_id = p.id order by 1)) end
        """,
        "tell_changes",
    ),
    CorpusCheck(
        "body_row",
        "pages",
        "a body that is referred to has no row",
        """
        select encode(o.hash, 'hex') as key, min(p.url) as detail
        from (
            select page_id, fetched_snapshot as hash from page_state
             where page_id = any($1::bigint[]) and fetched_snapshot is not null
            union select page_id, settled_snapshot from page_state
             where page_id = any($1::bigint[]) and settled_snapshot is not null
            union select page_id, snapshot from documents where page_id = any($1::bigint[])
            union select page_id, snapshot from quarantine where page_id = any($1::bigint[])
            union select page_id, snapshot from held_bodies where page_id = any($1::bigint[])
        ) o join pages p on p.id = o.page_id
        where not exists (select from blobs b where b.hash = o.hash)
        group by o.hash
        """,
        "note_blob",
    ),
)

_TEXTS: tuple[CorpusCheck, ...] = ()

_RUNS = (
    CorpusCheck(
        "run_end",
        "runs",
        "a run has a time of its end and no outcome, or an outcome and no end",
        "select run_id as key, kind as detail from runs "
        "where run_id = any($1::text[]) and (ended_at is null) <> (outcome is null)",
    ),
    CorpusCheck(
        "run_pages",
        "runs",
        "pages of a run that has ended have no outcome, so its counts do not add up",
        """
        select rp.run_id as key, count(*) || ' pages' as detail
        from run_pages rp join runs r using (run_id)
        where rp.run_id = any($1::text[]) and r.ended_at is not null and rp.outcome is null
        group by rp.run_id
        """,
        "end_pages",
    ),
    CorpusCheck(
        "run_failures",
        "runs",
        "a page of a run failed without an error, or has one and did not fail",
        """
        select rp.run_id || ' ' || rp.page_id as key, rp.url as detail from run_pages rp
        where rp.run_id = any($1::text[])
          and (rp.outcome = 'failed') <> (rp.error_class is not null and rp.outcome <> 'skipped')
        """,
    ),
    CorpusCheck(
        "run_leftovers",
        "runs",
        "a run that has ended left rows that only a run under way needs",
        """
        select r.run_id as key, 'entries of its listing, or groups' as detail from runs r
        where r.run_id = any($1::text[]) and r.ended_at is not null
          and (exists (select from listing_entries e where e.run_id = r.run_id)
               or exists (select from duplicate_findings f where f.run_id = r.run_id)
               or exists (select from purge_pages p where p.run_id = r.run_id)
               or exists (select from exports e where e.run_id = r.run_id))
        """,
        "remove_leftovers",
    ),
)

_CORPUS = (
    CorpusCheck(
        "lease",
        "corpus",
        "a source is held by a run that has ended",
        f"""
        select s.name as key, s.lease_run as detail from sources s
        where s.lease_run is not null and not {_OPEN_RUN.format("s.lease_run")}
          -- A run takes the lease a moment before it is recorded.
          and (s.lease_since is null or s.lease_since < now() - interval '1 hour'
               or exists (select from runs r where r.run_id = s.lease_run))
        """,  # noqa: S608 (constants of this module)
        "release_lease",
    ),
    CorpusCheck(
        "generation_building",
        "corpus",
        "a generation is built by a run that has ended; `atlas index rebuild` takes it over",
        f"""
        select number::text as key, run_id as detail from index_generations
        where state = 'building' and run_id is not null
          and not {_OPEN_RUN.format("index_generations.run_id")}
        """,  # noqa: S608 (constants of this module)
    ),
    CorpusCheck(
        "feed_numbers",
        "corpus",
        "the feed of changes has a gap; readers begin with `--since start`",
        """
        select 'changes' as key,
               f.last - f.trimmed || ' numbers, ' || count(c.number) || ' changes' as detail
        from change_feed f left join changes c on true group by f.last, f.trimmed
        having f.last - f.trimmed <> count(c.number)
            or count(c.number) > 0 and (min(c.number), max(c.number)) <> (f.trimmed + 1, f.last)
        """,
    ),
    CorpusCheck(
        "feed_pages",
        "corpus",
        "the last change of a page that no longer exists is no removal",
        """
        select c.page_id::text as key, c.url as detail from changes c
        where c.kind not in ('removed', 'erased')
          and not exists (select from pages p where p.id = c.page_id)
          and not exists (select from changes o where o.page_id = c.page_id
                          and o.number > c.number)
        """,
    ),
    CorpusCheck(
        "artifact_row",
        "corpus",
        "a report or manifest has no row for its body",
        """
        select encode(a.hash, 'hex') as key, a.kind || ' ' || a.name as detail from artifacts a
        where not exists (select from blobs b where b.hash = a.hash)
        """,
        "note_blob",
    ),
)

CHECKS = (*_CORPUS, *_PAGES, *_TEXTS, *_RUNS)
BY_NAME = {check.name: check for check in CHECKS}
