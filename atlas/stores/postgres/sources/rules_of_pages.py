"""By which rules the text of a page is to be extracted: those of one source, whichever run asks."""

from __future__ import annotations

from collections.abc import Iterable

from atlas.domain.extraction.extraction_rules import ExtractionRules, rules_from_json
from atlas.stores.postgres.connection import Connection

_ANY = "exists (select from sources where extraction_rules is not null)"
"""Asked once a statement: nearly everywhere no source has rules."""


def rules_of(page: str) -> str:
    """SQL: the digest of a page's rules; null: it has none. Of the sources that hold the page, the
    one declared first that has rules decides."""
    return (
        f"case when {_ANY} then (select s.extraction_rules from source_pages sp"  # noqa: S608
        f" join sources s on s.id = sp.source_id where sp.page_id = {page}"
        f" and s.extraction_rules is not null order by s.id limit 1) end"
    )


def under_other_rules(state: str) -> str:
    """SQL: whether a page (its row of `page_state`) was settled by other rules than it has now."""
    return f"{state}.settled_rules is distinct from ({rules_of(f'{state}.page_id')})"


async def keep(connection: Connection, rules: ExtractionRules) -> bytes | None:
    """Keep rules for as long as documents may name them; return their digest, None for none."""
    digest = rules.digest
    if digest is not None:
        await connection.execute(
            "insert into extraction_rules (digest, rules) values ($1, $2::text::jsonb) "
            "on conflict do nothing",
            digest,
            rules.as_json(),
        )
    return digest


async def by_digest(
    connection: Connection, digests: Iterable[bytes | None]
) -> dict[bytes, ExtractionRules]:
    """The rules of these digests."""
    wanted = {digest for digest in digests if digest is not None}
    if not wanted:
        return {}
    rows = await connection.fetch(
        "select digest, rules::text as rules from extraction_rules where digest = any($1::bytea[])",
        sorted(wanted),
    )
    return {row["digest"]: rules_from_json(row["rules"]) for row in rows}
