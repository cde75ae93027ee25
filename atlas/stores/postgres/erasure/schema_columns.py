"""Every column of the schema that could name an address or a body, read from the catalogue: a
column that is added later is searched and erased without anybody thinking of it.

Only what is listed here is treated differently, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from atlas.stores.postgres.connection import Connection

OTHERS = {
    ("documents", "text"): "what another page says",
    ("documents", "markdown"): "what another page says",
    ("documents", "outline"): "what another page says",
    ("documents", "chunk_bounds"): "digests of what another page says",
    ("documents", "title"): "what another page says",
    ("documents", "author"): "what another page says",
    ("documents", "stated"): "what another page says",
    ("documents", "canonical"): "what another page says of itself",
    ("links", "target"): "where another page leads",
    ("prepared", "links"): "where another page leads",
    ("sources", "urls"): "what an operator declared; removed from lists, and said otherwise",
    ("sources", "prefix"): "what an operator declared",
    ("sources", "include"): "what an operator declared",
    ("sources", "exclude"): "what an operator declared",
    ("sources", "content"): "what an operator declared",
    ("sources", "remove"): "what an operator declared",
    ("sources", "ignore"): "what an operator declared",
    ("sources", "metadata"): "what an operator declared",
    ("sources", "lang"): "what an operator declared",
    ("extraction_rules", "rules"): "what an operator declared",
    ("purge_pages", "url"): "the purge's own list, deleted when it ends",
}
"""Columns whose mention of an address is another page's content or an operator's words, and stays;
the rows of the erased pages themselves are deleted from these tables."""

WHOLE = frozenset(
    {
        ("pages", "url"),
        ("run_pages", "url"),
        ("fetches", "url"),
        ("fetches", "final_url"),
        ("listing_entries", "url"),
        ("listing_quarantine", "url"),
        ("duplicate_findings", "url"),
        ("run_missing", "asked"),
        ("run_traps", "example"),
        ("run_refusals", "example"),
        ("refused_addresses", "url"),
        ("changes", "url"),
        ("push_places", "url"),
    }
)
"""Columns that hold one address each. One that contains another, as an archive's do, is another."""

_TEXTUAL = ("text", "varchar", "json", "jsonb", "_text", "_varchar")
_APART = ("schema_migrations", "generations")


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column that may contain an address."""

    table: str
    name: str
    type: str
    key: bool
    """Whether it is part of a key: its rows are deleted, where others are rewritten."""

    @property
    def as_text(self) -> str:
        """SQL: its value as one text."""
        if self.type.startswith("_"):
            return f"array_to_string({self.quoted}, E'\\n')"
        return f"{self.quoted}::text"

    @property
    def whole(self) -> bool:
        """Whether it holds one address and nothing else."""
        return (self.table, self.name) in WHOLE

    @property
    def quoted(self) -> str:
        """SQL: its name."""
        return f'"{self.name}"'


async def text_columns(connection: Connection) -> list[TextColumn]:
    """All columns of text, lists of text and JSON, but those of `OTHERS`."""
    rows = await connection.fetch(_COLUMNS, list(_TEXTUAL))
    found = [TextColumn(row["table"], row["name"], row["type"], row["key"]) for row in rows]
    return [
        each for each in found if (each.table, each.name) not in OTHERS and each.table not in _APART
    ]


async def hash_columns(connection: Connection) -> list[tuple[str, str]]:
    """Table and name of all columns of bytes: hashes of bodies and texts among them."""
    rows = await connection.fetch(_COLUMNS, ["bytea"])
    return [
        (row["table"], row["name"])
        for row in rows
        if row["table"] not in ("purge_blobs", "purged_urls", "purge_pages", "run_purged")
    ]


# Partitions are reached through their parents, but for those that are attached to none.
_COLUMNS = """
    select c.relname as table, a.attname as name, t.typname as type,
           exists (select from pg_index i
                   where i.indrelid = c.oid and i.indisunique and a.attnum = any(i.indkey)) as key
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition and t.typname = any($1::text[])
    order by 1, 2
"""
