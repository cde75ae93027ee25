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


def _open_at(version: str, at: int) -> str:
    """SQL: whether a version was open at the moment that a parameter says."""
    return (
        f"{version}.valid_from <= ${at}::timestamptz "
        f"and ({version}.valid_to is null or {version}.valid_to > ${at}::timestamptz)"
    )


def _holders_at(page: str, at: int) -> str:
    """SQL: the names of the sources that held a page at that moment, in order: by the last change
    until then; by the next one, which names those that held it until then as well; or now."""
    return f"""coalesce(
        (select c.sources from changes c where c.page_id = {page} and c.at <= ${at}::timestamptz
            and c.kind not in ('removed', 'erased') order by c.number desc limit 1),
        (select c.sources from changes c where c.page_id = {page} and c.at > ${at}::timestamptz
            order by c.number limit 1),
        array(select s.name from source_pages sp join sources s on s.id = sp.source_id
               where sp.page_id = {page} order by s.name))"""  # noqa: S608 (constants)


def _held_at(source: int, page: str, at: int) -> str:
    return f"(${source}::text is null or ${source} = any({_holders_at(page, at)}))"


LIVE_AT = f"""
select o.text_hash from unnest($1::bytea[]) as o(text_hash)
 where exists (
       select from documents d join versions v on v.document_id = d.id and {_open_at("v", 4)}
        where d.text_hash = o.text_hash and ($3::text is null or d.lang = $3)
          and {_held_at(2, "d.page_id", 4)} offset 0)
"""  # noqa: S608 (constants)
"""Of some texts those that were live then."""

UNKNOWN_PAGES_AT = f"""
select count(distinct d.page_id)
  from documents d join versions v on v.document_id = d.id and {_open_at("v", 3)}
 where d.text_hash = any($1::bytea[]) and d.lang is null and {_held_at(2, "d.page_id", 3)}
"""  # noqa: S608 (constants)

PAGES_AT = f"""
select w.text_hash, shown.*
  from unnest($1::bytea[]) as w(text_hash)
 cross join lateral (
       select p.url, d.title, d.lang, d.truncated, d.id as document,
              count(*) over () - 1 as copies,
              {_holders_at("d.page_id", 4)} as sources
         from documents d
         join versions v on v.document_id = d.id and {_open_at("v", 4)}
         join pages p on p.id = d.page_id
        where d.text_hash = w.text_hash and ($3::text is null or d.lang = $3)
          and {_held_at(2, "d.page_id", 4)}
        order by p.url collate "C" limit 1) as shown
"""  # noqa: S608 (constants)
"""The page that shows each text, as it was then."""
