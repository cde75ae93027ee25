"""An HTTP answer as an archive has it: its head, and its body as a browser would see it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from atlas.domain.errors import ErrorClass, PageError
from atlas.web.decoding import Decoding

MAX_HEAD = 64 * 1024
"""Bytes of a status line and its headers."""

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?: |$)")
_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,15})\s*(?:;|$)")
_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True, slots=True)
class ArchivedResponse:
    """The head of an answer; `body_at` is where its body begins in the block."""

    status: int
    content_type: str | None
    last_modified: str | None
    encoding: str
    """Its Content-Encoding in lower case, empty if it has none."""
    chunked: bool
    body_at: int


def response_head(block: bytes) -> ArchivedResponse:
    """The head of a block of `application/http`. Raises PageError (malformed_response)."""
    first, _, _ = block[:MAX_HEAD].partition(b"\n")
    found = _STATUS.match(first.rstrip(b"\r"))
    if found is None:
        raise _malformed("its block begins with no HTTP status line")
    end = re.search(rb"\r?\n\r?\n", block[:MAX_HEAD])
    if end is None and len(block) >= MAX_HEAD:
        raise _malformed(f"its HTTP headers are longer than {MAX_HEAD} bytes")
    head = block[: end.start()] if end else block
    headers: dict[str, str] = {}
    for line in head.split(b"\n")[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return ArchivedResponse(
        status=int(found[1]),
        content_type=headers.get("content-type"),
        last_modified=headers.get("last-modified"),
        encoding=headers.get("content-encoding", "").strip().lower(),
        chunked="chunked" in headers.get("transfer-encoding", "").lower(),
        body_at=end.end() if end else len(block),
    )


def body_of(block: bytes, head: ArchivedResponse, most: int) -> bytes:
    """The body after transfer and content decoding. Raises PageError: `body_too_large` beyond
    `most` bytes, `undecodable_body`, `truncated_body`.

    Many archives have bodies that were decoded already, below headers that say otherwise: what is
    visibly neither in chunks nor compressed is taken as it is.
    """
    sent = block[head.body_at :]
    if head.chunked:
        sent = _joined(sent)
    codings = [each.strip() for each in head.encoding.split(",") if each.strip()]
    magic = _MAGIC.get(codings[-1]) if codings else None
    if not codings or (magic is not None and not sent.startswith(magic)):
        return _bounded([sent], most)
    decoding = Decoding(head.encoding)
    body = _bounded(decoding.feed(sent), most)
    decoding.finish()
    return body


def _bounded(pieces: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > most:
            raise PageError(
                ErrorClass.QUOTA, "body_too_large", f"its body is larger than {most} bytes"
            )
    return bytes(body)


def _joined(sent: bytes) -> bytes:
    """Chunks (RFC 9112, 7.1) joined; what begins with none is returned as it is."""
    body = bytearray()
    at = 0
    while True:
        end = sent.find(b"\n", at, at + 4096)
        found = _SIZE.match(sent[at : end if end >= 0 else at].rstrip(b"\r"))
        if found is None:
            if at == 0:
                return sent
            raise PageError(ErrorClass.TRANSIENT, "truncated_body", "its chunks end too early")
        size = int(found[1], 16)
        if size == 0:
            return bytes(body)
        at = end + 1
        if at + size > len(sent):
            raise PageError(ErrorClass.TRANSIENT, "truncated_body", "its chunks end too early")
        body += sent[at : at + size]
        at += size
        at += 2 if sent[at : at + 2] == b"\r\n" else 1


def _malformed(message: str) -> PageError:
    return PageError(ErrorClass.INVALID, "malformed_response", message)
