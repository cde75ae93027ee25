"""The corpus in bulk from Python: `async for document in atlas.export(sources=["docs"])`, or its
chunks: `async for chunk in atlas.export_chunks()`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.contracts.export_corpus import (
        Compression,
        DocumentFilter,
        Exported,
        ExportFormat,
        ExportResult,
    )
    from atlas.contracts.jobs import Trigger
    from atlas.domain.exported_chunk import ExportedChunk
    from atlas.domain.exported_document import ExportedDocument
    from starter.runs.handles import JobHandle


class ExportOptions(TypedDict, total=False):
    """How an export is written; the defaults are those of `ExportRequest`."""

    format: ExportFormat
    what: Exported
    chunk_size: int
    compress: Compression
    part_documents: int
    """Documents per part."""


class Exports:
    """Documents of one Atlas with their texts, in bulk."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def documents(
        self,
        *,
        sources: Sequence[str] = (),
        langs: Sequence[str] = (),
        host: str | None = None,
        prefix: str | None = None,
        changed_since: datetime | None = None,
        changed_before: datetime | None = None,
        include_duplicates: bool = False,
        limit: int | None = None,
    ) -> AsyncGenerator[ExportedDocument]:
        """Every live document with its text, streamed in constant memory: the corpus as it is when
        the first document is requested.

        `changed_since` and `changed_before` need a time zone. Pages that `deduplicate_documents`
        marked are left out unless `include_duplicates`. Leave the loop early only inside
        `contextlib.aclosing`: the stream holds a connection. Raises `InvalidRequest`, `NotFound`
        for a source that is not declared.
        """
        from atlas.stores.postgres.exports import chosen_documents

        only = chosen(
            sources=sources,
            langs=langs,
            host=host,
            prefix=prefix,
            changed_since=changed_since,
            changed_before=changed_before,
            include_duplicates=include_duplicates,
        )
        _expect_limit(limit)
        await self.expect(only.sources)
        async with (
            self._parts.database() as connection,
            aclosing(chosen_documents.stream(connection, only, limit)) as found,
        ):
            async for document in found:
                yield document

    async def chunks(
        self,
        *,
        only: DocumentFilter | None = None,
        size: int | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[ExportedChunk]:
        """Every live document in chunks of at most `size` characters of Markdown (200 to 100,000;
        by default 1,500), code apart: streamed like `documents`, of at most `limit` documents.

        `only` is the filter; `starter.exports.chosen` makes one. Raises `InvalidRequest`,
        `NotFound` for a source that is not declared.
        """
        from atlas.domain.chunking.document_chunks import (
            DEFAULT_CHUNK_SIZE,
            MAX_CHUNK_SIZE,
            MIN_CHUNK_SIZE,
        )
        from atlas.domain.exported_chunk import exported_chunks
        from atlas.stores.postgres.exports import chosen_documents

        only = only or chosen()
        size = DEFAULT_CHUNK_SIZE if size is None else size
        if not MIN_CHUNK_SIZE <= size <= MAX_CHUNK_SIZE:
            raise InvalidRequest(f"size: {size}; use {MIN_CHUNK_SIZE} to {MAX_CHUNK_SIZE}")
        _expect_limit(limit)
        await self.expect(only.sources)
        async with (
            self._parts.database() as connection,
            aclosing(
                chosen_documents.stream_entries(connection, only, limit, outlined=True)
            ) as found,
        ):
            async for entry in found:
                for chunk in await asyncio.to_thread(  # a long document takes a second
                    exported_chunks, entry.document, entry.outline, size
                ):
                    yield chunk

    async def start(
        self,
        to: str,
        *,
        only: DocumentFilter | None = None,
        trigger: Trigger = "client",
        **options: Unpack[ExportOptions],
    ) -> JobHandle[ExportResult]:
        """Start `export_corpus`: the workers write the documents to an absolute path on their
        machines, or to `s3://bucket/prefix`. Joins a run that already writes the same there.

        `only` is the filter (`starter.exports.chosen` makes one); `options` are further fields of
        `ExportRequest`. Raises `InvalidRequest`, `NotFound` for a source that is not declared,
        `DifferentRequest`, `CannotConnect`.
        """
        from starter.runs.start import kind_named, start_type

        fields: dict[str, Any] = {"to": to, **options}
        if only is not None:
            await self.expect(only.sources)
            fields["only"] = only
        return await start_type(self._parts, kind_named("export_corpus"), fields, trigger)

    async def left_out(self, only: DocumentFilter) -> tuple[int, int]:
        """How many documents a filter leaves out because they are marked as duplicates, and how
        many because their language is unknown."""
        from atlas.stores.postgres.exports import chosen_documents

        async with self._parts.database() as connection:
            return await chosen_documents.left_out(connection, only)

    async def expect(self, names: Sequence[str]) -> None:
        """Raise `NotFound` unless all these sources are declared."""
        from atlas.stores.postgres.sources import sources

        async with self._parts.database() as connection:
            if why := await sources.why_unknown(connection, names):
                raise NotFound(why)


def _expect_limit(limit: int | None) -> None:
    if limit is not None and limit < 0:
        raise InvalidRequest(f"limit: {limit}; use 0 or more")


def chosen(
    *,
    sources: Sequence[str] = (),
    langs: Sequence[str] = (),
    host: str | None = None,
    prefix: str | None = None,
    changed_since: datetime | None = None,
    changed_before: datetime | None = None,
    include_duplicates: bool = False,
) -> DocumentFilter:
    """A filter for `Exports.start`. Raises `InvalidRequest` that names field, value and fix."""
    from atlas.contracts.export_corpus import DocumentFilter
    from atlas.domain.addresses.urls import InvalidUrl, host_named
    from starter.runs.start import checked

    if host is not None:
        try:
            host = host_named(host)
        except InvalidUrl as error:
            raise InvalidRequest(f"host: {error}") from None
    return checked(
        DocumentFilter,
        {
            "sources": sorted(set(sources)),
            "langs": sorted(set(langs)),
            "host": host,
            "prefix": prefix,
            "changed_since": changed_since,
            "changed_before": changed_before,
            "include_duplicates": include_duplicates,
        },
    )
