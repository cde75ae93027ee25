"""The history of a page: each text it had, when, by which run and why; and what it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages.documents import UnknownDocument
from atlas.stores.postgres.sources.sources import holders


@dataclass(frozen=True, slots=True)
class PageVersion:
    """One text that a page had."""

    version: int
    """Counts the texts of the page, from 1."""
    why: str
    """`added`: the page was new, or came back by itself; `updated`: it said something else, or a
    newer extractor read it; `restored`: a person brought an earlier version back."""
    run_id: str | None
    """The run that brought it; None: it was not recorded then."""
    valid_from: datetime
    """Since when the page had it."""
    valid_to: datetime | None
    """Until when; None: it has it now."""
    ended: str | None
    """Why it ended: `updated` by another text, or `removed` with the page; None: it is live."""
    ended_by: str | None
    """The run that ended it; None: none did, or it was not recorded then."""
    bytes: int
    """Of the text in UTF-8."""
    text_hash: str
    """SHA-256 of the normalised text with its title: the same text, the same hash."""
    title: str


@dataclass(frozen=True, slots=True)
class PageHistory:
    """What a page is now, and the texts it had."""

    url: str
    """The canonical URL of the page."""
    lifecycle: str
    """`live`, `suspect`: its last check did not find it, `tombstoned`: it left, `purged`: its texts
    went with it, `discovered` or `quarantined`: it never had a text."""
    left: datetime | None
    """When the page left the corpus; None: it is there."""
    redirect_to: str | None
    """Where it led when it was last asked for; None: it answered."""
    held: bool
    """Whether a body is held back: suspicious, cut, or one that a restore undid."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    expired: int
    """Earlier versions that are past their retention."""
    versions: list[PageVersion] = field(default_factory=list)
    """The latest first."""

    def compared(self, old: int | None, new: int | None) -> tuple[int, int] | None:
        """The numbers of the two versions to compare: by default the latest, and of those before
        the other the latest with another text. None: there are not two."""
        if not self.versions:
            return None
        new = self.versions[0].version if new is None else new
        if old is not None:
            return old, new
        text = next((each.text_hash for each in self.versions if each.version == new), None)
        earlier = [each for each in self.versions if each.version < new]
        other = next((each for each in earlier if each.text_hash != text), None)
        before = other or next(iter(earlier), None)
        return (before.version, new) if before else None


async def history(connection: Connection, url: str) -> PageHistory:
    """The history of a canonical URL; raises `UnknownDocument` when no such page is known."""
    page = await connection.fetchrow(_PAGE, url)
    if page is None:
        raise UnknownDocument(f"no document for {url}; `atlas docs list` shows which there are")
    rows = await connection.fetch(_VERSIONS, page["id"])
    values = {name: value for name, value in page.items() if name != "id"}
    return PageHistory(
        **{**values, "sources": tuple(page["sources"])},
        expired=rows[-1]["version"] - 1 if rows else 0,
        versions=[PageVersion(**row) for row in rows],
    )


_PAGE = f"""
    select p.id, p.url, ps.lifecycle, ps.tombstoned_at as left, led.url as redirect_to,
           ps.held_snapshot is not null as held, {holders("p.id")} as sources
    from pages p join page_state ps on ps.page_id = p.id
    left join pages led on led.id = ps.redirect_to
    where p.url = $1
"""  # noqa: S608 (a constant)

# Before causes were recorded: a version that begins where the one before ends replaced it.
_VERSIONS = """
    select v.seq as version,
           coalesce(v.opened_as, case when lag(v.valid_to) over w = v.valid_from then 'updated'
                                      else 'added' end) as why,
           v.opened_by as run_id, v.valid_from, v.valid_to,
           case when v.valid_to is not null then
               coalesce(v.closed_as, case when lead(v.valid_from) over w = v.valid_to
                                          then 'updated' else 'removed' end) end as ended,
           v.closed_by as ended_by, octet_length(d.text) as bytes,
           encode(d.text_hash, 'hex') as text_hash, d.title
    from versions v join documents d on d.id = v.document_id
    where v.page_id = $1
    window w as (order by v.seq)
    order by v.seq desc
"""
