"""Content decoding in bounded steps: a bomb costs time, never memory (RFC 9110, 8.4).

Every decoder yields pieces as they come, so a caller that counts them can stop at a limit.
No step holds more than about 2 MiB of output, plus the window of the format (8 MiB at most).
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import brotli
import zstandard

from atlas.domain.errors import ErrorClass, PageError

#: What the decoders below understand; sent as Accept-Encoding.
ACCEPT_ENCODING = "gzip, deflate, br, zstd"

PIECE = 64 * 1024  # bytes of output per step
_MAX_CODINGS = 3
_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: the most a Content-Encoding may ask for
# A 4-byte block can repeat one byte 128 Ki times, and zstandard has no output limit: only a
# short input keeps its output short (64 bytes: 2 MiB).
_ZSTD_SLICE = 64
_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1


class Decoder(Protocol):
    """One content coding, undone step by step."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode `data`; pieces are bounded. Raises PageError (undecodable_body)."""

    def finished(self) -> bool:
        """Whether the stream reached its own end (or never began)."""


class Decoding:
    """All codings of a Content-Encoding header, undone in reverse order of their listing."""

    def __init__(self, content_encoding: str) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        codings = [name for name in names if name not in ("", "identity")]
        if len(codings) > _MAX_CODINGS:
            raise _undecodable(f"{len(codings)} content codings, at most {_MAX_CODINGS} are read")
        self._decoders = [_decoder(name) for name in reversed(codings)]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes from the wire into pieces. Raises PageError."""
        pieces: Iterable[bytes] = (data,)
        for decoder in self._decoders:
            pieces = _through(decoder, pieces)
        return iter(pieces)

    def finish(self) -> None:
        """Say that the wire ended. Raises PageError (truncated_body, transient)."""
        if not all(decoder.finished() for decoder in self._decoders):
            raise PageError(
                ErrorClass.TRANSIENT, "truncated_body", "the compressed body ends too early"
            )


class _Zlib:
    """gzip, and deflate in both its readings; several gzip members follow each other."""

    def __init__(self, wbits: int | None) -> None:
        self._wbits = wbits  # None: deflate, zlib or raw as the first two bytes tell
        self._head = b""
        self._stream: zlib._Decompress | None = None
        self._padding = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._padding:
            if self._stream is not None and self._stream.eof:
                self._end_member(data)
            elif self._stream is None:
                data = self._begin(data)
            else:
                yield from self._decode(self._stream, data)
                data = self._stream.unused_data

    def finished(self) -> bool:
        return not self._head and (self._stream is None or self._stream.eof)

    def _begin(self, data: bytes) -> bytes:
        data, self._head = self._head + data, b""
        if len(data) < 2:
            self._head = data
            return b""
        wbits = self._wbits if self._wbits is not None else _deflate_wbits(data)
        self._stream = zlib.decompressobj(wbits)
        return data

    @staticmethod
    def _decode(stream: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        try:
            while data and not stream.eof:
                piece = stream.decompress(data, PIECE)
                data = stream.unconsumed_tail
                if piece:
                    yield piece
        except zlib.error as error:
            raise _undecodable(str(error)) from error

    def _end_member(self, rest: bytes) -> None:
        # Anything but a further member is padding after the end, ignored as browsers do.
        self._stream = None if rest[:2] == _GZIP_MAGIC[: len(rest)] else self._stream
        self._padding = self._wbits is None or self._stream is not None


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        try:
            while not self._stream.is_finished():
                piece = self._stream.process(data, output_buffer_limit=PIECE)
                data = b""
                if piece:
                    yield piece
                elif self._stream.can_accept_more_data():
                    return
        except brotli.error as error:
            raise _undecodable(str(error)) from error

    def finished(self) -> bool:
        return not self._begun or bool(self._stream.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._begin()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        for start in range(0, len(data), _ZSTD_SLICE):
            yield from self._decode(data[start : start + _ZSTD_SLICE])

    def finished(self) -> bool:
        return not self._begun or self._stream.eof

    def _begin(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(
            write_size=PIECE
        )

    def _decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._begin()  # frames follow each other (RFC 8878, 3)
            try:
                piece = self._stream.decompress(data)
            except zstandard.ZstdError as error:
                raise _undecodable(str(error)) from error
            data = self._stream.unused_data
            if piece:
                yield piece


def _decoder(name: str) -> Decoder:
    if name in ("gzip", "x-gzip"):
        return _Zlib(zlib.MAX_WBITS | 16)
    if name == "deflate":
        return _Zlib(None)
    if name == "br":
        return _Brotli()
    if name == "zstd":
        return _Zstd()
    raise _undecodable(f"content coding {name[:40]!r} is unknown and was not asked for")


def _deflate_wbits(head: bytes) -> int:
    # "deflate" means zlib (RFC 9110, 8.4.1.2), but some servers send the raw stream.
    is_zlib = head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _through(decoder: Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)


def _undecodable(reason: str) -> PageError:
    return PageError(ErrorClass.INVALID, "undecodable_body", f"the body is not readable: {reason}")
