"""The port: a folder or a prefix whose files are listed and read, whichever it is.

Errors are PageError: of a listing they make it incomplete, of a file they are its failure.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError, Validators

PART = 1000
"""Files of one part of a listing."""
PIECE = 256 * 1024
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file of a listing."""

    name: bytes
    """Below the folder or prefix."""
    modified: datetime


@dataclass(frozen=True, slots=True)
class ListedPart:
    """Some of the files; or a part of the tree that could not be listed."""

    files: Sequence[FileSeen] = ()
    trouble: PageError | None = None


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a read found; the bytes went to the sink, unless it is as it was."""

    validators: Validators
    size: int
    """Bytes that were read."""
    modified: bool = True
    """False: its validators are those that were given, and nothing was read."""


class ByteSink(Protocol):
    """Where the bytes of a file go."""

    async def write(self, chunk: bytes) -> None: ...


class FileTree(Protocol):
    """Files below a folder or prefix. Names that begin with a dot are not among them, nor is what
    lies below such a folder."""

    def list(self, below: bytes) -> AsyncIterator[ListedPart]:
        """All files below a folder (it ends in a slash, or is empty), part by part, in no promised
        order. Raises PageError when that folder itself cannot be listed."""

    async def read(self, name: bytes, before: Validators, most: int, sink: ByteSink) -> FileRead:
        """Read a file of at most so many bytes, unless its validators are those from `before`.
        Raises PageError."""


def hidden(name: bytes) -> bool:
    """Whether a file, or a folder that it lies in, has a name that begins with a dot."""
    return any(part.startswith(b".") for part in name.split(b"/"))


def missing(url: str) -> FetchError:
    """The failure of a file that is not there: evidence, as a 404 is."""
    words = "there is no such file"
    return FetchError(ErrorClass.GONE, "file_missing", words, url=url, status=404)


def too_large(size: int, most: int) -> PageError:
    """The failure of a file that is larger than a body may be."""
    return PageError(
        ErrorClass.QUOTA,
        "body_too_large",
        f"the file has {size} bytes, and a body may have {most} (ATLAS_FETCH_MAX_BYTES)",
    )
