"""`atlas export`: the documents of the corpus in bulk."""

from __future__ import annotations

import sys
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.options import First
from starter.cli.framework.output import note

if TYPE_CHECKING:
    from datetime import datetime

    from atlas.contracts.export_corpus import DocumentFilter
    from starter.client import AtlasClient


@Parameter(name="*")
@dataclass(frozen=True)
class ExportFilter:
    """Which documents to export."""

    source: Annotated[list[str] | None, Parameter(help="Only pages of this source")] = None
    lang: Annotated[list[str] | None, Parameter(help="Only this language, such as de")] = None
    host: Annotated[str | None, Parameter(help="Only pages on this host, name[:port]")] = None
    prefix: Annotated[str | None, Parameter(help="Only URLs that begin with this")] = None
    changed_since: Annotated[
        str | None,
        Parameter(help="Only texts as new as this: 2026-11-28T10:00Z, or an age such as 6h"),
    ] = None
    changed_before: Annotated[
        str | None, Parameter(help="Only texts older than this: a time, or an age such as 30d")
    ] = None
    include_duplicates: Annotated[
        bool, Parameter(help="Also the duplicates that `atlas dedup` marked")
    ] = False

    def chosen(self) -> DocumentFilter:
        """As the client takes it. Raises `InvalidRequest`."""
        from starter.exports import chosen

        return chosen(
            sources=self.source or (),
            langs=self.lang or (),
            host=self.host,
            prefix=self.prefix,
            changed_since=_moment("--changed-since", self.changed_since),
            changed_before=_moment("--changed-before", self.changed_before),
            include_duplicates=self.include_duplicates,
        )


_ALL = ExportFilter()


async def export(
    *,
    format: Annotated[
        Literal["jsonl"], Parameter(help="How documents are written: jsonl, one a line")
    ] = "jsonl",
    only: ExportFilter = _ALL,
    limit: First = None,
) -> None:
    """Write the live documents with their texts to standard output, in the order in which Atlas met
    their pages.

    What is written is the corpus at one moment, however long it takes. Pages that `atlas dedup
    --apply` marked as duplicates are left out, and counted on standard error.

    Examples:
        atlas export > corpus.jsonl
        atlas export --source docs --lang en --changed-since 7d | zstd > new.jsonl.zst
        atlas export --prefix https://docs.example.com/guide/ --limit 10 | jq -r .title
    """
    chosen = only.chosen()
    async with connected() as atlas:
        await _stream(atlas, chosen, limit)
        await _tell_left_out(atlas, chosen)


async def _stream(atlas: AtlasClient, only: DocumentFilter, limit: int | None) -> None:
    from atlas.formats.json_lines import json_line

    documents = atlas.export(**dict(only), limit=limit)
    async with aclosing(documents) as found:
        async for document in found:
            sys.stdout.buffer.write(json_line(document))
    sys.stdout.buffer.flush()


async def _tell_left_out(atlas: AtlasClient, only: DocumentFilter) -> None:
    marked, unknown = await atlas.exports.left_out(only)
    if marked:
        note(f"{marked} marked as duplicates left out; --include-duplicates exports them.")
    if unknown:
        note(f"{unknown} of unknown language left out by --lang.")


def _moment(option: str, text: str | None) -> datetime | None:
    return None if text is None else moment(option, text)
