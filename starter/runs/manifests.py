"""The pages that a batch is to work on, and their outcomes: JSON lines in the blob store."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from atlas.contracts.processing import JSON_LINES
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from starter.connection import Parts

Names = Iterable[str | int] | AsyncIterable[str | int]
"""URLs and page numbers."""


async def upload(parts: Parts, names: Names) -> str:
    """Store a manifest, streamed, of any length up to the store's largest body; its hash."""
    from atlas.stores.postgres.crawl import artifacts, blob_index

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


async def outcomes(parts: Parts, run_id: str) -> AsyncGenerator[dict[str, Any]]:
    """The outcome of each page of a batch, by URL. Raises `NotFound`, `Refused`."""
    from atlas.stores.postgres.crawl import artifacts

    async with parts.database() as connection:
        kept = await artifacts.find(connection, artifacts.OUTCOMES, run_id)
    if kept is None:
        raise NotFound(f"no outcomes of a run '{run_id}' are kept; a batch_process keeps them")
    async with parts.blobs() as blobs:
        body = await blobs.get(kept.hash)
    for line in body.splitlines():
        yield json.loads(line)


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
