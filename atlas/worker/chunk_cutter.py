"""Where the documents of an export are cut into chunks: in extraction children, several at once.

Cutting is nearly all the work of such an export. A document on which a child fails is cut here:
nothing is left out, and the chunks are the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from atlas.domain.errors import PageError
from atlas.domain.export_entry import ExportEntry
from atlas.domain.exported_chunk import ExportedChunk, exported_chunks
from atlas.domain.wire_fields import MalformedAnswer
from atlas.text.children.pool import ExtractorPool

_DECODER = msgspec.msgpack.Decoder(list[ExportedChunk])


class ChunkCutter:
    """Cuts through a pool."""

    def __init__(self, pool: ExtractorPool) -> None:
        self._pool = pool

    async def __call__(self, entry: ExportEntry, size: int) -> ExportEntry:
        """The entry with its chunks."""
        try:
            chunks = await self._pool.run(_cut, (entry, size), _read)
        except PageError:  # too slow, out of memory, crashed
            chunks = await asyncio.to_thread(exported_chunks, entry.document, entry.outline, size)
        return replace(entry, chunks=chunks)


def _cut(job: tuple[ExportEntry, int]) -> bytes:
    entry, size = job
    return msgspec.msgpack.encode(exported_chunks(entry.document, entry.outline, size))


def _read(answer: bytes) -> list[ExportedChunk]:
    try:
        return _DECODER.decode(answer)
    except msgspec.MsgspecError as error:
        raise MalformedAnswer(str(error)) from None
