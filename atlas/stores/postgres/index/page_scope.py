"""Which documents a search may show: by source, language, address and date of publication, as SQL.

A condition that a search does not ask for is no part of its statement: planning it costs more than
looking ten texts up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from atlas.domain.search.query_language import QueryParts
from atlas.stores.postgres.index.past_search import held_at, holders_at, open_at
from atlas.stores.postgres.index.search import storable
from atlas.stores.postgres.sources.sources import holders
from atlas.stores.search.port import TextScope


@dataclass(frozen=True, slots=True)
class PageScope:
    """Which pages may be shown; what is empty leaves nothing out."""

    sources: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    """Hosts, each with the beginning of a path if it has one; with their subdomains."""
    not_sites: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None


EVERY_PAGE = PageScope()


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Which texts may be found: those with a live page in this source, of this language."""

    source: str | None
    lang: str | None
    pages: PageScope = EVERY_PAGE

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self.source is None and self.lang is None


@dataclass(frozen=True, slots=True)
class ShownDocuments:
    """The documents with one text that a search may show, as SQL: `d`, and its page `p`."""

    rows: str
    """What follows `from`."""
    holders: str
    """The names of the sources that hold the page, in order."""
    parameters: tuple[object, ...]
    """From the `first` on."""


def asked_pages(parts: QueryParts) -> PageScope:
    """The pages that a query asks for."""
    return PageScope(
        sources=tuple(storable(each) or "" for each in parts.sources),
        langs=tuple(storable(each) or "" for each in parts.langs),
        sites=tuple(storable(each) or "" for each in parts.sites),
        not_sites=tuple(storable(each) or "" for each in parts.not_sites),
        after=parts.after,
        before=parts.before,
    )


def narrowed(scope: TextScope, pages: PageScope) -> TextScope:
    """The scope, with as much of the pages asked for as an engine knows: what it leaves out has no
    such page. Otherwise thousands of texts would be looked up for ten of a small site."""
    hosts = [_host(site) for site in pages.sites]
    return replace(
        scope,
        sources=pages.sources,
        languages=pages.langs,
        hosts=() if None in hosts else tuple(filter(None, hosts)),
        published_from=None if pages.after is None else math.floor(pages.after.timestamp()),
        published_before=None if pages.before is None else math.floor(pages.before.timestamp()),
    )


def _host(site: str) -> str | None:
    """The host of a `site:`; None where it is not spelled as that of an address."""
    try:
        return urlsplit(f"//{site}").hostname
    except ValueError:
        return None


def shown_documents(
    text: str, scope: SearchScope, at: datetime | None, first: int, *, pages: bool = True
) -> ShownDocuments:
    """Those whose text has the hash that an expression gives, live now or `at` that moment. Without
    `pages`, `p` is joined only if the scope asks for addresses."""
    parameters: list[object] = []

    def given(value: object) -> str:
        parameters.append(value)
        return f"${first + len(parameters) - 1}"

    moment = None if at is None else given(at)
    version = "v.valid_to is null" if moment is None else open_at("v", moment)
    rows = f"documents d join versions v on v.document_id = d.id and {version}"
    if pages or scope.pages.sites or scope.pages.not_sites:
        rows += " join pages p on p.id = d.page_id"
    said = [f"d.text_hash = {text}"]
    if scope.lang is not None:
        said.append(f"d.lang = {given(scope.lang)}")
    if scope.source is not None and moment is not None:
        said.append(held_at(f"{given(scope.source)}::text", "d.page_id", moment))
    elif scope.source is not None:
        said.append(_held_by(f"array[{given(scope.source)}::text]"))
    for condition, value in _conditions(scope.pages):
        said.append(condition.format(given(value)))
    shown_by = holders("d.page_id") if moment is None else holders_at("d.page_id", moment)
    return ShownDocuments(f"{rows} where {' and '.join(said)}", shown_by, tuple(parameters))


def _conditions(pages: PageScope) -> Iterator[tuple[str, object]]:
    """What the scope asks for, each with its parameter, which stands as {}."""
    if pages.sources:
        yield _held_by("{}::text[]"), list(pages.sources)
    if pages.langs:
        yield "d.lang = any({}::text[])", list(pages.langs)
    if pages.sites:
        yield f"exists ({_ON_SITE})", list(pages.sites)
    if pages.not_sites:
        yield f"not exists ({_ON_SITE})", list(pages.not_sites)
    if pages.after is not None:
        yield "d.published >= {}::timestamptz", pages.after
    if pages.before is not None:
        yield "d.published < {}::timestamptz", pages.before


def _held_by(names: str) -> str:
    # A value, not `exists`: that becomes a join, for which a plan may read all pages of a source.
    return (
        "(select true from source_pages sp join sources s on s.id = sp.source_id"  # noqa: S608 (constants)
        f" where sp.page_id = d.page_id and s.name = any({names}) limit 1)"
    )


# A port counts only where one is given; /docs is not the beginning of /docsearch.
_ON_SITE = """
select from unnest({}::text[]) as w(site)
 cross join lateral (
       select split_part(p.url, '/', 3) as host,
              translate(regexp_replace(p.url, '^[^:]+://[^/]*', ''), '?#', '//') || '/' as path,
              split_part(w.site, '/', 1) as wanted,
              substr(w.site, 1 + length(split_part(w.site, '/', 1))) || '/' as below) a
 where (a.host = a.wanted or split_part(a.host, ':', 1) = a.wanted
        or right('.' || split_part(a.host, ':', 1), 1 + length(a.wanted)) = '.' || a.wanted)
   and starts_with(a.path, a.below)
"""
