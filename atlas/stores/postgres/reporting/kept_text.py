"""The text that is kept of one page: by which rules it was made, what else says the same, and what
search shows instead of it."""

from __future__ import annotations

from atlas.domain.extraction.extraction_rules import read_rules
from atlas.domain.removal.page_facts import RuleCount, TextKept
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.rules_of_pages import under_other_rules


async def kept_text(connection: Connection, page: int) -> TextKept | None:
    """The latest text of a page; None: it never had one."""
    row = await connection.fetchrow(
        f"""
        select er.rules::text as rules, d.rule_matches, d.fell_back,
               v.valid_to is null and {under_other_rules("ps")} as other_rules,
               v.seq as version, v.valid_from, v.valid_to, d.title, d.lang, d.text_hash,
               encode(d.snapshot, 'hex') as snapshot, d.extractor, d.truncated,
               kept.url as duplicate_of, x.rule as duplicate_rule, x.similarity,
               k.representative, k.similarity as led_by
        from versions v join documents d on d.id = v.document_id
        join page_state ps on ps.page_id = v.page_id
        left join extraction_rules er on er.digest = d.rules
        left join duplicates x on x.page_id = v.page_id
        left join pages kept on kept.id = x.winner_page_id
        left join sketches k on k.text_hash = d.text_hash
        where v.page_id = $1 order by v.seq desc limit 1
        """,  # noqa: S608 (a constant)
        page,
    )
    if row is None:
        return None
    values = dict(row)
    digest, representative = values.pop("text_hash"), values.pop("representative")
    led_by = values.pop("led_by")
    declared, counts = read_rules(values.pop("rules")).declared, values.pop("rule_matches") or ()
    rules = [RuleCount(r.kind, r.rule, n) for r, n in zip(declared, counts, strict=False)]
    live = row["valid_to"] is None
    return TextKept(
        **values,
        rules=tuple(rules),
        text_hash=digest.hex(),
        same_text_at=await _shown_instead(connection, page, digest) if live else None,
        cluster=representative.hex() if live and representative else None,
        cluster_similarity=led_by if live else None,
        cluster_texts=await _texts_of(connection, representative) if live else 0,
        similar=await _similar(connection, page, representative) if live else (),
    )


async def _shown_instead(connection: Connection, page: int, text: bytes) -> str | None:
    """The page that search shows for a text, when it is another: see `shown_hits`."""
    row = await connection.fetchrow(
        """
        select d.page_id, p.url from documents d
        join versions v on v.document_id = d.id and v.valid_to is null
        join pages p on p.id = d.page_id left join duplicates x on x.page_id = p.id
        where d.text_hash = $1 order by x.page_id is not null, p.url collate "C" limit 1
        """,
        text,
    )
    return None if row is None or row["page_id"] == page else str(row["url"])


async def _texts_of(connection: Connection, representative: bytes | None) -> int:
    found = await connection.fetchval(
        "select count(*) from (select from sketches where representative = $1 limit 1000) s",
        representative,
    )
    return int(found)


async def _similar(
    connection: Connection, page: int, representative: bytes | None
) -> tuple[str, ...]:
    rows = await connection.fetch(
        """
        select p.url
        from (select text_hash, similarity from sketches where representative = $1
              order by similarity desc limit 20) k
        join documents d on d.text_hash = k.text_hash
        join versions v on v.document_id = d.id and v.valid_to is null
        join pages p on p.id = d.page_id
        where d.page_id <> $2
        order by k.similarity desc, p.url limit 5
        """,
        representative,
        page,
    )
    return tuple(row["url"] for row in rows)
