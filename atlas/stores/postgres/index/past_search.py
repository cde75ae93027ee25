"""Searching what was live at a moment of the past: whether the index keeps it, and what PostgreSQL
says of that moment.

The engine names texts that may have been live then; the versions of pages say which were, on which
pages. Sources are those that held the page then, as far as the feed of changes is kept, otherwise
those that hold it now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from atlas.stores.postgres.connection import Connection
from atlas.stores.search.port import MissingGeneration, SearchIndex, StoredGeneration


class NotKept(ValueError):
    """The index does not say what was live then; the message names the fix."""


async def expect_kept(connection: Connection, index: SearchIndex, at: datetime) -> None:
    """Raise `NotKept` unless the generation that serves has every text that was live then."""
    serving = await _serving(index)
    now: datetime = await connection.fetchval("select now()")
    if at > now:
        raise NotKept(f"as_of: {_said(at)} has not come yet")
    days = serving.origin.past
    if not days:
        raise NotKept(
            "as_of: the search index keeps no past texts; set ATLAS_SEARCH_PAST_DAYS for all "
            "workers, restart them, and wait until the index is rebuilt (`atlas status`)"
        )
    since = now - timedelta(days=days)
    if at < since:
        raise NotKept(
            f"as_of: {_said(at)} is before {_said(since)}: the search index keeps past texts for "
            f"{days} days (ATLAS_SEARCH_PAST_DAYS, and no longer than versions are kept); "
            "`atlas docs show URL --at` reads older texts of one page"
        )


async def _serving(index: SearchIndex) -> StoredGeneration:
    number = await index.serving()
    for each in await index.generations():
        if each.number == number:
            return each
    raise MissingGeneration("the search index is not built yet; a worker builds it")


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def open_at(version: str, moment: str) -> str:
    """SQL: whether a version was open at the moment that a parameter says."""
    return (
        f"{version}.valid_from <= {moment}::timestamptz "
        f"and ({version}.valid_to is null or {version}.valid_to > {moment}::timestamptz)"
    )


def holders_at(page: str, moment: str) -> str:
    """SQL: the names of the sources that held a page at that moment, in order: by the last change
    until then; by the next one, which names those that held it until then as well; or now."""
    return f"""coalesce(
        (select c.sources from changes c where c.page_id = {page} and c.at <= {moment}::timestamptz
            and c.kind not in ('removed', 'erased') order by c.number desc limit 1),
        (select c.sources from changes c where c.page_id = {page} and c.at > {moment}::timestamptz
            order by c.number limit 1),
        array(select s.name from source_pages sp join sources s on s.id = sp.source_id
               where sp.page_id = {page} order by s.name))"""  # noqa: S608 (constants)


def held_at(source: str, page: str, moment: str) -> str:
    """SQL: whether that source held the page at that moment."""
    return f"{source} = any({holders_at(page, moment)})"


UNKNOWN_PAGES_AT = f"""
select count(distinct d.page_id)
  from documents d join versions v on v.document_id = d.id and {open_at("v", "$3")}
 where d.text_hash = any($1::bytea[]) and d.lang is null
   and ($2::text is null or {held_at("$2", "d.page_id", "$3")})
"""  # noqa: S608 (constants)
