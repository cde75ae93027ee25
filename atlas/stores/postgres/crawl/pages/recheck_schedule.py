"""When each page is due again, written in the transaction that records what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from atlas.domain.errors import PageError
from atlas.domain.politeness.robots_tags import asked_by_header, earliest
from atlas.domain.timing import recheck_interval
from atlas.domain.timing.recheck_interval import History, Stated
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class PageCheck:
    """What a check of a page came to: it failed with `error`, or it `changed` or not. None: another
    body came, and settling it will show whether its document changed.

    `max_age`: the freshness the server stated now, seconds; None: it stated none, or what it
    stated at the fetch holds (`restate` false).
    """

    page_id: int
    changed: bool | None = None
    error: PageError | None = None
    max_age: float | None = None
    restate: bool = True
    robots: str | None = None
    """What X-Robots-Tag asks of Atlas now; None: what is known of it holds."""


_STATE = """
    select ps.page_id, p.url, ps.checked_at, ps.checks, ps.changes, ps.watched, ps.failures,
           ps.max_age, ps.changed_at, ps.robots_tag, ps.unavailable_after,
           coalesce((select coalesce(min(s.cadence) filter (where not s.paused), min(s.cadence))
                     from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = ps.page_id), interval '1 day') as cadence
    from page_state ps join pages p on p.id = ps.page_id
    where ps.page_id = any($1::bigint[])
"""
_WRITE = """
    update page_state ps
    set checked_at = o.checked_at, next_due = o.next_due, checks = o.checks, changes = o.changes,
        watched = o.watched, changed_at = o.changed_at, max_age = o.max_age
    from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::float8[],
                $6::float8[], $7::timestamptz[], $8::float8[])
         as o(page_id, checked_at, next_due, checks, changes, watched, changed_at, max_age)
    where ps.page_id = o.page_id
"""


async def plan(
    connection: Connection, started: datetime, checks: Sequence[PageCheck], now: datetime
) -> None:
    """Note the checks of pages (locked before) and when each is due again.

    Call it before the run's outcome of the pages is written: that counts the failures.
    """
    if not checks:
        return
    rows = await connection.fetch(_STATE, [check.page_id for check in checks])
    states = {row["page_id"]: row for row in rows}
    plans = [
        _planned(states[check.page_id], check, started, now)
        for check in checks
        if check.page_id in states
    ]
    await connection.execute(_WRITE, *(list(column) for column in zip(*plans, strict=True)))


async def plan_processed(
    connection: Connection, run_id: str, changed: Mapping[int, bool], now: datetime
) -> None:
    """Note the checks of pages (locked before) whose new body was processed: whether that changed
    the page. A body that was known was planned when it was fetched."""
    # Only now is it known whether a body that differs has another document: pages that name the
    # hour, or a token, would else count as changing at every check.
    rows = await connection.fetch(
        "select page_id from page_state "
        "where page_id = any($1::bigint[]) and checked_at is distinct from fetched_at",
        list(changed),
    )
    started = await connection.fetchval("select started_at from runs where run_id = $1", run_id)
    checks = [
        PageCheck(row["page_id"], changed=changed[row["page_id"]], restate=False) for row in rows
    ]
    await plan(connection, started or now, checks, now)


class _Plan(NamedTuple):
    """The new values of one page, in the order of `_WRITE`."""

    page_id: int
    checked_at: datetime | None
    next_due: datetime
    checks: float
    changes: float
    watched: float
    changed_at: datetime | None
    max_age: float | None


def _planned(state: asyncpg.Record, check: PageCheck, started: datetime, now: datetime) -> _Plan:
    planned = _by_checks(state, check, started, now)
    robots = state["robots_tag"] if check.robots is None else check.robots
    until = earliest(asked_by_header([robots]).unavailable_after, state["unavailable_after"])
    # Due at once when it is to leave the index, however seldom it changes.
    if until is not None and now < until < planned.next_due:
        return planned._replace(next_due=until)
    return planned


def _by_checks(state: asyncpg.Record, check: PageCheck, started: datetime, now: datetime) -> _Plan:
    if check.error is not None:
        return _failed(state, check.error, now)
    base = recheck_interval.due_from(now, started, state["cadence"])
    max_age = check.max_age if check.restate else state["max_age"]
    if check.changed is None:
        return _kept(state, base + state["cadence"])._replace(max_age=max_age)
    return _answered(state, check.changed, base, max_age, now)


def _kept(state: asyncpg.Record, next_due: datetime) -> _Plan:
    """As before, but for when the page is due."""
    values = {name: state[name] for name in _Plan._fields if name != "next_due"}
    return _Plan(next_due=next_due, **values)


def _failed(state: asyncpg.Record, error: PageError, now: datetime) -> _Plan:
    stated = Stated(retry_after=error.retry_after)
    failures = state["failures"] + 1  # the run's outcome of the page, written next, counts it
    pause = recheck_interval.back_off(error.error_class, failures, state["cadence"], stated)
    return _kept(state, now + pause)


def _answered(
    state: asyncpg.Record, changed: bool, base: datetime, max_age: float | None, now: datetime
) -> _Plan:
    cadence = state["cadence"]
    history = History(state["checks"], state["changes"], state["watched"])
    if state["checked_at"] is not None:
        after = now - state["checked_at"]
        history = history.seen(changed=changed, after=after, cadence=cadence)
    pause = recheck_interval.interval(history, cadence, Stated(max_age=max_age), state["url"])
    return _Plan(
        page_id=state["page_id"],
        checked_at=now,
        next_due=base + pause,
        checks=history.checks,
        changes=history.changes,
        watched=history.watched,
        changed_at=now if changed else state["changed_at"],
        max_age=max_age,
    )
