"""What a stored body is called, and how a blob store may fail.

BlobError
├── BlobMissing      no such blob
├── BlobCorrupt      its bytes are not those it is named after
└── BlobStoreError   the store cannot do it now; the message names the fix
"""

import re
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.errors import ErrorClass

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHARD = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A body after content decoding: its SHA-256 in lower-case hex, and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What a listing shows: compressed size in bytes, and when the store last wrote it (UTC)."""

    digest: str
    stored_bytes: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Leftover:
    """A temporary file that a dead writer left behind; `name` is known to its store only."""

    name: str
    stored_bytes: int


class BlobError(Exception):
    """Something went wrong with a blob or its store."""


class BlobMissing(BlobError):
    """No blob of this name is in the store."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"blob {digest} is not in the store")
        self.digest = digest


class BlobCorrupt(BlobError):
    """The stored bytes do not give back the body that the name promises."""

    def __init__(self, digest: str, reason: str) -> None:
        super().__init__(f"blob {digest} is corrupt: {reason}")
        self.digest = digest
        self.reason = reason


class BlobStoreError(BlobError):
    """The store refused or could not be reached; `mend` says what the operator can do."""

    def __init__(
        self, message: str, mend: str, error_class: ErrorClass = ErrorClass.TRANSIENT
    ) -> None:
        super().__init__(f"{message}. {mend}")
        self.mend = mend
        self.error_class = error_class


def checked_digest(digest: str) -> str:
    """The digest itself, so that no other string ever becomes a path or a key.

    Raises:
        ValueError: it is not 64 lower-case hexadecimal digits.
    """
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256 in lower-case hex: {digest[:80]!r}")
    return digest


def checked_shard(shard: str) -> str:
    """The same for a part of the store.

    Raises:
        ValueError: it is not two lower-case hexadecimal digits.
    """
    if not _SHARD.fullmatch(shard):
        raise ValueError(f"not two lower-case hex digits: {shard[:80]!r}")
    return shard
