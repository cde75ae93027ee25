"""What audits found: written as they go, so that no retried step counts anything twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.audit_findings import AuditFinding
from atlas.stores.postgres.connection import Connection

_AUDITS_KEPT = 5


@dataclass(frozen=True, slots=True)
class LastAudit:
    """The last audit that ended, as `atlas status` and the health check show it."""

    run_id: str
    ended_at: datetime
    findings: int
    """What did not agree."""
    repaired: int
    """Of these, what the audit repaired."""
    full: bool

    @property
    def open(self) -> int:
        """Findings that nobody has repaired."""
        return self.findings - self.repaired


async def record(connection: Connection, run_id: str, found: Sequence[AuditFinding]) -> None:
    """Record findings; the same one twice is one row, as last seen."""
    rows = {(each.check, each.key): _row(each) for each in found}
    if rows:
        await connection.execute(
            """
            insert into audit_findings (run_id, check_name, key, detail, repair, repaired)
            select $1, o.* from unnest($2::text[], $3::text[], $4::text[], $5::text[],
                                       $6::boolean[]) as o
            on conflict (run_id, check_name, key) do update
            set repair = excluded.repair, repaired = audit_findings.repaired or excluded.repaired
            """,
            run_id,
            *map(list, zip(*rows.values(), strict=True)),
        )


def _row(each: AuditFinding) -> tuple[str, str, str, str, bool]:
    return each.check, each.key, each.detail, each.repair, each.repaired


async def listed(
    connection: Connection, run_id: str, after: tuple[str, str], limit: int
) -> list[AuditFinding]:
    """Findings of a run in the order of check and key, from behind `after`."""
    rows = await connection.fetch(
        "select check_name, key, detail, repair, repaired from audit_findings "
        "where run_id = $1 and (check_name, key) > ($2, $3) order by check_name, key limit $4",
        run_id,
        *after,
        limit,
    )
    return [AuditFinding(*row) for row in rows]


async def counts(connection: Connection, run_id: str) -> dict[str, tuple[int, int]]:
    """Check → findings, and how many of these were repaired."""
    rows = await connection.fetch(
        "select check_name, count(*), count(*) filter (where repaired) as repaired "
        "from audit_findings where run_id = $1 group by check_name order by check_name",
        run_id,
    )
    return {row["check_name"]: (row["count"], row["repaired"]) for row in rows}


async def forget(connection: Connection) -> None:
    """Drop the findings of all but the last few audits: their lists are kept as outcomes."""
    await connection.execute(
        """
        delete from audit_findings where run_id not in (
            select run_id from runs where kind = 'audit_corpus'
            order by started_at desc limit $1)
        """,
        _AUDITS_KEPT,
    )


async def last(connection: Connection) -> LastAudit | None:
    """The last audit that was completed; None: there was none."""
    row = await connection.fetchrow(
        "select run_id, ended_at, summary from runs where kind = 'audit_corpus' "
        "and outcome in ('completed', 'completed_with_failures') order by ended_at desc limit 1"
    )
    if row is None:
        return None
    summary = json.loads(row["summary"])
    return LastAudit(
        row["run_id"],
        row["ended_at"],
        summary.get("findings", 0),
        summary.get("repaired", 0),
        bool(summary.get("full", 0)),
    )
