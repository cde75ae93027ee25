"""Which documents of web archives are taken over, and which record has the body of each.

Archives are read twice: here for what is in them, keeping no body, then for the bodies. Of several
captures of an address the latest counts, wherever it stands; so an import can be repeated.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, TypeAlias

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.archive_records import (
    ArchiveProblem,
    ArchiveRecord,
    ArchiveRefused,
    RecordHead,
)
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.media_kinds import MEDIA_KINDS
from atlas.formats.warc_reader import read_archive
from atlas.web.archived_response import MAX_HEAD, ArchivedResponse, body_of, response_head

MAX_ADDRESSES = 1_000_000
"""Documents of one import: what is known of them is in memory."""
MAX_RECORDS = 50_000_000
MOST_PROBLEMS = 100
"""Problems that are named; the others are counted."""

_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?")
_LONGEST_TYPE = 200
_SCRIPTS = ("text/css", "text/javascript", "text/ecmascript", "text/x-javascript")
_READ = (
    "",
    "application/json",
    "application/octet-stream",
    "application/rtf",
    "application/xml",
    "application/yaml",
    *(each for kind in MEDIA_KINDS for each in kind.types),
)


class ImportTooLarge(ArchiveRefused):
    """There is more than one import can take."""


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    """A document that is to be put."""

    url: str
    """Canonical."""
    offset: int
    """Of the record that captured it."""
    content_type: str | None
    modified: datetime | None
    archive: str = ""
    """The file that the record is in."""


RecordPlace: TypeAlias = tuple[int, int]
"""The number of a file of the import, and that of a record in it."""


@dataclass(slots=True)
class _Capture:
    """The latest capture of an address. `body` is the record with its body; None: it repeats
    another one, found by `repeats`."""

    document: ArchivedDocument
    date: datetime
    body: RecordPlace | None
    repeats: tuple[str, ...] = ()


@dataclass(slots=True)
class ArchivePlan:
    """What a first reading found, of all files together."""

    records: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    """Records that are no document to take over, by reason."""
    unreadable: int = 0
    """Records that are malformed or incomplete."""
    problems: list[ArchiveProblem] = field(default_factory=list)
    bodies: dict[RecordPlace, list[ArchivedDocument]] = field(default_factory=dict)
    """By the record that has the body."""

    @property
    def documents(self) -> int:
        """Documents to take over."""
        return sum(map(len, self.bodies.values()))

    def note(self, problem: ArchiveProblem) -> None:
        """Count what could not be read, and name the first of it."""
        self.unreadable += 1
        self.remember(problem)

    def remember(self, problem: ArchiveProblem) -> None:
        """Name a problem, if it is among the first."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def planned_bodies(
    file: BinaryIO, plan: ArchivePlan, most: int, number: int = 0
) -> Iterator[tuple[bytes, list[ArchivedDocument]]]:
    """The bodies that the plan takes from the file of this number, each with its documents, in the
    order of the file; what is wrong with one goes into the plan's problems. `most` is the largest
    body in bytes. Blocking."""
    at = 0

    def keep(head: RecordHead) -> int:
        return most + MAX_HEAD if (number, at) in plan.bodies else 0

    with suppress(ArchiveRefused):  # the first reading noted it, and came no further
        for found in read_archive(file, keep):
            documents = plan.bodies.get((number, at))
            at += 1
            if documents is None or isinstance(found, ArchiveProblem):
                continue  # the first reading noted it
            try:
                body = _body(found, most)
            except PageError as error:
                for each in documents:
                    plan.note(ArchiveProblem(each.offset, str(error), each.url, each.archive))
            else:
                yield body, documents


class ArchivePlanner:
    """Reads archives, one after the other, for what is in them."""

    def __init__(self) -> None:
        self.plan = ArchivePlan()
        self._number, self._name = -1, ""
        self._records = 0
        self._captures: dict[str, _Capture] = {}
        self._bodies: dict[str, tuple[RecordPlace, str | None]] = {}
        """Place and type of the record that a revisit may refer to, by payload digest, by address
        and date, and by address."""

    def read(self, file: BinaryIO, name: str = "") -> None:
        """Read the next file. Blocking. Raises ArchiveRefused; what was read until then is in the
        plan."""
        self._number, self._name = self._number + 1, name
        for at, found in enumerate(read_archive(file, lambda head: MAX_HEAD)):
            self._records += 1
            if self._records > MAX_RECORDS:
                raise ImportTooLarge(f"it has more than {MAX_RECORDS} records; split it")
            if isinstance(found, ArchiveProblem):
                self.plan.note(replace(found, archive=name))
            else:
                self._look_at((self._number, at), found)

    def _look_at(self, place: RecordPlace, record: ArchiveRecord) -> None:
        self.plan.records += 1
        head = record.head
        if head.kind not in ("response", "resource", "revisit"):
            self._pass_over(f"{head.kind[:20] or 'no type'} record")
            return
        if "warc-segment-number" in head.headers:
            self._pass_over("body in segments")
            return
        try:
            url = canonicalize(head.headers.get("warc-target-uri", "").strip("<>"))
        except InvalidUrl:
            self._pass_over("address that is not http or https")
            return
        problem = self._capture(place, record, url)
        if problem:
            self.plan.note(ArchiveProblem(head.offset, problem, url, self._name))

    def _capture(self, place: RecordPlace, record: ArchiveRecord, url: str) -> str:
        """Remember a capture; or why it is malformed."""
        head = record.head
        date = _date(head.headers.get("warc-date", ""))
        if date is None:
            return "its WARC-Date is no time"
        if "warc-truncated" in head.headers and head.kind != "revisit":
            return "its body was cut off when it was archived"
        try:
            answer = _answer(record)
        except PageError as error:
            return str(error)
        if answer is not None and not self._is_document(head.kind, answer):
            return ""
        content_type = answer.content_type if answer else head.headers.get("content-type")
        if head.kind == "revisit" and answer is None:
            content_type = None
        modified = _modified(answer.last_modified) if answer else None
        document = ArchivedDocument(url, head.offset, _as_type(content_type), modified, self._name)
        digest = head.headers.get("warc-payload-digest", "").casefold()
        if head.kind == "revisit":
            self._remember(_Capture(document, date, None, _repeated(head, url, digest)))
            return ""
        if not _is_read(content_type):
            self._pass_over("type that Atlas does not read")
            return ""
        for key in (digest, f"{url} {date}", f"{url} "):
            if key:
                self._bodies[key] = (place, document.content_type)
        self._remember(_Capture(document, date, place))
        return ""

    def _is_document(self, kind: str, answer: ArchivedResponse) -> bool:
        repeats = kind == "revisit" and answer.status == 304
        if not repeats and not 200 <= answer.status <= 299:
            self._pass_over("answer that is no page")
            return False
        return True

    def _remember(self, capture: _Capture) -> None:
        url = capture.document.url
        before = self._captures.get(url)
        if before is not None:
            self._pass_over("older capture of an address")
            if capture.date < before.date:
                return
        elif len(self._captures) >= MAX_ADDRESSES:
            raise ImportTooLarge(f"it has more than {MAX_ADDRESSES} documents; split it")
        self._captures[url] = capture

    def planned(self) -> ArchivePlan:
        """The plan, once every file was read."""
        for capture in self._captures.values():
            document, place = capture.document, capture.body
            if place is None:
                known = [self._bodies[key] for key in capture.repeats if key in self._bodies]
                if not known:
                    why = "the record that it repeats is not in the archive"
                    self.plan.note(
                        ArchiveProblem(document.offset, why, document.url, document.archive)
                    )
                    continue
                place, content_type = known[0]
                if document.content_type is None:
                    document = replace(document, content_type=content_type)
            self.plan.bodies.setdefault(place, []).append(document)
        return self.plan

    def _pass_over(self, reason: str) -> None:
        # Types are whatever the file says: so many at most are told apart.
        known = reason in self.plan.passed_over or len(self.plan.passed_over) < 20
        self.plan.passed_over[reason if known else "other"] += 1


def _answer(record: ArchiveRecord) -> ArchivedResponse | None:
    """The HTTP answer that a record holds; None: it holds a body, or nothing."""
    declared = record.head.headers.get("content-type", "").casefold()
    if record.head.kind == "resource" or not record.block:
        return None
    if not declared.startswith("application/http") and record.head.kind == "revisit":
        return None
    return response_head(record.block)


def _repeated(head: RecordHead, url: str, digest: str) -> tuple[str, ...]:
    """By what the record that a revisit repeats may be found, the surest first."""
    refers = head.headers
    date = _date(refers.get("warc-refers-to-date", ""))
    try:
        target = canonicalize(refers.get("warc-refers-to-target-uri", "").strip("<>"))
    except InvalidUrl:
        target = url
    same = f"{url} " if "not-modified" in refers.get("warc-profile", "") else ""
    return tuple(filter(None, (digest, f"{target} {date}" if date else "", same)))


def _body(record: ArchiveRecord, most: int) -> bytes:
    """Raises PageError."""
    block, head = record.block, record.head
    if len(block) < head.length:
        raise _quota(f"its body is larger than {most} bytes")
    if _differs(head.headers.get("warc-block-digest", ""), block):
        raise _damaged("its WARC-Block-Digest is not that of its block")
    answer = _answer(record)
    if answer is None:
        if len(block) > most:
            raise _quota(f"its body is larger than {most} bytes")
        return block
    return body_of(block, answer, most)


def _differs(digest: str, block: bytes) -> bool:
    """Whether a labelled digest is another one than that of the block; False for what is not
    known."""
    label, _, value = digest.strip().partition(":")
    algorithm = label.lower().replace("-", "")
    if algorithm not in ("sha1", "sha256", "sha512", "md5"):
        return False
    made = hashlib.new(algorithm, block, usedforsecurity=False).digest()
    if len(value) == 2 * len(made):
        return value.lower() != made.hex()
    spelled = base64.b32encode(made).decode().rstrip("=")
    return value.upper().rstrip("=") != spelled


def _date(text: str) -> datetime | None:
    return _moment(datetime.fromisoformat, text.strip())


def _modified(text: str | None) -> datetime | None:
    return _moment(parsedate_to_datetime, text or "")


def _moment(read: Callable[[str], datetime], text: str) -> datetime | None:
    """The moment in UTC, which counts where no zone is named; None where the text is none."""
    try:
        found = read(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):  # the last: before year 1 in UTC
        return None


def _as_type(text: str | None) -> str | None:
    """A type that a put accepts; None: the body shall show it."""
    found = text if text and len(text) <= _LONGEST_TYPE and _TYPE.fullmatch(text) else None
    return found if found and found.isprintable() else None


def _is_read(content_type: str | None) -> bool:
    media = (content_type or "").partition(";")[0].strip().lower()
    textual = media.startswith("text/") and media not in _SCRIPTS
    return textual or media in _READ or media.endswith(("+xml", "+json"))


def _quota(message: str) -> PageError:
    return PageError(ErrorClass.QUOTA, "body_too_large", message)


def _damaged(message: str) -> PageError:
    return PageError(ErrorClass.INVALID, "undecodable_body", message)
