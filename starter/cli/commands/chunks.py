"""`atlas docs chunks`: a document in parts of its sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.output import Format, bold, emit_list, note, one_line, raw, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atlas.domain.chunking.chunk import DocumentChunk


async def chunks(
    url: Annotated[str, Parameter(help="As stored, or as a browser shows it")],
    /,
    *,
    size: Annotated[
        int | None,
        Parameter(help="At most this many characters of Markdown each (default 1500), code apart"),
    ] = None,
    version: Annotated[int | None, Parameter(help="Of what it said in this version")] = None,
    at: Annotated[
        str | None,
        Parameter(help="Of what it said then: 2026-11-28T10:00, or how long ago, such as 6h"),
    ] = None,
    output: Format = "text",
) -> None:
    """Cut the document of a URL into chunks: parts of its sections to embed or cite, each with its
    headings, anchor, text, and an id that stays while it says the same.

    Examples:
        atlas docs chunks https://docs.example.com/
        atlas docs chunks https://docs.example.com/ --size 800 -o jsonl
        atlas docs chunks https://docs.example.com/ -o jsonl | jq -r '[.id, .section_url] | @tsv'
    """
    then = None if at is None else moment("--at", at)
    async with connected() as atlas:
        found = await atlas.chunks(url, size=size, version=version, at=then)
    if output == "text":
        _print(found)
    else:
        emit_list("chunks", found, output)


def _print(found: Sequence[DocumentChunk]) -> None:
    for chunk in found:
        raw(
            f"{chunk.number}. {bold(one_line(' › '.join(chunk.section)) or '(before any heading)')}"
        )
        raw(f"   {one_line(chunk.section_url)}")
        raw(f"   {chunk.id}, characters {chunk.start} to {chunk.end}, {chunk.overlap} repeated")
        raw("")
        say(chunk.markdown)
        raw("")
    note(f"{len(found)} chunk{'' if len(found) == 1 else 's'}")
