"""Sources: their rules, and the lease that says which run works on one now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

import asyncpg

from atlas.domain.source_freshness import Freshness, freshness
from atlas.domain.sources import SourceSpec, is_due, lateness
from atlas.domain.timing.clocks import MOST_SKEW
from atlas.domain.timing.recheck_interval import listing_interval
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources import listing_quarantine, rules_of_pages
from atlas.stores.postgres.sources.listing_quarantine import QuarantinedListing

_COLUMNS = tuple(rule.name for rule in fields(SourceSpec))
"""A rule is declared once, in `SourceSpec`: its column has the same name."""


_SKEW = timedelta(seconds=MOST_SKEW)


# Namesake of starter/errors.py: that one is for callers, whose errors are all of one tree.
class SourceExists(Exception):
    """A source of this name is declared already."""


class UnknownSource(Exception):
    """No source of this name; the message lists those that are."""


# Namesake of starter/errors.py: that one is for callers, whose errors are all of one tree.
class SourceBusy(Exception):
    """A run holds the source's lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a source."""

    workflow_id: str
    run_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """A declared source as stored."""

    id: int
    spec: SourceSpec
    lease: Lease | None
    declared_at: datetime
    checked_at: datetime | None
    """Start of the last run that read its listing."""
    synced_at: datetime | None
    """Start of the last run that worked it through."""
    listing_ttl: float | None = None
    """Seconds between readings that its feed asks for."""

    def late(self, now: datetime) -> timedelta:
        """How long it has been due; negative while it is not."""
        return lateness(self._paced, self._checked(now), self.declared_at, now)

    def due(self, now: datetime) -> bool:
        """Whether to collect it now."""
        return is_due(self._paced, self._checked(now), self.declared_at, now)

    def freshness(self, now: datetime, allowed: timedelta | None = None) -> Freshness:
        """How it keeps its promise; `allowed`: a tolerance in place of its own."""
        checked = self._checked(now)
        return freshness(self._paced, checked, self.declared_at, now, allowed=allowed)

    def _checked(self, now: datetime) -> datetime | None:
        """None also where that lies in the future: a clock was wrong, and the source would wait
        until then."""
        known = self.checked_at
        return None if known is not None and known > now + _SKEW else known

    @property
    def _paced(self) -> SourceSpec:
        """The rules, at the pace that the publisher asks for if that is slower."""
        return replace(self.spec, cadence=listing_interval(self.spec.cadence, self.listing_ttl))


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source with what the corpus holds of it."""

    source: Source
    pages: int
    live: int
    last_outcome: str | None
    last_ended: datetime | None
    trapped: dict[str, int]
    """Links that the last crawl did not follow: reason → how many."""
    quarantined: tuple[QuarantinedListing, ...] = ()


LAST_RUN = """
    left join lateral (
        select outcome, ended_at from runs
        where source_id = s.id and ended_at is not null order by started_at desc limit 1
    ) r on true
"""


def spec_of(row: asyncpg.Record) -> SourceSpec:
    """The rules in a row of the table."""
    rules = {name: row[name] for name in _COLUMNS}
    rules = {name: tuple(rule) if isinstance(rule, list) else rule for name, rule in rules.items()}
    return SourceSpec(**rules)


def source_of(row: asyncpg.Record) -> Source:
    """The source of a row of the table."""
    lease = None
    if row["lease_run"] is not None:
        lease = Lease(row["lease_workflow"], row["lease_run"], row["lease_since"])
    return Source(
        id=row["id"],
        spec=spec_of(row),
        lease=lease,
        declared_at=row["created_at"],
        checked_at=row["checked_at"],
        synced_at=row["synced_at"],
        listing_ttl=row["listing_ttl"],
    )


def held_by(number: int, page: str) -> str:
    """SQL: whether the source named in a parameter holds the page, or none is named."""
    return (
        f"(${number}::text is null or exists (select from source_pages sp"
        f" join sources s on s.id = sp.source_id"
        f" where sp.page_id = {page} and s.name = ${number}))"
    )


def fetched(page: str) -> str:
    """SQL: whether no document is pushed for the page, so that runs may fetch it."""
    # A value, not `not exists`: that becomes a join, for which a plan may read every page there is.
    return (
        "(select true from source_pages pushed join sources s on s.id = pushed.source_id"  # noqa: S608 (a column)
        f" where pushed.page_id = {page} and s.kind = 'push' limit 1) is null"
    )


def holders(page: str) -> str:
    """SQL: the names of the sources that hold the page, in order."""
    return (
        "array(select s.name from source_pages sp join sources s on s.id = sp.source_id"  # noqa: S608 (a column)
        f" where sp.page_id = {page} order by s.name)"
    )


async def add(connection: Connection, spec: SourceSpec, now: datetime) -> int:
    """Declare a source; raises `SourceExists`."""
    values = asdict(spec)
    columns = ", ".join(_COLUMNS)
    last = len(_COLUMNS)
    marks = ", ".join(f"${n}" for n in range(1, last + 1))
    digest = await rules_of_pages.keep(connection, spec.extraction)
    try:
        found: int = await connection.fetchval(
            f"insert into sources ({columns}, created_at, extraction_rules) "  # noqa: S608 (constants)
            f"values ({marks}, ${last + 1}, ${last + 2}) returning id",
            *(_plain(values[name]) for name in _COLUMNS),
            now,
            digest,
        )
        return found
    except asyncpg.UniqueViolationError:
        raise SourceExists(
            f"source '{spec.name}' exists already; "
            f"change it with `atlas sources edit {spec.name}`, "
            "or choose another name"
        ) from None


async def edit(connection: Connection, spec: SourceSpec) -> None:
    """Replace the rules of the source of that name."""
    values = asdict(spec)
    named = (*_COLUMNS[1:], "extraction_rules")
    changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(named, 2))
    digest = await rules_of_pages.keep(connection, spec.extraction)
    done = await connection.execute(
        f"update sources set {changes} where name = $1",  # noqa: S608 (constants)
        spec.name,
        *(_plain(values[name]) for name in _COLUMNS[1:]),
        digest,
    )
    if done == "UPDATE 0":
        raise await unknown(connection, spec.name)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


async def get(connection: Connection, name: str) -> Source:
    """The source of that name; raises `UnknownSource`."""
    row = await connection.fetchrow("select * from sources where name = $1", name)
    if row is None:
        raise await unknown(connection, name)
    return source_of(row)


async def why_unknown(connection: Connection, names: Sequence[str]) -> str:
    """The message about the first of these names that no source has; empty: all are declared."""
    rows = await connection.fetch("select name from sources where name = any($1)", list(names))
    declared = {row["name"] for row in rows}
    missing = next((name for name in names if name not in declared), None)
    return "" if missing is None else str(await unknown(connection, missing))


async def unknown(connection: Connection, name: str) -> UnknownSource:
    names = await all_names(connection)
    known = f"known: {', '.join(names[:20])}" if names else "none is declared yet"
    return UnknownSource(f"no source is named '{name}'; {known}; `atlas sources add` declares one")


async def all_names(connection: Connection, *, active_only: bool = False) -> list[str]:
    rows = await connection.fetch(
        "select name from sources where not ($1 and (paused or kind = 'push')) order by name",
        active_only,
    )
    return [row["name"] for row in rows]


async def tagged(connection: Connection, tags: Sequence[str]) -> list[str]:
    """Names of the sources that carry one of the tags and can be collected."""
    rows = await connection.fetch(
        "select name from sources where tags && $1::text[] and not paused and kind <> 'push' "
        "order by name",
        list(tags),
    )
    return [row["name"] for row in rows]


async def every(connection: Connection) -> list[Source]:
    """All sources by name."""
    return [source_of(row) for row in await connection.fetch("select * from sources order by name")]


async def lock_declarations(connection: Connection) -> None:
    """Let nobody else declare, change or remove a source before this transaction ends."""
    # SHARE ROW EXCLUSIVE keeps writers out, of new rows too, which row locks cannot; readers go on.
    # A run that takes or releases a lease waits for the rest of this transaction, which is short.
    await connection.execute("lock table sources in share row exclusive mode")


async def lock_for_removal(connection: Connection, names: Sequence[str]) -> None:
    """Wait for whoever refers to these sources now."""
    # All before the first is removed, because a removal ends with the counter of changes, which is
    # to be the last lock: whoever holds it must not wait for a run that waits for it.
    await connection.execute(
        "select from sources where name = any($1::text[]) order by id for update", list(names)
    )


async def owned_origins(connection: Connection, origins: Collection[str]) -> frozenset[str]:
    """Those of the origins that some source declares a URL or its prefix at."""
    if not origins:
        return frozenset()
    rows = await connection.fetch(
        """
        select origin from unnest($1::text[]) origin where exists (
            select from sources s, unnest(s.urls || s.prefix) url
            where starts_with(url, origin || '/')
        )
        """,
        list(origins),
    )
    return frozenset(row["origin"] for row in rows)


async def worked(
    connection: Connection,
    name: str,
    started: datetime,
    *,
    checked: bool,
    synced: bool,
    now: datetime,
) -> None:
    """Remember when the run began that last read the listing, and that last worked it through.
    What was remembered of the future (a clock was wrong) gives way."""
    await connection.execute(
        """
        update sources
        set checked_at = case when not $3 then checked_at
                 else greatest(case when checked_at <= $5 then checked_at end, $2) end,
            synced_at = case when not $4 then synced_at
                 else greatest(case when synced_at <= $5 then synced_at end, $2) end
        where name = $1
        """,
        name,
        started,
        checked,
        synced,
        now,
    )


async def remember_listing_ttl(connection: Connection, source_id: int, ttl: float | None) -> None:
    """For how many seconds the source's feed asks not to be read again."""
    await connection.execute(
        "update sources set listing_ttl = $2 where id = $1 and listing_ttl is distinct from $2",
        source_id,
        ttl,
    )


async def summaries(connection: Connection, name: str | None = None) -> list[SourceSummary]:
    """All sources, or one, with their counts and last run."""
    # All are counted in one pass over their pages; one by its own pages.
    chosen = "" if name is None else "where {} = (select id from sources where name = $1)"
    rows = await connection.fetch(
        f"""
        with held as (
            select sp.source_id, count(*) as pages,
                   count(*) filter (where ps.lifecycle in ('live', 'suspect')) as live
            from source_pages sp join page_state ps using (page_id)
            {chosen.format("sp.source_id")}
            group by sp.source_id
        )
        select s.*, coalesce(h.pages, 0) as pages, coalesce(h.live, 0) as live,
               r.outcome as last_outcome, r.ended_at as last_ended, t.reasons, t.links
        from sources s left join held h on h.source_id = s.id {LAST_RUN}
        left join lateral (
            select array_agg(reason) as reasons, array_agg(links) as links from (
                select t.reason, sum(t.addresses)::bigint as links
                from runs x join run_traps t on t.run_id = x.run_id
                where x.source_id = s.id and x.started_at = s.checked_at
                group by t.reason order by t.reason) by_reason
        ) t on true
        {chosen.format("s.id")}
        order by s.name
        """,  # noqa: S608 (constants)
        *([] if name is None else [name]),
    )
    quarantined = await listing_quarantine.listed(connection, name)
    return [
        SourceSummary(
            source_of(row),
            row["pages"],
            row["live"],
            row["last_outcome"],
            row["last_ended"],
            dict(zip(row["reasons"] or (), row["links"] or (), strict=True)),
            quarantined.get(row["name"], ()),
        )
        for row in rows
    ]


async def set_paused(connection: Connection, name: str, paused: bool) -> None:
    done = await connection.execute("update sources set paused = $2 where name = $1", name, paused)
    if done == "UPDATE 0":
        raise await unknown(connection, name)


async def take_lease(
    connection: Connection,
    source_id: int,
    *,
    run_id: str,
    workflow_id: str,
    now: datetime,
    instead_of: str | None = None,
) -> Lease | None:
    """Take the lease; return who holds it when it is not ours.

    `instead_of` names a holder known to be closed, whose lease may be taken over: compared and
    swapped in one statement, so that of two takers one wins.
    """
    row = await connection.fetchrow(
        """
        update sources set lease_run = $2, lease_workflow = $3,
               lease_since = case when lease_run = $2 then lease_since else $4 end
        where id = $1 and (lease_run is null or lease_run = $2 or lease_run = $5)
        returning id
        """,
        source_id,
        run_id,
        workflow_id,
        now,
        instead_of,
    )
    if row is not None:
        return None
    held = await connection.fetchrow(
        "select lease_workflow, lease_run, lease_since from sources where id = $1", source_id
    )
    if held is None or held["lease_run"] is None:  # freed or removed in between: ask again
        return Lease("", "", now)
    return Lease(held["lease_workflow"], held["lease_run"], held["lease_since"])


async def release_lease(connection: Connection, run_id: str) -> None:
    await connection.execute(
        "update sources set lease_run = null, lease_workflow = null, lease_since = null "
        "where lease_run = $1",
        run_id,
    )
