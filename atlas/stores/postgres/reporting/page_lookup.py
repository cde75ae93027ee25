"""Everything recorded of one address, read in one snapshot by a dozen statements, each of which
goes by an index whatever the size of the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from atlas.domain.addresses import crawler_traps
from atlas.domain.addresses.bucket_urls import lies_below
from atlas.domain.addresses.refused_addresses import NO_DOCUMENT
from atlas.domain.addresses.scope import Scope, looks_like_page, scope_of
from atlas.domain.addresses.urls import host_of, origin_of
from atlas.domain.media_kinds import type_of_name
from atlas.domain.politeness.circuit_breaker import state_of
from atlas.domain.removal import removal_rules
from atlas.domain.removal.page_facts import (
    AttemptMade,
    EvidenceSeen,
    HostNow,
    PageFacts,
    RefusedBefore,
    RemovalOnHold,
    SourceClaim,
    VisitOfRun,
)
from atlas.domain.removal.removal_rules import RULES, RemovalSign
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages.held_removals import LASTS
from atlas.stores.postgres.index.search import one_snapshot
from atlas.stores.postgres.reporting.kept_text import kept_text
from atlas.stores.postgres.sources.sources import Source, source_of, spec_of

ATTEMPTS = 20
"""How many requests are shown, the latest first."""
VISITS = 10
"""How many runs are shown, the latest first."""
_SOURCES = 50
_DECLARED = 1000
"""URLs of a source that are looked at for the host of an address."""


async def page_facts(connection: Connection, url: str, now: datetime) -> PageFacts:
    """What is recorded of a canonical URL, or, if that is no page and the same address with or
    without its last slash, or with the other scheme, is one, of that (`PageFacts.url`)."""
    async with one_snapshot(connection):
        page = await _page(connection, url)
        url = page["url"] if page else url
        found = await _sources(connection, url)
        facts = PageFacts(
            url=url,
            at=now,
            sources=tuple(_claim(url, row, now) for row in found),
            refusals=await _refusals(connection, url),
            host=await _host(connection, host_of(url)),
            trap=_trap(url),
            **await _erased(connection, url),
        )
        if page is None:
            return facts
        return replace(
            facts,
            **{name: page[name] for name in _STATE},
            working=page["claim_run"],
            **_due(page, found),
            evidence=_evidence(page, facts.holders),
            removals=await _removals(connection, page["id"]),
            visits=await _visits(connection, page["id"]),
            attempts=await _attempts(connection, page["id"]),
            text=await kept_text(connection, page["id"]),
        )


def other_forms(url: str) -> list[str]:
    """The URL, and those that people take for the same: with or without its last slash, https
    instead of http or the other way round."""
    head, mark, query = url.partition("?")
    slash = head[:-1] if head.endswith("/") and head.count("/") > 3 else f"{head}/"
    forms = [url, slash + mark + query]
    other = "http" if url.startswith("https:") else "https"
    return [*forms, *(f"{other}://{form.partition('://')[2]}" for form in forms)]


_STATE = (
    "lifecycle",
    "leads_to",
    "leads_to_lifecycle",
    "fetched_at",
    "checked_at",
    "settled_at",
    "tombstoned_at",
    "purged_at",
    "failures",
    "failed_code",
    "quarantined_for",
)


async def _page(connection: Connection, url: str) -> asyncpg.Record | None:
    return await connection.fetchrow(
        """
        select p.id, p.url, ps.*, led.url as leads_to, theirs.lifecycle as leads_to_lifecycle,
               case when q.since is not null then q.code || ': ' || q.reason end as quarantined_for
        from pages p join page_state ps on ps.page_id = p.id
        left join pages led on led.id = ps.redirect_to
        left join page_state theirs on theirs.page_id = ps.redirect_to
        left join quarantine q on q.page_id = p.id
        where p.url = any($1::text[])
        order by array_position($1::text[], p.url) limit 1
        """,
        other_forms(url),
    )


async def _erased(connection: Connection, url: str) -> dict[str, Any]:
    """When and why the address was purged: only its hash is known."""
    row = await connection.fetchrow(
        "select purged_at, reason from purged_urls where url_hash = purge_hash($1)", url
    )
    return {} if row is None else {"erased_at": row["purged_at"], "erased_for": row["reason"]}


async def _sources(connection: Connection, url: str) -> list[asyncpg.Record]:
    """The sources that hold the page, that refused it, or that are declared at its host; of those
    with many URLs only the first."""
    # What the table of sources has beside the URLs, of which there may be 100,000, is small.
    columns = ", ".join(f"s.{name}" for name in _COLUMNS if name != "urls")
    return await connection.fetch(
        f"""
        select {columns}, s.urls[1:20] as urls, $1 = any(s.urls) as declared,
               sp.rule as found, sp.depth, sp.listed_run, sp.listed_at, sp.absences, sp.absent_at,
               last.outcome as last_outcome, last.message as last_message, last.complete,
               sp.listed_run = last.run_id or exists (
                   select from run_pages rp
                   where rp.run_id = last.run_id and rp.page_id = sp.page_id) as came
        from sources s
        left join (source_pages sp join pages p on p.id = sp.page_id and p.url = $1)
            on sp.source_id = s.id
        left join lateral (
            select r.run_id, r.outcome, r.message, r.complete from runs r
            where r.source_id = s.id and r.kind = 'sync_pipeline' and r.ended_at is not null
              and (s.checked_at is null or r.started_at >= s.checked_at)
              and (r.started_at = s.checked_at or r.outcome = any($3::text[]))
            order by r.started_at desc limit 1) last on sp.page_id is not null
        where sp.page_id is not null
           or exists (select from refused_addresses r where r.source_id = s.id and r.url = $1)
           or starts_with(s.prefix, $2) or $1 = any(s.urls)
           or exists (select from unnest(s.urls[1:{_DECLARED}]) u where starts_with(u, $2))
        order by sp.page_id is null, s.name limit {_SOURCES}
        """,  # noqa: S608 (constants)
        url,
        f"{origin_of(url)}/",
        _NO_LISTING,
    )


_NO_LISTING = ["listing_failed", "nothing_selected"]
"""Outcomes of a run that wanted to read what its source lists, and came to no page."""
_COLUMNS = (
    *("id", "created_at", "checked_at", "synced_at", "listing_ttl"),
    *("lease_run", "lease_workflow", "lease_since"),
    *(rule.name for rule in fields(SourceSpec)),
)


def _claim(url: str, row: asyncpg.Record, now: datetime) -> SourceClaim:
    source = source_of(row)
    spec = source.spec
    fresh = source.freshness(now)
    return SourceClaim(
        source=spec.name,
        found=row["found"],
        depth=row["depth"],
        run_id=row["listed_run"],
        found_at=row["listed_at"],
        lists=row["declared"] and spec.kind in ("feed", "sitemap"),
        refused_by=_refused_by(url, source, declared=row["declared"], found=row["found"]),
        deletion=spec.deletion,
        absences=row["absences"] or 0,
        absent_at=row["absent_at"],
        absences_needed=removal_rules.absences_needed(spec.deletion, spec.kind),
        paused=spec.paused,
        pushed=spec.is_pushed,
        due=None if spec.is_pushed else fresh.due,
        last_run=source.checked_at,
        not_listed=_not_listed(row),
    )


def _not_listed(row: asyncpg.Record) -> str | None:
    if row["found"] is None or row["came"] or row["last_outcome"] is None:
        return None
    if row["last_outcome"] in _NO_LISTING:
        return row["last_message"] or "what the source lists could not be read"
    if row["complete"] is not False:
        return None
    return "it could not read all that the source lists, or reached a limit first"


def _refused_by(url: str, source: Source, *, declared: bool, found: str | None) -> str | None:
    """The rule that keeps the address out of the source now."""
    spec = source.spec
    if spec.kind == "site" and declared:
        return None  # where a crawl starts is not asked of its rules
    if rule := scope_of(spec).refusal(url):
        return rule
    if spec.kind == "bucket" and not lies_below(url, spec.urls):
        return "urls (it is below none of them)"
    if spec.kind == "bucket" and type_of_name(url) is None:
        return NO_DOCUMENT
    if spec.is_pushed and not any(Scope(prefix=each).allows(url) for each in spec.urls):
        return "urls (it is below none of them)"
    if spec.kind == "urls" and not declared and found != "redirect":
        return "urls (it is not one of them)"
    if spec.kind == "site" and not looks_like_page(url):
        return "not a page"
    return None


async def _refusals(connection: Connection, url: str) -> tuple[RefusedBefore, ...]:
    rows = await connection.fetch(
        """
        select s.name as source, r.rule, r.run_id, r.refused_at as at
        from refused_addresses r join sources s on s.id = r.source_id
        where r.url = $1 order by r.refused_at desc, s.name limit 20
        """,
        url,
    )
    return tuple(RefusedBefore(**row) for row in rows)


async def _removals(connection: Connection, page: int) -> tuple[RemovalOnHold, ...]:
    rows = await connection.fetch(
        f"""
        select s.name as source, r.sign, r.last_run as run_id, r.held_at, r.decided
        from held_removals r join sources s on s.id = r.source_id
        where r.page_id = $1 and (r.decided in ('approved', 'expired', 'removed') or {LASTS})
        order by r.held_at desc, s.name limit 5
        """,  # noqa: S608 (a constant)
        page,
    )
    return tuple(RemovalOnHold(**row) for row in rows)


async def _visits(connection: Connection, page: int) -> tuple[VisitOfRun, ...]:
    rows = await connection.fetch(
        """
        select r.run_id, r.workflow_id, r.source_name as source, r.started_at, r.ended_at,
               r.outcome as run_outcome, rp.stage, rp.outcome, rp.error_class,
               rp.error_code as code, rp.error as message, rp.attempts as requests,
               r.kind = 'restore_documents' as restored, r.trace_id
        from run_pages rp join runs r using (run_id)
        where rp.page_id = $1
          -- A restore that restored nothing says nothing of the page.
          and (r.kind <> 'restore_documents' or rp.outcome in ('added', 'updated'))
        order by r.started_at desc limit $2
        """,
        page,
        VISITS,
    )
    return tuple(VisitOfRun(**row) for row in rows)


async def _attempts(connection: Connection, page: int) -> tuple[AttemptMade, ...]:
    rows = await connection.fetch(
        """
        select fetched_at as at, run_id, attempt, status, final_url, error_class,
               error_code as code, encode(snapshot, 'hex') as snapshot, etag, last_modified,
               content_type, bytes, elapsed as seconds, truncated, rendered
        from fetches where page_id = $1 order by fetched_at desc, attempt desc limit $2
        """,
        page,
        ATTEMPTS,
    )
    return tuple(AttemptMade(**row) for row in rows)


async def _host(connection: Connection, host: str) -> HostNow | None:
    row = await connection.fetchrow(
        """
        select host, failures, throttled, last_error,
               case when open_until > clock_timestamp() then open_until end as next_try_at,
               extract(epoch from open_until - clock_timestamp())::float8 as waits
        from hosts where host = $1
        """,
        host,
    )
    if row is None:
        return None
    state = state_of(row["waits"], throttled=row["throttled"])
    troubled = row["failures"] or row["next_try_at"]
    return HostNow(
        host, state, row["next_try_at"], row["failures"], row["last_error"] if troubled else None
    )


def _trap(url: str) -> str | None:
    found = crawler_traps.endless(url)
    return found.reason if found else None


def _evidence(page: asyncpg.Record, holders: Sequence[SourceClaim]) -> tuple[EvidenceSeen, ...]:
    """What was counted, against what the most careful of the page's sources wants."""
    policy = removal_rules.most_careful([claim.deletion for claim in holders])
    found = []
    if page["noindex_count"]:
        needed = RULES[RemovalSign.NOINDEX].needed(policy)
        last = page["noindex_at"]
        found.append(EvidenceSeen("noindex", page["noindex_count"], needed, last, "noindex"))
    elif page["gone_count"]:
        status = page["gone_status"] or 404
        needed = RULES[RemovalSign.GONE if status == 410 else RemovalSign.NOT_FOUND].needed(policy)
        looks, last = page["gone_count"], page["gone_at"]
        found.append(EvidenceSeen("gone", looks, needed, last, f"HTTP {status}"))
    if page["moved_count"]:
        looks, last = page["moved_count"], page["moved_at"]
        target = page["leads_to"] or ""
        needed = RULES[RemovalSign.MOVED].needed(policy)
        found.append(EvidenceSeen("moved", looks, needed, last, target))
    if page["withdrawn_at"]:
        needed, last = RULES[RemovalSign.WITHDRAWN].needed(policy), page["withdrawn_at"]
        found.append(EvidenceSeen("withdrawn", 1, needed, last, "atlas docs withdraw"))
    found += [
        EvidenceSeen("absent", claim.absences, claim.absences_needed, claim.absent_at, claim.source)
        for claim in holders
        if claim.absences
    ]
    return tuple(found)


def _due(page: asyncpg.Record, found: Sequence[asyncpg.Record]) -> dict[str, Any]:
    """When the page is due, and the rule by which that was chosen."""
    if any(row["found"] and row["kind"] == "push" for row in found):
        return {"next_due": None, "next_due_because": "never: its documents are put there"}
    planned, because = page["next_due"], _because(page, found)
    if planned is None or page["failed_class"] or page["checked_at"] is None:
        return {"next_due": planned, "next_due_because": because}
    # As `run_membership` decides: a source with an objective asks for the page before that.
    bounds = [spec_of(row) for row in found if row["found"] and row["freshness"]]
    for spec in bounds:
        latest = page["checked_at"] + spec.longest_unseen
        if latest < planned:
            planned = latest
            because = f"freshness objective of source '{spec.name}': {spec.freshness}"
    return {"next_due": planned, "next_due_because": because}


def _because(page: asyncpg.Record, found: Sequence[asyncpg.Record]) -> str:
    """The rule of rechecks by which that was planned."""
    if page["next_due"] is None:
        return "" if page["fetched_at"] else "it was never fetched, so the next run asks for it"
    if page["failed_class"]:
        times = f"{page['failures']} runs in a row" if page["failures"] > 1 else "the last run"
        return f"back-off: {times} failed ({page['failed_code']})"
    cadences = [row["cadence"] for row in found if row["found"]]
    cadence = min(cadences, default=timedelta(days=1))
    bounds = f"between one and four times the source's cadence ({_words(cadence)})"
    seen = f"it changed at about {page['changes']:.1f} of the last {page['checks']:.1f} checks"
    if page["max_age"]:
        seen += f", and its server calls it fresh for {_words(timedelta(seconds=page['max_age']))}"
    return (
        f"recheck interval, {bounds}: {seen}" if page["checks"] else f"recheck interval, {bounds}"
    )


def _words(span: timedelta) -> str:
    seconds = span.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
