"""Records of a web archive as they are read, and what cannot be read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class ArchiveRefused(Exception):
    """A file that is no archive, or has more than is read; the message says which, and the fix."""


@dataclass(frozen=True, slots=True)
class RecordHead:
    """What stands before the block of a record."""

    offset: int
    """Where the record, or the gzip member that it begins, starts in the file: in bytes."""
    headers: Mapping[str, str]
    """By name in lower case; of several with one name, the first."""
    length: int
    """Of the block, in bytes."""

    @property
    def kind(self) -> str:
        """Its WARC-Type in lower case; empty: it has none."""
        return self.headers.get("warc-type", "").strip().lower()


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """A record, with as much of its block as was asked for."""

    head: RecordHead
    block: bytes


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    """What could not be read, or was not taken over."""

    offset: int
    """Where its record starts in the file, in bytes; behind compressed data, where its gzip member
    does."""
    reason: str
    """What is wrong with it."""
    url: str | None = None
    """The address that it is about, as the archive spells it."""
    archive: str = ""
    """The file that the record is in."""
