"""The pages that a batch is to work on: JSON lines in the blob store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atlas.contracts.processing import JSON_LINES
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from starter.connection import Parts

Names = Iterable[str | int] | AsyncIterable[str | int]
"""URLs and page numbers."""


async def upload(parts: Parts, names: Names) -> str:
    """Store a manifest, streamed, of any length up to the store's largest body; its hash."""
    from atlas.stores.postgres.crawl.bodies import artifacts, blob_index

    now = datetime.now(UTC)
    async with parts.blobs() as blobs, blobs.writer() as writer:
        async for name in _streamed(names):
            await writer.write(_line(name))
        ref = await writer.finish()
        async with parts.database() as connection:
            await blob_index.announce(connection, ref.digest, ref.size, now)
        await writer.publish()
    kept = artifacts.Artifacts(await parts.pool(), lambda: now, artifacts.MANIFEST)
    await kept.keep(ref.digest, ref.digest, JSON_LINES)
    return ref.digest


async def _streamed(names: Names) -> AsyncIterator[str | int]:
    if isinstance(names, AsyncIterable):
        async for name in names:
            yield name
    else:
        for name in names:
            yield name


def _line(name: str | int) -> bytes:
    if isinstance(name, bool) or not isinstance(name, str | int) or not name:
        raise InvalidRequest(f"manifest: {name!r} is neither a URL nor a page number")
    return json.dumps({"url" if isinstance(name, str) else "page": name}).encode() + b"\n"
