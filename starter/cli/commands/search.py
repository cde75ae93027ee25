"""`atlas search`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from starter.cli.framework.output import Format, bold, emit, emit_line, note, one_line, raw

if TYPE_CHECKING:
    from atlas.stores.postgres.index.search import Hit, SearchPage


async def search(
    query: Annotated[str, Parameter(help="What to look for")],
    /,
    *words: Annotated[str, Parameter(help="More of it; quoting may be left out")],
    limit: Annotated[int, Parameter(help="How many results")] = 10,
    offset: Annotated[int, Parameter(help="Results to leave out at the top")] = 0,
    source: Annotated[str | None, Parameter(help="Only pages of this source")] = None,
    lang: Annotated[str | None, Parameter(help="Only this language, as in de")] = None,
    output: Format = "text",
) -> int:
    """Find the documents that match any of the words best; "quoted phrases" must occur.

    Near-duplicates are shown by the one that matches best, with the number of the others. Where
    `--lang` leaves out pages whose language could not be told, their number is shown.

    Examples:
        atlas search backup schedule
        atlas search '"exit code"' --source docs --limit 5
        atlas search 备份 -o json | jq -r '.results[].url'
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        page = await atlas.search(
            " ".join([query, *words]), limit=limit, offset=offset, source=source, lang=lang
        )
    if output == "json":
        emit("search", as_json(page))
    elif output == "jsonl":
        for hit in as_json(page)["results"]:
            emit_line(hit)
        _tell_unknown(page, lang)
    else:
        _print(page, offset, lang)
    return 0


def as_json(page: SearchPage) -> dict[str, Any]:
    """The results as `-o json` prints them."""
    return {
        "results": [_result(hit) for hit in page.results],
        "total": page.total,
        "exact": page.exact,
        "unknown_language": page.unknown_language,
    }


def _result(hit: Hit) -> dict[str, Any]:
    return {
        "url": hit.url,
        "title": hit.title,
        "snippet": hit.snippet,
        "score": round(hit.score, 6),
        "source": hit.sources[0] if hit.sources else None,
        "lang": hit.lang,
        "sources": list(hit.sources),
        "marks": [list(mark) for mark in hit.marks],
        "copies": hit.copies,
        "similar_count": hit.similar_count,
        "similar": list(hit.similar),
    }


def _print(page: SearchPage, offset: int, lang: str | None) -> None:
    for number, hit in enumerate(page.results, offset + 1):
        raw(f"{number}. {bold(one_line(hit.title) or one_line(hit.url))}")
        raw(f"   {one_line(hit.url)}")
        for line in textwrap.wrap(one_line(hit.snippet), 96):
            raw(f"   {line}")
        if more := _others(hit):
            raw(f"   ({more})")
        raw("")
    about = "" if page.exact else "about "
    note(f"{about}{page.total} found" if page.results else "nothing found")
    _tell_unknown(page, lang)


def _tell_unknown(page: SearchPage, lang: str | None) -> None:
    count = page.unknown_language
    if count:
        pages = "1 page matches" if count == 1 else f"{count} pages match"
        note(
            f"{pages} too, but the language could not be told: left out by --lang {lang}. "
            "Without --lang they are shown."
        )


def _others(hit: Hit) -> str:
    parts = [f"{hit.similar_count} similar"] if hit.similar_count else []
    parts += [f"{hit.copies} with the same text"] if hit.copies else []
    return ", ".join(parts)
