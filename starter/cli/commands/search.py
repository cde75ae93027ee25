"""`atlas search`: find documents."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from atlas.domain.search.search_cursor import shown_before
from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.options import Language, OfSource
from starter.cli.framework.output import Format, bold, emit, emit_line, note, one_line, raw

if TYPE_CHECKING:
    from atlas.stores.postgres.index.search import Hit, SearchPage


async def search(
    query: Annotated[str, Parameter(help="What to search for")],
    /,
    *words: Annotated[str, Parameter(help="More words; quotes are optional")],
    limit: Annotated[int, Parameter(help="At most this many results")] = 10,
    offset: Annotated[int, Parameter(help="Skip this many results")] = 0,
    after: Annotated[
        str | None, Parameter(help="Go on behind a page of this search: the cursor it ended with")
    ] = None,
    source: OfSource = None,
    lang: Language = None,
    as_of: Annotated[
        str | None,
        Parameter(help="What was live then: 2026-11-28T10:00, or how long ago, such as 6h"),
    ] = None,
    explain: Annotated[
        bool, Parameter(help="Show the score of each result term by term, and what was left out")
    ] = False,
    facets: Annotated[
        str | None,
        Parameter(help="Count the documents that match, by source,lang,host,year or some of these"),
    ] = None,
    output: Format = "text",
) -> None:
    """Find documents that contain any of the words, best matches first; "quoted phrases" must
    occur.

    Of near-duplicates only the best match is shown, with the number of the others. With --lang, the
    number of matches whose language is unknown is shown. With --as-of, what was live then is
    searched, in the texts of then, as far back as ATLAS_SEARCH_PAST_DAYS says. With --after, the
    results below those shown so far are: none twice, and none left out, though documents come and
    go meanwhile.

    Examples:
        atlas search '"exit code"' --source docs
        atlas search 'backup -tape site:docs.example.org after:2025'
        atlas search backup schedule --as-of 7d
        atlas search 备份 -o json | jq -r '.results[].url'
    """
    counted = [name.strip() for name in (facets or "").split(",") if name.strip()]
    then = None if as_of is None else moment("--as-of", as_of)
    async with connected() as atlas:
        page = await atlas.search(
            " ".join([query, *words]),
            limit=limit,
            offset=offset,
            source=source,
            lang=lang,
            as_of=then,
            after=after,
            explain=explain,
            facets=counted,
        )
    page = replace(page, results=tuple(map(_rounded, page.results)))
    if output == "json":
        emit("search", page)
    elif output == "jsonl":
        for hit in page.results:
            emit_line(hit)
        _tell_unknown(page, lang)
        _tell_instead(page)
        _tell_next(page)
    else:
        _print(page, offset if after is None else shown_before(after), lang)
        if not page.results:
            _tell_wordless(" ".join([query, *words]))


def _rounded(hit: Hit) -> Hit:
    """The hit, its score rounded."""
    return replace(hit, score=round(hit.score, 6))


def _print(page: SearchPage, offset: int, lang: str | None) -> None:
    for number, hit in enumerate(page.results, offset + 1):
        raw(f"{number}. {bold(one_line(hit.title) or one_line(hit.url))}")
        raw(f"   {one_line(hit.section_url or hit.url)}")
        if hit.section:
            raw(f"   {one_line(' › '.join(hit.section))}")
        for line in textwrap.wrap(one_line(hit.snippet), 96):
            raw(f"   {line}")
        if more := _others(hit):
            raw(f"   ({more})")
        if hit.truncated:
            raw(f"   (truncated; missing: {one_line(hit.truncated)})")
        if page.left_out:
            _explain(hit)
        raw("")
    _print_facets(page)
    about = "" if page.exact else "about "
    then = f" of what was live at {page.as_of:%Y-%m-%d %H:%M}Z" if page.as_of else ""
    note(f"{about}{page.total} found{then}" if page.results else f"nothing found{then}")
    _tell_unknown(page, lang)
    _tell_instead(page)
    _tell_left_out(page)
    _tell_next(page)


def _tell_unknown(page: SearchPage, lang: str | None) -> None:
    count = page.unknown_language
    if count:
        pages = "1 more match has" if count == 1 else f"{count} more matches have"
        note(f"{pages} an unknown language; left out by --lang {lang}.")


def _tell_instead(page: SearchPage) -> None:
    for each in page.instead:
        note(f"No document has “{one_line(each.word)}”. Did you mean “{one_line(each.instead)}”?")


def _explain(hit: Hit) -> None:
    raw(f"   score {hit.score:.3f}:")
    for term in hit.terms:
        words = one_line(", ".join(term.words)) or "?"
        raw(
            f"   {term.score:8.3f}  {words} as {one_line(term.lexeme)} ({term.field}): "
            f"frequency {term.frequency} in {term.length} words, in {term.parts} of "
            f"{term.of_parts} parts; weight {term.weight:.3f} x {term.saturation:.3f}"
        )


def _print_facets(page: SearchPage) -> None:
    for facet in page.facets:
        raw(bold(f"{facet.name}{'' if facet.exact else ' (of the best matches only)'}"))
        for each in facet.values:
            raw(f"   {each.documents:8,}  {one_line(each.value or '(unknown)')}")
        if facet.more:
            raw(f"             and {facet.more} more")
        raw("")


def _tell_left_out(page: SearchPage) -> None:
    if (out := page.left_out) is not None:
        note(
            f"{out.parts} parts match; {out.texts} texts looked up, of which left out: "
            f"{out.excluded} with excluded words, {out.not_shown} not live or not asked for, "
            f"{out.near_duplicates} near-duplicates."
        )


def _tell_next(page: SearchPage) -> None:
    if page.next is not None:
        note(f"For more: --after {page.next}")


def _tell_wordless(query: str) -> None:
    from atlas.domain.search.analysis import query_terms  # stemmers and tables: 0.2 s
    from atlas.domain.search.query_language import parse_query

    if not query_terms(parse_query(query).words):
        note("There is no word in the query to look for.")


def _others(hit: Hit) -> str:
    parts = [f"{hit.similar_count} similar"] if hit.similar_count else []
    parts += [f"{hit.copies} with identical text"] if hit.copies else []
    return ", ".join(parts)
