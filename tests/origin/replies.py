"""What the scripted server answers, and what it saw."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import brotli
import zstandard

REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "Not Found"}

ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `at` is `time.monotonic()` of its request line, seconds."""

    method: str
    target: str
    at: float
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass
class Reply:
    """One answer, honest by default; each field below the line makes it misbehave.

    A 200 with `etag` left True gets an ETag of its body and answers If-None-Match (and
    If-Modified-Since, if it has a Last-Modified header) with 304. `encoding` compresses the body.
    """

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"
    etag: bool = True
    encoding: str | None = None
    # -- misbehaviour --
    header_delay: float = 0.0  # seconds before the first byte
    gate: asyncio.Event | None = None  # answer only once this is set
    silent: bool = False  # never answer
    drip: float | None = None  # seconds between single bytes of the body (or of `raw`)
    declared_length: int | None = None  # a Content-Length that lies; then close
    chunked: bool = False  # Transfer-Encoding: chunked
    raw: bytes | None = None  # these bytes instead of any HTTP; then close
    hang_up: bool = False  # close the connection without an answer

    def payload(self) -> bytes:
        """The body as sent."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return ENCODERS[self.encoding](body) if self.encoding else body

    def tag(self) -> str | None:
        """The ETag, stated or made from the body."""
        stated = {name.lower(): value for name, value in self.headers.items()}.get("etag")
        if stated or not self.etag or self.status != 200:
            return stated
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    def unchanged_for(self, seen: Seen) -> bool:
        """Whether the request's conditions make this a 304 (RFC 9110, 13.2.2)."""
        if "if-none-match" in seen.headers:
            return self.tag() is not None and seen.headers["if-none-match"] == self.tag()
        since = seen.headers.get("if-modified-since")
        return since is not None and since == self.headers.get("Last-Modified")


Handler = Callable[[Seen], "Reply | Awaitable[Reply]"]


def bomb(encoding: str, size: int) -> bytes:
    """`size` zero bytes (a multiple of 1 MiB), compressed; built without holding them."""
    piece = bytes(1024 * 1024)
    pieces = range(size // len(piece))
    if encoding == "zstd":
        zstd = zstandard.ZstdCompressor(level=1).compressobj()
        return b"".join([*(zstd.compress(piece) for _ in pieces), zstd.flush()])
    if encoding == "br":
        brotli_stream = brotli.Compressor(quality=5)
        return b"".join([*(brotli_stream.process(piece) for _ in pieces), brotli_stream.finish()])
    deflate = zlib.compressobj(wbits=zlib.MAX_WBITS | (16 if encoding == "gzip" else 0))
    return b"".join([*(deflate.compress(piece) for _ in pieces), deflate.flush()])
