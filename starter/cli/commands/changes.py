"""`atlas changes`: the feed of changes."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE
from starter.cli.framework.options import First
from starter.cli.framework.output import Format, emit_line, emit_list, note, one_line, say, when

if TYPE_CHECKING:
    from atlas.stores.postgres.changes.change_reader import CorpusChange


async def changes(
    *,
    since: Annotated[
        str,
        Parameter(
            help="The `cursor` of the last change that was read; `start` for what is live and "
            "then what happens, `now` for what happens from now on"
        ),
    ] = "start",
    follow: Annotated[bool, Parameter(help="Wait for more at the end, until Ctrl-C")] = False,
    source: Annotated[
        str | None, Parameter(help="Only changes of pages that this source held")
    ] = None,
    content: Annotated[
        Literal["text", "markdown", "chunks"] | None,
        Parameter(name="--with", help="With title, language and this form of the text"),
    ] = None,
    limit: First = None,
    output: Format = "text",
) -> int:
    """Print what happened to the corpus: pages added, updated, removed, restored and erased, in
    commit order and without gaps.

    Keep the `cursor` of the last line that you have dealt with, and go on from there: a change may
    then come twice, but none is missing. Ctrl-C ends it cleanly.

    Examples:
        atlas changes --limit 20
        atlas changes --with markdown -o jsonl > copy.jsonl
        atlas changes --since 3f2a9c01-1204-9b1d22f0 --follow -o jsonl | my-consumer
        atlas changes --since now --follow --source docs
    """
    from starter.errors import InvalidRequest

    if follow and output == "json":
        raise InvalidRequest("--output: 'json' is one object, and --follow has no end: give jsonl")
    async with connected() as atlas:
        stream = atlas.changes(since, follow=follow, source=source, content=content, limit=limit)
        async with aclosing(stream):
            if output == "json":
                emit_list("changes", [change async for change in stream])
                return DONE
            try:
                async for change in stream:
                    _print(change, output)
                    if follow:
                        sys.stdout.flush()
            finally:  # also after Ctrl-C
                if output == "text":
                    note(f"Go on with --since {stream.cursor}")
    return DONE


def _print(change: CorpusChange, output: str) -> None:
    """One change a line: there may be millions."""
    if output != "text":
        emit_line(change)
        return
    what = change.url or f"page {change.page}"
    version = "" if change.version is None else f"version {change.version}"
    cells = (change.cursor, when(change.at), change.kind, what, version, change.reason)
    say("\t".join(one_line(cell) for cell in cells if cell))
    chunks = [chunk.markdown for chunk in change.chunks or ()]
    for text in (change.text, change.markdown, *chunks):
        if text:
            say(text)
            say("")
