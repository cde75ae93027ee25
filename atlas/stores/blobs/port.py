"""The port: what Atlas asks of a blob store, whichever it is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from atlas.domain.blob import BlobInfo, BlobRef, Leftover

MAX_BODY = 256 * 1024 * 1024
"""No body is larger than this many bytes unless `open_blobs` is given another limit."""


class BlobWriter(Protocol):
    """One body on its way in: `write`…, `finish`, `publish`, in that order.

    Leaving the context without `publish` discards the bytes. Between `finish` and `publish`
    nothing is visible yet, so the caller can lock the body's `blobs` row first.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def write(self, chunk: bytes) -> None:
        """Append decoded bytes. Raises BlobStoreError (quota) past the store's largest body."""

    async def finish(self) -> BlobRef:
        """End the body and return its name; the bytes are safe, but not yet visible."""

    async def publish(self) -> None:
        """Make the blob visible and durable; writes the same bytes again if it is there."""


class Blobs(Protocol):
    """Bodies by the SHA-256 of their decoded bytes.

    A digest that is no SHA-256 in lower-case hex is a ValueError; a store that cannot be
    reached, is full or refuses is a BlobStoreError, everywhere.
    """

    def writer(self) -> BlobWriter:
        """A writer for one body of unknown size."""

    async def put(self, body: bytes) -> BlobRef:
        """Store a whole body. Idempotent."""

    async def get(self, digest: str) -> bytes:
        """The body, checked against its name. Raises BlobMissing, BlobCorrupt."""

    async def exists(self, digest: str) -> bool:
        """Whether the blob is visible; its bytes are not read."""

    async def delete(self, digest: str) -> None:
        """Remove the blob. Idempotent."""

    def list(self, shard: str = "") -> AsyncIterator[BlobInfo]:
        """Every visible blob, in no promised order; not a snapshot. `shard`: only those whose
        digest begins with these two hex digits."""

    def leftovers(self, age: timedelta) -> AsyncIterator[Leftover]:
        """Files of writers that died, untouched for so long, by the store's own clock."""

    async def remove_leftover(self, name: str) -> None:
        """Remove such a file. Idempotent."""

    async def check(self) -> None:
        """Write, read and delete a probe. Raises BlobStoreError, which names the fix."""
