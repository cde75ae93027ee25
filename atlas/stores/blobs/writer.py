"""The writer that all stores share; they differ only in where a frame is kept (`BufferSlot`)."""

from types import TracebackType
from typing import BinaryIO, Protocol, Self

from atlas.domain.blob import BlobRef
from atlas.stores.blobs.files import in_thread
from atlas.stores.blobs.port import BlobWriter
from atlas.stores.blobs.zstd_frame import Encoder

# Most pages are smaller: they cost one hop to a thread, not one per chunk.
_SPILL = 256 * 1024


class BufferSlot(Protocol):
    """Where the frame of one blob is kept until it is published."""

    def open(self) -> BinaryIO:
        """Blocking. A new file, invisible to readers."""

    def seal(self) -> None:
        """Blocking. No more bytes will come."""

    async def publish(self, ref: BlobRef) -> None:
        """Make the frame visible under its name."""

    def discard(self) -> None:
        """Blocking. Drop what has not been published. Idempotent."""


class SlotWriter:
    """A BlobWriter: gathers chunks, encodes them in a thread, hands the frame to its slot."""

    def __init__(self, slot: BufferSlot, max_body: int) -> None:
        self._slot = slot
        self._max_body = max_body
        self._encoder: Encoder | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._ref: BlobRef | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._encoder is not None:
            await in_thread(self._slot.discard)

    async def write(self, chunk: bytes) -> None:
        if self._ref is not None:
            raise RuntimeError("write() after finish()")
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        if self._pending_bytes >= _SPILL:
            await in_thread(self._spill)

    async def finish(self) -> BlobRef:
        if self._ref is None:
            self._ref = await in_thread(self._seal)
        return self._ref

    async def publish(self) -> None:
        if self._ref is None:
            raise RuntimeError("publish() before finish()")
        await self._slot.publish(self._ref)

    def _spill(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(self._slot.open(), self._max_body)
        for chunk in self._pending:
            self._encoder.write(chunk)
        self._pending, self._pending_bytes = [], 0
        return self._encoder

    def _seal(self) -> BlobRef:
        ref = self._spill().finish()
        self._slot.seal()
        return ref


async def put_whole(writer: BlobWriter, body: bytes) -> BlobRef:
    """Store one whole body through a new writer."""
    async with writer:
        await writer.write(body)
        ref = await writer.finish()
        await writer.publish()
    return ref
