"""What extraction children answer, as plain bytes that the parent checks before it believes them.

A child reads hostile documents; should one take it over, its answer is the way to the worker. So an
answer is no pickle but a kind and then fields (`domain/wire_fields.py`) of fixed order and bounded
size.
Whatever the stores could not take (a NUL, a tsvector literal that is none) is refused here too,
where it costs one document and not the batch it would be written with.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from atlas.domain.errors import ErrorClass
from atlas.domain.prepared import Prepared
from atlas.domain.texts import EXTRACTOR_VERSION, Extracted, Link, text_hash
from atlas.domain.urls import MAX_URL_LENGTH
from atlas.domain.wire_fields import MalformedAnswer, Reader, Writer, check

if TYPE_CHECKING:
    from atlas.domain.analysis import IndexPart
    from atlas.domain.near_duplicates import Sketch

_MAX_MESSAGE = 2_000
_MAX_REL = 200
_MAX_LINKS = 5_000
_MAX_PARTS = 100_000
_MAX_TSV = 1_000_000  # bytes; PostgreSQL's own limit is 1,048,575
_INT8 = 2**63
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{0,35}")
# A tsvector literal as `analysis` writes it. Lexemes stay below 2 KB, positions above 0.
_TSVECTOR = re.compile(
    r"(?:'(?:[^'\\\x00]|''|\\\\){1,500}+':[1-9]\d{0,4}+(?:,[1-9]\d{0,4}+)*+(?: (?=')|\Z))*+"
)


class AnswerKind(Enum):
    """What an answer is: the value asked for, a failure of the page, a bug of our own."""

    VALUE = b"V"
    FAILURE = b"F"
    BUG = b"B"


class Answer(NamedTuple):
    """What a child sent: a value not yet read, or the failure of a page, or a bug of our own."""

    value: bytes = b""
    failure: tuple[str, str, str] | None = None  # error class, code, message
    bug: str | None = None


def write_value(value: bytes) -> bytes:
    """The answer that carries what a job made."""
    return AnswerKind.VALUE.value + value


def write_failure(error_class: str, code: str, message: str) -> bytes:
    """The answer that blames the page."""
    return AnswerKind.FAILURE.value + _texts(error_class, code, _cut(message))


def write_bug(message: str) -> bytes:
    """The answer that blames us."""
    return AnswerKind.BUG.value + _texts(_cut(message))


def _texts(*values: str) -> bytes:
    writer = Writer()
    for value in values:
        writer.text(value)
    return writer.finish()


def _cut(message: str) -> str:
    clean = message.replace("\x00", "").encode("utf-8", "replace")[: _MAX_MESSAGE - 4]
    return clean.decode("utf-8", "ignore")


def is_value(kind: bytes) -> bool:
    """Whether an answer that begins so carries what was asked for."""
    return kind == AnswerKind.VALUE.value


def read_answer(body: bytes) -> Answer:
    """The outer part of an answer. Raises MalformedAnswer."""
    kind, rest = body[:1], memoryview(body)[1:]
    if kind == AnswerKind.VALUE.value:
        return Answer(value=bytes(rest))
    reader = Reader(rest)
    if kind == AnswerKind.FAILURE.value:
        answer = Answer(failure=_failure(reader))
    else:
        check(kind, kind == AnswerKind.BUG.value, "an unknown kind")
        answer = Answer(bug=reader.text(_MAX_MESSAGE))
    reader.end()
    return answer


def _failure(reader: Reader) -> tuple[str, str, str]:
    classes = {each.value for each in ErrorClass}
    error_class, code = reader.text(64), reader.text(64)
    check(None, error_class in classes, "an unknown error class")
    check(None, bool(_CODE.fullmatch(code)), "an error code that is none")
    return error_class, code, reader.text(_MAX_MESSAGE)


def write_prepared(prepared: Prepared) -> bytes:
    """All of one document, as `read_prepared` reads it."""
    found, writer = prepared.extracted, Writer()
    writer.text(found.title)
    writer.text(found.text)
    writer.text("" if found.markdown == found.text else found.markdown)
    writer.text(found.lang)
    writer.text(found.published.astimezone(UTC).isoformat() if found.published else "")
    writer.text(found.canonical or "")
    writer.text(found.media)
    writer.text(found.truncated or "")
    writer.number(found.extractor)
    writer.number(found.noindex)
    writer.number(len(found.links))
    for link in found.links:
        writer.text(link.url)
        writer.text(link.rel)
    _write_sketch(writer, prepared.sketch)
    _write_parts(writer, prepared.parts)
    return writer.finish()


def read_prepared(body: bytes) -> Prepared:
    """One document. Its text hash is taken here: a child that named another text's would hide
    that text from the index. Raises MalformedAnswer."""
    reader = Reader(body)
    extracted = _read_extracted(reader)
    sketch = _read_sketch(reader)
    parts = _read_parts(reader, len(extracted.text))
    reader.end()
    return Prepared(extracted=extracted, sketch=sketch, parts=parts)


def write_parts(parts: tuple[IndexPart, ...]) -> bytes:
    """The index parts of one text, as `read_parts` reads them."""
    writer = Writer()
    _write_parts(writer, parts)
    return writer.finish()


def read_parts(body: bytes, characters: int) -> tuple[IndexPart, ...]:
    """The index parts of a text of so many characters. Raises MalformedAnswer."""
    reader = Reader(body)
    parts = _read_parts(reader, characters)
    reader.end()
    return parts


def _read_extracted(reader: Reader) -> Extracted:
    title, text = reader.text(), reader.text()
    check(None, bool(text) and not text.isspace(), "no text")
    markdown, lang = reader.text() or text, reader.text(35)
    check(None, bool(_LANGUAGE.fullmatch(lang)), "a language that is none")
    return Extracted(
        title=title,
        text=text,
        markdown=markdown,
        lang=lang,
        published=_instant(reader.text(40)),
        canonical=_address(reader) or None,
        media=_media(reader.text(8)),  # type: ignore[arg-type]
        truncated=reader.text(_MAX_MESSAGE) or None,
        extractor=reader.number(EXTRACTOR_VERSION, EXTRACTOR_VERSION),
        noindex=bool(reader.number(0, 1)),
        links=reader.several(_MAX_LINKS, _link),
        text_hash=text_hash(title, text),
    )


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise MalformedAnswer("a date that is none") from error
    return check(instant, instant is None or instant.tzinfo is UTC, "a date not in UTC")


def _media(text: str) -> str:
    return check(text, text in ("html", "text", "pdf"), "an unknown kind of document")


def _address(reader: Reader) -> str:
    url = reader.text(MAX_URL_LENGTH)
    holds = not url or url.startswith(("http://", "https://"))
    return check(url, holds and url.isascii(), "an address that is none")


def _link(reader: Reader) -> Link:
    url = _address(reader)
    check(None, bool(url), "a link to nowhere")
    return Link(url, reader.text(4 * _MAX_REL))


def _write_sketch(writer: Writer, sketch: Sketch) -> None:
    writer.number(len(sketch.bands))
    for band in sketch.bands:
        writer.number(band)
    writer.data(sketch.signature)


def _read_sketch(reader: Reader) -> Sketch:
    from atlas.domain.near_duplicates import BANDS, SIGNATURE_BYTES, Sketch  # numpy: not when idle

    bands = reader.several(BANDS, lambda each: each.number(-_INT8, _INT8 - 1))
    signature = reader.data(SIGNATURE_BYTES)
    empty = not bands and not signature
    full = len(bands) == BANDS and len(signature) == SIGNATURE_BYTES
    return check(Sketch(bands, signature), empty or full, "half a sketch")


def _write_parts(writer: Writer, parts: tuple[IndexPart, ...]) -> None:
    writer.number(len(parts))
    for part in parts:
        writer.text(part.tsv)
        writer.number(part.length)
        writer.number(part.start)
        writer.number(part.end)


def _read_parts(reader: Reader, characters: int) -> tuple[IndexPart, ...]:
    from atlas.domain.analysis import IndexPart  # the stemmers: not when idle

    def part(each: Reader) -> IndexPart:
        tsv = each.text(_MAX_TSV)
        check(None, bool(_TSVECTOR.fullmatch(tsv)), "index entries that are none")
        length, start = each.number(), each.number(0, characters)
        return IndexPart(tsv, length, start, each.number(start, characters))

    return check(parts := reader.several(_MAX_PARTS, part), bool(parts), "no index entries")
