"""`atlas export`: the documents of the corpus in bulk."""

from __future__ import annotations

import sys
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE
from starter.cli.framework.moments import moment
from starter.cli.framework.output import Format, note, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from atlas.contracts.export_corpus import (
        Compression,
        DocumentFilter,
        Exported,
        ExportFormat,
        ExportResult,
    )
    from atlas.domain.exported_chunk import ExportedChunk
    from atlas.domain.exported_document import ExportedDocument
    from starter.client import AtlasClient
    from starter.exports import ExportOptions


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
        """The options as the filter of the client. Raises `InvalidRequest`."""
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
    to: Annotated[
        str,
        Parameter(
            help="A path on the machines of the workers, s3://bucket/prefix, or - for standard "
            "output; a path that ends as the format does (.jsonl, .parquet, .warc.gz) is a file, "
            "any other a folder of parts"
        ),
    ] = "-",
    format: Annotated[
        Literal["jsonl", "markdown-folder", "parquet", "warc"],
        Parameter(
            help="How documents are written: jsonl, one per line; the others with --to: "
            "markdown-folder, one file per page; parquet, one per row; warc, with the stored bodies"
        ),
    ] = "jsonl",
    what: Annotated[
        Literal["documents", "chunks"],
        Parameter(help="Documents, or the chunks that they are cut into (jsonl, parquet)"),
    ] = "documents",
    chunk_size: Annotated[
        int | None,
        Parameter(help="At most this many characters of Markdown a chunk (default 1500)"),
    ] = None,
    compress: Annotated[
        Literal["none", "gzip", "zstd"] | None,
        Parameter(
            help="How the output is compressed; by default parquet with zstd, warc with gzip, "
            "others not"
        ),
    ] = None,
    only: ExportFilter = _ALL,
    limit: Annotated[
        int | None, Parameter(help="At most this many documents, to standard output only")
    ] = None,
    part_documents: Annotated[
        int | None, Parameter(help="Documents per part, with --to; by default 10000")
    ] = None,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Write the live documents with their texts, in the order in which Atlas met their pages.

    The output is the corpus at one moment, however long it takes to write. Without --to, this
    command writes to standard output. With --to, a run on the workers writes the files and
    continues after a restart; -o prints the run, and with --wait the exit code is 0 if everything
    was written, else 1. Pages that `atlas dedup --apply` marked as duplicates are left out.

    Examples:
        atlas export > corpus.jsonl
        atlas export --what chunks --source docs --changed-since 7d > chunks.jsonl
        atlas export --to corpus.parquet --format parquet --wait
        atlas export --to s3://warehouse/atlas/2026-11-30 --compress zstd
    """
    chosen = only.chosen()
    if chunk_size is not None and what != "chunks":
        raise InvalidRequest("--chunk-size: it goes with --what chunks, which is missing")
    if to != "-":
        if limit is not None:
            raise InvalidRequest("limit: it is for standard output; leave out --to or --limit")
        options = _run_options(format, what, compress, chunk_size, part_documents)
        return await _start(to, options, chosen, following, output)
    _refuse_options_of_runs(format, part_documents, following)
    async with connected() as atlas:
        found: AsyncGenerator[ExportedDocument] | AsyncGenerator[ExportedChunk]
        if what == "chunks":
            found = atlas.export_chunks(only=chosen, size=chunk_size, limit=limit)
        else:
            found = atlas.export(**dict(chosen), limit=limit)
        await _stream(found, compress or "none")
        await _note_left_out(atlas, chosen)
    return DONE


def _run_options(
    format: ExportFormat,
    what: Exported,
    compress: Compression | None,
    chunk_size: int | None,
    part_documents: int | None,
) -> ExportOptions:
    options: ExportOptions = {"format": format, "what": what}
    if compress is not None:
        options["compress"] = compress
    if chunk_size is not None:
        options["chunk_size"] = chunk_size
    if part_documents is not None:
        options["part_documents"] = part_documents
    return options


def _refuse_options_of_runs(format: str, part_documents: int | None, following: Following) -> None:
    """Standard output has none of these."""
    for option, given in (
        ("--part-documents", part_documents is not None),
        (f"--format {format}", format != "jsonl"),
        ("--wait", following.waits),
    ):
        if given:
            raise InvalidRequest(f"{option}: it goes with --to, which is missing")


async def _start(
    to: str, options: ExportOptions, only: DocumentFilter, following: Following, output: str
) -> int:
    place = to if to.startswith("s3://") else str(Path(to).expanduser().absolute())
    async with connected() as atlas:
        run = await atlas.start_export(place, only=only, trigger="cli", **options)
        await _note_left_out(atlas, only)
        return await followed(run, "export_corpus", following=following, output=output)


async def _stream(
    records: AsyncGenerator[ExportedDocument] | AsyncGenerator[ExportedChunk],
    compress: Compression,
) -> None:
    from atlas.formats.compression import compressing
    from atlas.formats.json_lines import json_line

    out = compressing(sys.stdout.buffer, compress)
    async with aclosing(records) as found:
        async for record in found:
            out.write(json_line(record))
    out.close()
    sys.stdout.buffer.flush()


async def _note_left_out(atlas: AtlasClient, only: DocumentFilter) -> None:
    marked, unknown = await atlas.exports.left_out(only)
    if marked:
        note(f"{marked} marked as duplicates left out; --include-duplicates exports them.")
    if unknown:
        note(f"{unknown} of unknown language left out by --lang.")


def _moment(option: str, text: str | None) -> datetime | None:
    return None if text is None else moment(option, text)


def _print(result: ExportResult) -> None:
    parts = "1 file" if result.parts == 1 else f"{result.parts} files"
    chunks = f" as {result.records} chunks" if result.what == "chunks" else ""
    say(
        f"{result.workflow_id}: {result.outcome}; {result.documents} documents{chunks} in {parts}, "
        f"{result.bytes} bytes, in {result.to}"
    )
    if result.message:
        note(result.message)


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of, "export_result")
