"""Reading WARC files (0.17 to 1.1), plain or gzipped, whoever wrote them.

A record that cannot be read is a result, with its offset, and the rest is read on. What stands in a
block was written by the author of a page, who could make up records there: so a block is passed
over as a whole where its end is known, by its length or that of its gzip member. Only behind
damaged gzip data, and headers without a length in a plain file, the next record is searched.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from atlas.domain.archive_records import ArchiveProblem, ArchiveRecord, ArchiveRefused, RecordHead
from atlas.formats.byte_window import GZIP_MAGIC, ByteWindow, DamagedGzip, GzipMember

MAX_HEADER = 64 * 1024
"""Bytes of a record's headers, and of one of their lines."""
MAX_HEADER_LINES = 200
MAX_SKIPPED = 256 * 1024 * 1024
"""Bytes that are decompressed to pass over a block; behind a longer one, which may be a bomb, the
next member is searched in the compressed file."""
MAX_PROBLEMS_IN_A_ROW = 10_000
"""Unreadable records without a readable one between, after which the file is given up."""

_VERSION = re.compile(rb"WARC/\d\.\d{1,2}\s*$")
_LENGTH = re.compile(r"[0-9]{1,18}")
_SEARCHED = 1 << 20
_MOST_BLANK = 1024

Keep: TypeAlias = Callable[[RecordHead], int]
"""How many bytes of a record's block are wanted."""
Found: TypeAlias = ArchiveRecord | ArchiveProblem


class _Unreadable(Exception):
    """Why a record cannot be read."""


class _Lost(Exception):
    """The end of a member, whose problem was named, is too far away."""


def read_archive(file: BinaryIO, keep: Keep) -> Iterator[Found]:
    """The records of a seekable file in order, from its beginning. Raises ArchiveRefused."""
    file.seek(0)
    head = file.read(len(GZIP_MAGIC) + 2)
    file.seek(0)
    if head.startswith(GZIP_MAGIC):
        found = _Gzipped(file, keep).records()
    elif head.startswith(b"WARC/"):
        found = _plain(file, keep)
    else:
        raise ArchiveRefused("it begins neither with a WARC record nor with gzip data")
    in_a_row = 0
    for each in found:
        in_a_row = in_a_row + 1 if isinstance(each, ArchiveProblem) else 0
        yield each
        if in_a_row >= MAX_PROBLEMS_IN_A_ROW:
            raise ArchiveRefused(f"{in_a_row} records in a row cannot be read; it is damaged")


def _plain(file: BinaryIO, keep: Keep) -> Iterator[Found]:
    window = ByteWindow(file.read)
    while True:
        _skip_blank(window)
        if not window.peek(1):
            return
        offset = window.taken
        try:
            yield _record(window, offset, keep)
        except _Unreadable as error:
            yield ArchiveProblem(offset, str(error))
            if not _skip_to_record(window):
                return


def _skip_to_record(window: ByteWindow) -> bool:
    """Stand before the next line that begins a record; whether there is one."""
    window.skip(1)
    while line := window.peek(_SEARCHED):
        at = line.find(b"\nWARC/")
        if at >= 0:
            window.skip(at + 1)
            return True
        if len(line) < _SEARCHED:
            break
        window.skip(len(line) - len(b"\nWARC/"))
    return False


class _Gzipped:
    """A file of gzip members, in each of which records begin and end."""

    def __init__(self, file: BinaryIO, keep: Keep) -> None:
        self._file = file
        self._keep = keep

    def records(self) -> Iterator[Found]:
        offset: int | None = 0
        while offset is not None:
            self._file.seek(offset)
            raw = ByteWindow(self._file.read)
            if not raw.peek(len(GZIP_MAGIC)):
                return
            if raw.peek(len(GZIP_MAGIC)) != GZIP_MAGIC:
                yield ArchiveProblem(offset, "no gzip member begins here")
                offset = self._next_member(offset + 1)
                continue
            try:
                yield from self._member(raw, offset)
                offset += raw.taken
            except DamagedGzip as error:
                yield ArchiveProblem(offset, str(error))
                offset = self._next_member(offset + 1)
            except _Lost:
                offset = self._next_member(offset + 1)

    def _member(self, raw: ByteWindow, offset: int) -> Iterator[Found]:
        """Its records; `raw` stands behind it then. Raises DamagedGzip, _Lost."""
        window = ByteWindow(GzipMember(raw).pull)
        first = True
        while True:
            _skip_blank(window)
            if not window.peek(1):
                return
            try:
                record = _record(window, offset, self._keep, MAX_SKIPPED)
            except _Unreadable as error:
                yield ArchiveProblem(offset, str(error))
                if first:  # mostly the only one: what follows is its block
                    if window.skip(MAX_SKIPPED) == MAX_SKIPPED:
                        raise _Lost from None
                elif not _skip_to_record(window):
                    return
                continue
            first = False
            # Its end is looked at before it is believed: the checksum of a member stands there.
            _skip_blank(window)
            window.peek(1)
            yield record

    def _next_member(self, start: int) -> int | None:
        """Where the next member that begins with a record starts; None: there is none."""
        while True:
            self._file.seek(start)
            piece = self._file.read(_SEARCHED)
            at = piece.find(GZIP_MAGIC)
            while at >= 0:
                if self._begins_record(start + at):
                    return start + at
                at = piece.find(GZIP_MAGIC, at + 1)
            if len(piece) < _SEARCHED:
                return None
            start += len(piece) - len(GZIP_MAGIC) + 1

    def _begins_record(self, offset: int) -> bool:
        self._file.seek(offset)
        try:
            found = zlib.decompressobj(31).decompress(self._file.read(4096), 16)
        except zlib.error:
            return False
        return found.lstrip(b"\r\n").startswith(b"WARC/")


def _skip_blank(window: ByteWindow) -> None:
    """Pass over the empty lines between records."""
    found = window.peek(_MOST_BLANK)
    window.skip(len(found) - len(found.lstrip(b"\r\n")))


def _record(
    window: ByteWindow, offset: int, keep: Keep, most_skipped: int | None = None
) -> ArchiveRecord:
    head = _head(window, offset)
    wanted = min(keep(head), head.length)
    if most_skipped is not None and head.length - wanted > most_skipped:
        raise _Unreadable(f"its block claims {head.length} bytes, which are not decompressed")
    block = window.take(wanted)
    rest = head.length - wanted
    if len(block) < wanted or window.skip(rest) < rest:
        raise _Unreadable(f"its block claims {head.length} bytes, but the data ends before")
    return ArchiveRecord(head, block)


def _head(window: ByteWindow, offset: int) -> RecordHead:
    first = window.line(MAX_HEADER)
    if first is None or not _VERSION.match(first):
        raise _Unreadable("no record begins here")
    headers: dict[str, str] = {}
    name, left = "", MAX_HEADER
    for _ in range(MAX_HEADER_LINES):
        line = window.line(left) if left else None
        if line is None:
            raise _Unreadable(f"its headers are longer than {MAX_HEADER} bytes")
        left -= len(line)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not line.endswith(b"\n"):
            raise _Unreadable("the data ends within its headers")
        if not text:
            return _with_length(offset, headers)
        if text[0] in " \t" and name:  # folded, as 1.0 allows
            headers[name] = f"{headers[name]} {text.strip()}"
            continue
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        if not colon:
            raise _Unreadable("a line of its headers has no colon")
        headers.setdefault(name, value.strip())
    raise _Unreadable(f"it has more than {MAX_HEADER_LINES} headers")


def _with_length(offset: int, headers: dict[str, str]) -> RecordHead:
    length = headers.get("content-length", "")
    if not _LENGTH.fullmatch(length):
        raise _Unreadable(f"its Content-Length is {length[:40]!r}")
    return RecordHead(offset, headers, int(length))
