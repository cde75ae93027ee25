"""When each page is due again, written in the transaction that records what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain import recheck
from atlas.domain.errors import PageError
from atlas.domain.recheck import History, Stated
from atlas.stores.postgres.pool import Connection


@dataclass(frozen=True, slots=True)
class Check:
    """What a check of a page came to: it failed with `error`, or it `changed` or not. None: another
    body came, and settling it will tell whether its document changed.

    `max_age`: the freshness the server stated now, seconds; None: it stated none, or what it
    stated at the fetch holds (`restate` false).
    """

    page_id: int
    changed: bool | None = None
    error: PageError | None = None
    max_age: float | None = None
    restate: bool = True


_STATE = """
    select ps.page_id, p.url, ps.checked_at, ps.checks, ps.changes, ps.watched, ps.failures,
           ps.max_age, ps.changed_at, ps.next_due,
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
    connection: Connection, started: datetime, checks: Sequence[Check], now: datetime
) -> None:
    """Note the checks of pages (locked before) and when each is due again.

    Call it before the run's outcome of the pages is written: that counts the failures.
    """
    if not checks:
        return
    rows = await connection.fetch(_STATE, [check.page_id for check in checks])
    states = {row["page_id"]: row for row in rows}
    planned = [
        _planned(states[check.page_id], check, started, now)
        for check in checks
        if check.page_id in states
    ]
    await connection.execute(_WRITE, *(list(column) for column in zip(*planned, strict=True)))


def _planned(
    state: asyncpg.Record, check: Check, started: datetime, now: datetime
) -> tuple[object, ...]:
    """The new values of one page, in the order of `_WRITE`."""
    history = History(state["checks"], state["changes"], state["watched"])
    checked_at, changed_at, cadence = state["checked_at"], state["changed_at"], state["cadence"]
    max_age = check.max_age if check.restate else state["max_age"]
    base = recheck.due_from(now, started, cadence)
    if check.error is not None:
        stated = Stated(retry_after=check.error.retry_after)
        failures = state["failures"] + 1
        due = now + recheck.back_off(check.error.error_class, failures, cadence, stated)
        max_age = state["max_age"]
    elif check.changed is None:
        due = base + cadence
    else:
        if checked_at is not None:
            history = history.seen(changed=check.changed, after=now - checked_at, cadence=cadence)
        if check.changed:
            changed_at = now
        checked_at = now
        due = base + recheck.interval(history, cadence, Stated(max_age=max_age), state["url"])
    return (
        state["page_id"],
        checked_at,
        due,
        history.checks,
        history.changes,
        history.watched,
        changed_at,
        max_age,
    )
