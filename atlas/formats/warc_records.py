"""Records of a WARC file (WARC 1.1, ISO 28500:2017), from their parts to bytes.

Nothing in a record depends on when or by whom it is written: the same document makes the same
bytes, ids included.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import BinaryIO

from atlas.domain.export_entry import StoredResponse

REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_IDS = uuid.UUID("5b0b9a35-6f0a-5f4c-9b0e-0d6c8f6d4a11")
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, 5.6.2
_PIECE = 1 << 20

Headers = Sequence[tuple[str, str | None]]


def record_id(*parts: object) -> str:
    """The id of a record: the same for the same parts."""
    return uuid.uuid5(_IDS, "\n".join(map(str, parts))).urn


def moment(time: datetime) -> str:
    """A WARC-Date; a fraction of a second is allowed since 1.1."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def payload_digest(sha256: str) -> str:
    """A SHA-256 in hex as a labelled digest; base 32 with its padding is what
    readers compare."""
    return "sha256:" + base64.b32encode(bytes.fromhex(sha256)).decode()


def http_head(response: StoredResponse, length: int) -> bytes:
    """The status line and the headers, as far as they are known; the length is that of the body
    after content decoding, which is the one that follows."""
    status = response.status or HTTPStatus.OK
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    media = response.content_type
    if media and response.charset and _TOKEN.fullmatch(response.charset):
        media = f"{media}; charset={response.charset}"
    lines = [f"HTTP/1.1 {int(status)} {reason}"]
    for name, value in (
        ("Content-Type", media),
        ("ETag", response.etag),
        ("Last-Modified", response.last_modified),
        ("Content-Length", str(length)),
    ):
        if value and value.isascii() and value.isprintable():
            lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode()


def write_record(file: BinaryIO, headers: Headers, *block: bytes) -> None:
    """Write a record whose block is these pieces in a row; headers without a value are left out."""
    digest = hashlib.sha256()
    for piece in block:
        digest.update(piece)
    every = [
        *headers,
        ("WARC-Block-Digest", payload_digest(digest.hexdigest())),
        ("Content-Length", str(sum(map(len, block)))),
    ]
    lines = [f"{name}: {value}" for name, value in every if value is not None]
    file.write("\r\n".join(["WARC/1.1", *lines, "", ""]).encode())
    for piece in block:
        for start in range(0, len(piece), _PIECE):
            file.write(piece[start : start + _PIECE])
    file.write(b"\r\n\r\n")
