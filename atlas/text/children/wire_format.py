"""What extraction children answer, as plain bytes that the parent checks before it believes them.

A child reads hostile documents; should one take it over, its answer is the way to the worker. So an
answer is not a pickle but a kind, then fields (`domain/wire_fields.py`) in a fixed order, each of
bounded size.
What the stores would refuse (a NUL, an invalid tsvector literal) is refused here too, where it
costs one document and not the batch it would be written with.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NamedTuple

from msgspec import Meta
from msgspec.msgpack import Decoder, encode
from msgspec.structs import astuple

from atlas.domain.addresses.urls import MAX_URL_LENGTH
from atlas.domain.chunking.chunk_bounds import DIGEST, ChunkBounds
from atlas.domain.errors import ErrorClass
from atlas.domain.extraction.extraction_rules import MAX_FELL_BACK, MAX_RULES, RuledText
from atlas.domain.extraction.outline import (
    MAX_ANCHOR,
    MAX_SECTION_TITLE,
    MAX_SECTIONS,
    TERM,
    OutlineSection,
)
from atlas.domain.extraction.stated_metadata import (
    MAX_STATED,
    MAX_STATED_TAG,
    MAX_STATED_VALUE,
    StatedField,
    StatedMetadata,
)
from atlas.domain.media_kinds import Media
from atlas.domain.prepared import Prepared
from atlas.domain.removal.bad_bodies.kinds import MAX_EVIDENCE, BodyKind, BodyVerdict
from atlas.domain.similarity.sketches import BANDS, SIGNATURE_BYTES, Sketch
from atlas.domain.texts import EXTRACTOR_VERSION, MAX_AUTHOR, Extracted, Link, text_hash
from atlas.domain.wire_fields import Number, Stamp, WireFields, check, decode, instant, storable

if TYPE_CHECKING:
    from atlas.domain.search.index_parts import IndexPart

_MAX_MESSAGE = 2_000  # bytes
_MAX_FAILURE = _MAX_MESSAGE + 200  # bytes: with error class and code
_MAX_LEXEMES = 4_000_000  # characters; 12,300 characters of text can become 18 times as many
_MAX_SKETCH = 1_000  # bands or bytes; how many exactly `_sketch` checks
_STORABLE = r"\A[^\x00]*\Z"  # PostgreSQL stores no NUL

_Address = Annotated[str, Meta(max_length=MAX_URL_LENGTH, pattern=r"\Ahttps?://[\x01-\x7f]*\Z")]
_Int8 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class _WireFailure(WireFields):
    error_class: Annotated[str, Meta(max_length=64)]
    code: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
    message: str


class _WireBug(WireFields):
    message: str


class _WireLink(WireFields):
    url: _Address
    rel: Annotated[str, Meta(max_length=200)]


class _WirePart(WireFields):
    body: str
    prefixes: str
    initials: str
    title: str
    start: Number
    end: Number
    length: Number


_Evidence = Annotated[str, Meta(max_length=MAX_EVIDENCE, pattern=_STORABLE)]


class _WireVerdict(WireFields):
    kind: BodyKind
    evidence: Annotated[tuple[_Evidence, ...], Meta(max_length=MAX_EVIDENCE)]
    certain: bool


_Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class _WireRuled(WireFields):
    counts: Annotated[tuple[Number, ...], Meta(max_length=4 * MAX_RULES)]
    fell_back: (
        Annotated[str, Meta(min_length=1, max_length=MAX_FELL_BACK, pattern=_STORABLE)] | None
    )
    compared: _Digest | None


class _WireSection(WireFields):
    start: Number
    level: Annotated[int, Meta(ge=1, le=TERM)]
    title: Annotated[str, Meta(max_length=MAX_SECTION_TITLE, pattern=_STORABLE)]
    anchor: Annotated[str, Meta(max_length=MAX_ANCHOR, pattern=_STORABLE)]  # "": none


class _WireStated(WireFields):
    field: StatedField
    value: Annotated[str, Meta(min_length=1, max_length=MAX_STATED_VALUE, pattern=_STORABLE)]
    tag: Annotated[str, Meta(min_length=1, max_length=MAX_STATED_TAG, pattern=_STORABLE)]


class _WireChunk(WireFields):
    digest: Annotated[str, Meta(pattern=rf"\A[0-9a-f]{{{DIGEST}}}\Z")]
    begin: Number
    own: Number
    end: Number
    section: Number


class _WireDocument(WireFields):
    title: str
    text: Annotated[str, Meta(pattern=r"\S")]
    markdown: str  # "": the same as the text
    lang: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{0,35}\Z")]
    published: Stamp
    canonical: _Address | None
    media: Media
    truncated: Annotated[str, Meta(min_length=1, max_length=500)] | None
    extractor: Annotated[int, Meta(ge=EXTRACTOR_VERSION, le=EXTRACTOR_VERSION)]
    noindex: bool
    verdict: _WireVerdict | None
    unavailable_after: Stamp
    author: Annotated[str, Meta(min_length=1, max_length=MAX_AUTHOR, pattern=_STORABLE)] | None
    ruled: _WireRuled | None
    links: Annotated[tuple[_WireLink, ...], Meta(max_length=5_000)]
    bands: Annotated[tuple[_Int8, ...], Meta(max_length=_MAX_SKETCH)]
    signature: Annotated[bytes, Meta(max_length=_MAX_SKETCH)]
    outline: Annotated[tuple[_WireSection, ...], Meta(max_length=MAX_SECTIONS)]
    stated: Annotated[tuple[_WireStated, ...], Meta(max_length=MAX_STATED)]
    chunks: tuple[_WireChunk, ...] | None
    read_digest: _Digest | None


_FAILURE = Decoder(_WireFailure)
_BUG = Decoder(_WireBug)
_DOCUMENT = Decoder(_WireDocument)
_PARTS = Decoder(tuple[_WirePart, ...])


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
    return AnswerKind.FAILURE.value + encode((error_class, code, _cut(message)))


def write_bug(message: str) -> bytes:
    """The answer that blames us."""
    return AnswerKind.BUG.value + encode((_cut(message),))


def _cut(message: str) -> str:
    return storable(message).encode()[: _MAX_MESSAGE - 4].decode("utf-8", "ignore")


def is_value(kind: bytes) -> bool:
    """Whether an answer that begins so carries what was asked for."""
    return kind == AnswerKind.VALUE.value


def read_answer(body: bytes) -> Answer:
    """The outer part of an answer. Raises MalformedAnswer."""
    kind, rest = body[:1], memoryview(body)[1:]
    if is_value(kind):
        return Answer(value=bytes(rest))
    check(None, len(rest) <= _MAX_FAILURE, "a message that is too long")
    if kind == AnswerKind.FAILURE.value:
        return Answer(failure=_failure(decode(_FAILURE, rest)))
    check(kind, kind == AnswerKind.BUG.value, "an unknown kind")
    return Answer(bug=decode(_BUG, rest).message)


def _failure(found: _WireFailure) -> tuple[str, str, str]:
    classes = {each.value for each in ErrorClass}
    check(None, found.error_class in classes, "an unknown error class")
    return found.error_class, found.code, found.message


def write_prepared(prepared: Prepared) -> bytes:
    """All of one document, as `read_prepared` reads it."""
    found = prepared.extracted
    return encode(
        (  # in the order of `_WireDocument`
            found.title,
            found.text,
            "" if found.markdown == found.text else found.markdown,
            found.lang,
            _stamp(found.published),
            found.canonical,
            found.media,
            found.truncated,
            found.extractor,
            found.noindex,
            _wire_verdict(found.verdict),
            _stamp(found.unavailable_after),
            found.author,
            _wire_ruled(found.ruled),
            [(link.url, link.rel) for link in found.links],
            prepared.sketch.bands,
            prepared.sketch.signature,
            [(each.start, each.level, each.title, each.anchor or "") for each in found.outline],
            [(each.field, each.value, each.tag) for each in found.stated],
            prepared.chunks,
            found.read_digest,
        )
    )


READ_BEFORE = b""
"""In place of a document that is not extracted, since its page says what it said before."""


def read_new(body: bytes) -> Prepared | None:
    """One document, or None for `READ_BEFORE`. Raises MalformedAnswer."""
    return None if body == READ_BEFORE else read_prepared(body)


def _stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def read_prepared(body: bytes) -> Prepared:
    """One document. Its text hash is taken here: a child that named another text's would hide
    that text from the index. Raises MalformedAnswer."""
    found = decode(_DOCUMENT, body)
    extracted = Extracted(
        title=found.title,
        text=found.text,
        markdown=found.markdown or found.text,
        lang=found.lang,
        published=instant(found.published),
        canonical=found.canonical,
        media=found.media,
        truncated=found.truncated,
        extractor=found.extractor,
        noindex=found.noindex,
        verdict=BodyVerdict(*astuple(found.verdict)) if found.verdict else None,
        unavailable_after=instant(found.unavailable_after),
        author=found.author,
        ruled=RuledText(*astuple(found.ruled)) if found.ruled else None,
        links=tuple(Link(link.url, link.rel) for link in found.links),
        text_hash=text_hash(found.title, found.text),
        outline=_outline(found),
        stated=tuple(StatedMetadata(*astuple(each)) for each in found.stated),
        read_digest=found.read_digest,
    )
    return Prepared(extracted, _sketch(found), _chunks(found))


def _wire_ruled(ruled: RuledText | None) -> tuple[list[int], str | None, str | None] | None:
    if ruled is None:
        return None
    fell_back = storable(ruled.fell_back) if ruled.fell_back else None
    return list(ruled.counts), fell_back, ruled.compared


def _outline(found: _WireDocument) -> tuple[OutlineSection, ...]:
    starts = [each.start for each in found.outline]
    check(None, starts == sorted(starts), "sections in disorder")
    check(None, not starts or starts[-1] <= len(found.text), "a number out of bounds")
    return tuple(
        OutlineSection(each.start, each.level, each.title, each.anchor or None)
        for each in found.outline
    )


def _chunks(found: _WireDocument) -> tuple[ChunkBounds, ...] | None:
    if found.chunks is None:
        return None
    length = len(found.text)
    for each in found.chunks:
        ordered = each.begin <= each.own < each.end <= length and each.section <= length
        check(None, ordered, "a number out of bounds")
    return tuple(ChunkBounds(*astuple(each)) for each in found.chunks)


def _wire_verdict(verdict: BodyVerdict | None) -> tuple[str, list[str], bool] | None:
    if verdict is None:
        return None
    evidence = [storable(each)[:MAX_EVIDENCE] for each in verdict.evidence[:MAX_EVIDENCE]]
    return verdict.kind.value, evidence, verdict.certain


def write_parts(found: tuple[IndexPart, ...]) -> bytes:
    """The parts of one text, as `read_parts` reads them."""
    return encode(
        [(p.body, p.prefixes, p.initials, p.title, p.start, p.end, p.length) for p in found]
    )


def read_parts(body: bytes, characters: int) -> tuple[IndexPart, ...]:
    """The parts of a text of so many characters. Raises MalformedAnswer."""
    from atlas.domain.search.index_parts import IndexPart  # the stemmers: not when idle

    found = decode(_PARTS, body)
    for part in found:
        size = max(map(len, (part.body, part.prefixes, part.initials, part.title)))
        check(None, size <= _MAX_LEXEMES, "a field that is too long")
        check(None, part.start <= part.end <= characters, "a number out of bounds")
    return tuple(IndexPart(*astuple(part)) for part in found)


def _sketch(found: _WireDocument) -> Sketch:
    sizes = (len(found.bands), len(found.signature))
    check(None, sizes in ((0, 0), (BANDS, SIGNATURE_BYTES)), "half a sketch")
    return Sketch(found.bands, found.signature)
