"""Pages whose body came again with nothing new in it but what is not read: settled from what is
stored of them, as if it had been extracted once more."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.domain.batch import PreparedPage
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection


async def store(connection: Connection, pages: Sequence[PreparedPage]) -> list[int]:
    """Prepare the pages, which are locked, for settling; those that could be.

    The others stay as they are, fetched, and lose their digest: the run claims them once more and
    extracts them. That is rare: their text has left the corpus, or its sketch is an older one.
    """
    if not pages:
        return []
    ids = [page.page_id for page in pages]
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", ids)
    rows = await connection.fetch(
        _PREPARE,
        ids,
        [page.snapshot for page in pages],
        [bytes.fromhex(page.read_before or "") for page in pages],
        EXTRACTOR_VERSION,
        SKETCH_VERSION,
        [page.rules for page in pages],
    )
    ready = [row["page_id"] for row in rows]
    ended, rendered = [page.ended for page in pages], [page.rendered for page in pages]
    await connection.execute(_RENEW, ids, ended, ready, rendered)
    await connection.execute(
        "update page_state set read_digest = null where page_id = any($1::bigint[])",
        sorted(set(ids).difference(ready)),
    )
    return ready


# Not the document that stays although another text was settled, which differs in what is ignored:
# that one is what its own body says.
_RENEW = """
    update documents d
    set snapshot = w.snapshot, ended = d.ended or o.ended, rendered = o.rendered
    from unnest($1::bigint[], $2::boolean[], $4::boolean[]) as o(page_id, ended, rendered),
         prepared w, page_state ps
    where o.page_id = any($3::bigint[]) and w.page_id = o.page_id and ps.page_id = o.page_id
      and d.id = w.document_id and d.snapshot = ps.settled_snapshot
"""
# Under the pages' locks: what was settled when the body was read may not be any more.
_PREPARE = """
    insert into prepared (page_id, document_id, snapshot, sketch_version, bands, signature, links,
        rels, read_digest)
    select o.page_id, d.id, o.snapshot, s.version, s.bands, s.signature, l.links, l.rels, o.digest
    from unnest($1::bigint[], $2::bytea[], $3::bytea[], $6::bytea[])
        as o(page_id, snapshot, digest, rules)
    join page_state ps on ps.page_id = any($1::bigint[]) and ps.page_id = o.page_id
        and ps.read_digest = o.digest and ps.read_snapshot = ps.settled_snapshot
        and ps.settled_extractor = $4
        and ps.settled_rules is not distinct from o.rules and not ps.links_unread
    join versions v on v.page_id = o.page_id and v.valid_to is null
    join documents d on d.id = v.document_id and d.extractor = $4
    join sketches s on s.text_hash = d.text_hash and s.version = $5
    cross join lateral (
        select coalesce(array_agg(target order by ordinal), '{}') as links,
               coalesce(array_agg(rel order by ordinal), '{}') as rels
        from links where page_id = o.page_id
    ) l
    order by o.page_id
    returning page_id
"""
