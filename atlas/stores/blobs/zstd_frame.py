"""Bodies to zstd frames and back; the only place that knows the stored format."""

import hashlib
import io
from typing import BinaryIO

import zstandard

from atlas.domain.blob import BlobCorrupt, BlobRef, BlobStoreError
from atlas.domain.errors import ErrorClass

_LEVEL = 3
# Level 3 uses a window of 2 MiB at most; a frame that asks for more is not one of ours.
_MAX_WINDOW = 8 * 1024 * 1024
_READ = 1024 * 1024


class Encoder:
    """Hashes, counts and compresses a body into `sink`. Blocking: call it in a thread."""

    def __init__(self, sink: BinaryIO, max_body: int) -> None:
        self._sink = sink
        self._max_body = max_body
        self._hash = hashlib.sha256()
        self._frame = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        self._size = 0

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._max_body:
            raise BlobStoreError(
                f"a body is larger than the {self._max_body} bytes that this store takes",
                "Lower the source's body limit or raise the store's",
                ErrorClass.QUOTA,
            )
        self._hash.update(chunk)
        self._sink.write(self._frame.compress(chunk))

    def finish(self) -> BlobRef:
        self._sink.write(self._frame.flush())
        return BlobRef(self._hash.hexdigest(), self._size)


def max_stored(max_body: int) -> int:
    """The most bytes the frame of such a body can take (zstd's own bound, rounded up)."""
    return max_body + max_body // 128 + 1024


def decode(stored: bytes, digest: str, max_body: int) -> bytes:
    """The body in a frame, at most `max_body` bytes, whatever the frame claims.

    Raises:
        BlobCorrupt: not a whole zstd frame, too large, or its SHA-256 is not `digest`.
    """
    try:
        body = _inflate(stored, max_body)
    except zstandard.ZstdError as error:
        raise BlobCorrupt(digest, str(error)) from error
    if len(body) > max_body:
        raise BlobCorrupt(digest, f"it inflates to more than {max_body} bytes")
    if hashlib.sha256(body).hexdigest() != digest:
        raise BlobCorrupt(digest, "the SHA-256 of its body differs from its name")
    return body


def _inflate(stored: bytes, max_body: int) -> bytes:
    # By hand and in steps: decompress() would trust the size in the frame's header.
    body = io.BytesIO()
    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(stored)
    while body.tell() <= max_body and (piece := reader.read(_READ)):
        body.write(piece)
    return body.getvalue()
