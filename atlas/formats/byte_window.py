"""Bytes that are pulled when they are looked at, and a gzip member as such."""

from __future__ import annotations

import zlib
from collections.abc import Callable

_PIECE = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b\x08"


class DamagedGzip(Exception):
    """The compressed data cannot be read on."""


class ByteWindow:
    """A buffer over `pull`, which gives at most so many bytes, and none at the end. It holds what
    was peeked at and one piece more."""

    def __init__(self, pull: Callable[[int], bytes]) -> None:
        self._pull = pull
        self._buffer = bytearray()
        self.taken = 0
        """Bytes taken or skipped so far."""

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end; they stay."""
        while len(self._buffer) < size and (piece := self._pull(_PIECE)):
            self._buffer += piece
        return bytes(self._buffer[:size])

    def take(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        found = self.peek(size)
        del self._buffer[: len(found)]
        self.taken += len(found)
        return found

    def skip(self, size: int) -> int:
        """Pass over the next bytes; how many there were."""
        left = size
        while left and (piece := self.take(min(left, _PIECE))):
            left -= len(piece)
        return size - left

    def line(self, most: int) -> bytes | None:
        """The next line with its end; None: it is longer than `most`. Empty at the end."""
        found = self.peek(most)
        end = found.find(b"\n")
        if end < 0 and len(found) == most:
            return None
        return self.take(end + 1 if end >= 0 else len(found))

    def give_back(self, data: bytes) -> None:
        """Put taken bytes back in front."""
        self._buffer[:0] = data
        self.taken -= len(data)


class GzipMember:
    """One member: decompressed in pieces of 64 KiB, however small it is compressed. `raw` stands
    behind it once it has ended."""

    def __init__(self, raw: ByteWindow) -> None:
        self._raw = raw
        self._stream = zlib.decompressobj(31)

    def pull(self, size: int) -> bytes:
        """Raises DamagedGzip, also where the file ends within the member."""
        while not self._ended():
            data = self._stream.unconsumed_tail or self._raw.take(_PIECE)
            try:
                found = self._stream.decompress(data, size)
            except zlib.error as error:
                raise DamagedGzip(f"the gzip data is damaged: {error}") from None
            if self._ended():
                self._raw.give_back(self._stream.unused_data)
            elif not data:
                raise DamagedGzip("the file ends within a gzip member")
            if found:
                return found
        return b""

    def _ended(self) -> bool:
        return self._stream.eof
