"""Manifests: JSON lines in the blob store, streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from atlas.stores.blobs.port import Blobs


async def write_lines(
    blobs: Blobs,
    parts: AsyncIterable[bytes],
    announce: Callable[[str, int], Awaitable[None]],
) -> str:
    """Store the parts as one blob; its digest. `announce` gets digest and size before the
    blob is visible, so that no clean-up deletes it."""
    async with blobs.writer() as writer:
        async for part in parts:
            await writer.write(part)
        ref = await writer.finish()
        await announce(ref.digest, ref.size)
        await writer.publish()
    return ref.digest
