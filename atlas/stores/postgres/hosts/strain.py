"""What requests show of a host's trouble, kept in the row that paces it: every worker slows down
with the next request, and speeds up again together with the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.domain.errors import PageError
from atlas.domain.politeness.adaptive_delay import (
    EASY,
    FORGOTTEN,
    PATIENCE_CODES,
    Strain,
    after_answer,
    after_refusal,
)
from atlas.stores.postgres.connection import Connection

_SILENT_CODES = frozenset(("header_timeout", "read_timeout", "total_timeout"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one request showed."""

    reserved_at: datetime
    """When its slot was granted, by the database's clock."""
    delay: float
    """Seconds between requests that were kept before it."""
    latency: float | None
    """Seconds until the head of its answer came, or until it was given up; None: it was not sent,
    or cut off."""
    refused: bool
    """Whether it was answered 429 or 503 without Retry-After."""

    def changes(self, *, strained: bool) -> bool:
        """Whether there is anything to note of a host that was `strained`, or was not."""
        slow = self.latency is not None and self.latency > EASY
        return self.refused or slow or (strained and self.latency is not None)


def seen(
    reserved_at: datetime,
    delay: float,
    *,
    answered_in: float | None,
    since: float,
    failed: PageError | None,
) -> Seen:
    """What a request showed that was sent `since` seconds ago."""
    silent = failed is not None and failed.code in _SILENT_CODES
    refused = failed is not None and failed.code in PATIENCE_CODES and failed.retry_after is None
    latency = since if answered_in is None and silent else answered_in
    return Seen(reserved_at, delay, latency, refused)


async def note(connection: Connection, host: str, request: Seen) -> None:
    """Count what a request showed."""
    # Locked: several workers note theirs at once, and each counts.
    async with connection.transaction():
        row = await connection.fetchrow(
            "select slow, backoff, refused_at, "
            "strained_at > clock_timestamp() - make_interval(secs => $2) as lately "
            "from hosts where host = $1 for update",
            host,
            FORGOTTEN,
        )
        if row is None:
            return
        strain = Strain(row["slow"], row["backoff"]) if row["lately"] else Strain()
        if not request.refused:
            strain = after_answer(strain, request.latency or 0.0)
        elif row["refused_at"] is None or row["refused_at"] <= request.reserved_at:
            strain = after_refusal(strain, request.delay)
        else:  # it was under way when the delay was doubled: it says nothing of the new one
            return
        await connection.execute(
            """
            update hosts set slow = $2, backoff = $3, adaptive_delay = $4,
                strained_at = clock_timestamp(),
                refused_at = case when $5 then clock_timestamp() else refused_at end
            where host = $1
            """,
            host,
            strain.slow,
            strain.backoff,
            strain.delay,
            request.refused,
        )
