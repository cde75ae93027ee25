"""Compression of what an export writes: the same bytes whenever the same is written."""

from __future__ import annotations

import gzip
from typing import BinaryIO, Literal, cast

import zstandard

_ZSTD_LEVEL = 3
_GZIP_LEVEL = 6

How = Literal["none", "gzip", "zstd"]


def compressing(file: BinaryIO, how: How) -> BinaryIO:
    """What is written here goes into the file compressed; closing it ends the frame and leaves the
    file open. Frames one behind the other are one stream in both formats."""
    if how == "zstd":
        made = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
        return cast(BinaryIO, made.stream_writer(file, closefd=False))
    if how == "gzip":
        # Without name and time of the file, which no other run would repeat.
        made_gzip = gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0)
        return cast(BinaryIO, made_gzip)
    return cast(BinaryIO, _Plain(file))


class _Plain:
    """Closing it leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write

    def close(self) -> None:
        """Nothing is to be ended."""
