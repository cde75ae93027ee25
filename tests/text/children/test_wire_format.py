"""The answers of extraction children: what was written is read, and nothing else is believed."""

import dataclasses
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.chunking.chunk_bounds import ChunkBounds
from atlas.domain.chunking.document_chunks import cut_bounds
from atlas.domain.extraction.extraction_rules import RuledText
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.prepared import Prepared
from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.domain.similarity.near_duplicates import sketch
from atlas.domain.similarity.sketches import Sketch
from atlas.domain.texts import Extracted, Link, strip_unstorable, text_hash
from atlas.domain.wire_fields import MalformedAnswer
from atlas.text.children import wire_format

TEXTS = st.text(max_size=400).map(strip_unstorable)
SAID = TEXTS.filter(lambda text: bool(text.strip()))
DATES = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1))
LINKS = st.lists(st.builds(Link, st.just("https://a.example/x"), st.just("nofollow")), max_size=3)


def document(title: str, text: str, published: datetime | None, links: list[Link]) -> Prepared:
    found = Extracted(
        title=title,
        text=text,
        markdown=f"# {text}",
        lang="en",
        published=published.replace(tzinfo=UTC) if published else None,
        canonical="https://a.example/",
        links=tuple(links),
        text_hash=text_hash(title, text),
        media="html",
    )
    chunks = cut_bounds(text, found.markdown, ()) if title else None
    return Prepared(found, sketch(text), chunks)


DOCUMENTS = st.builds(document, TEXTS, SAID, st.none() | DATES, LINKS)
PLAIN = document("A title", "Some words of 'text' and a \\ in it.", None, [])


def read_or_refuse(body: bytes, read: Callable[[bytes], object]) -> object:
    """What it reads, or None; any other error than MalformedAnswer goes on and fails the test."""
    try:
        return read(body)
    except MalformedAnswer:
        return None


@given(DOCUMENTS)
def test_a_document_comes_as_it_went(prepared: Prepared) -> None:
    assert wire_format.read_prepared(wire_format.write_prepared(prepared)) == prepared


def test_what_a_text_was_read_from_comes_as_it_went() -> None:
    sent = dataclasses.replace(
        PLAIN, extracted=dataclasses.replace(PLAIN.extracted, read_digest="0f" * 32)
    )
    read = wire_format.read_prepared(wire_format.write_prepared(sent))
    assert read.extracted.read_digest == "0f" * 32
    assert wire_format.read_new(wire_format.READ_BEFORE) is None
    with pytest.raises(MalformedAnswer):  # nothing was known that it could be the same as
        wire_format.read_prepared(wire_format.READ_BEFORE)


def test_what_rules_did_comes_as_it_went() -> None:
    said = RuledText((3, 0), "content .x: it selects nothing", "ab" * 32)
    for ruled in (said, RuledText((), None, None)):
        prepared = extracted(author="Ada Quay", ruled=ruled)
        assert wire_format.read_prepared(wire_format.write_prepared(prepared)) == prepared


@pytest.mark.parametrize(
    "ruled", [RuledText((-1,), None, None), RuledText((0,) * 500, None, None),
              RuledText((), "x" * 501, None), RuledText((), None, "no hash")],
)  # fmt: skip
def test_rules_that_no_healthy_child_reports_are_refused(ruled: RuledText) -> None:
    with pytest.raises(MalformedAnswer):
        wire_format.read_prepared(wire_format.write_prepared(extracted(ruled=ruled)))


def test_what_is_missing_from_a_text_comes_as_it_went() -> None:
    cut = extracted(truncated="pages 4 to 5")
    assert wire_format.read_prepared(wire_format.write_prepared(cut)) == cut


def test_what_a_page_states_comes_as_it_went() -> None:
    stated = (StatedMetadata("author", "Ada Quay", "meta author"),)
    prepared = extracted(stated=stated)
    assert wire_format.read_prepared(wire_format.write_prepared(prepared)) == prepared


@pytest.mark.parametrize(
    "each",
    [("lamp", "x", "h1"), ("title", "", "h1"), ("title", "x" * 2001, "h1"), ("title", "x", ""),
     ("title", "a\x00b", "h1")],
)  # fmt: skip
def test_a_statement_that_no_healthy_child_makes_is_refused(each: tuple[str, str, str]) -> None:
    stated = (StatedMetadata(*each),)  # type: ignore[arg-type]
    with pytest.raises(MalformedAnswer):
        wire_format.read_prepared(wire_format.write_prepared(extracted(stated=stated)))


def test_an_outline_comes_as_it_went() -> None:
    sections = (OutlineSection(0, 1, "Lamp", "lamp"), OutlineSection(9, 7, "", None))
    outlined = extracted(outline=sections)
    assert wire_format.read_prepared(wire_format.write_prepared(outlined)) == outlined


@pytest.mark.parametrize(
    "sections",
    [
        (OutlineSection(0, 8, "Lamp", None),),
        (OutlineSection(9_999, 1, "Lamp", None),),
        (OutlineSection(3, 1, "Lamp", None), OutlineSection(2, 1, "Oil", None)),
        (OutlineSection(0, 1, "Lamp\x00", None),),
        (OutlineSection(0, 1, "Lamp", "x" * 201),),
    ],
)
def test_an_outline_that_no_text_has_is_refused(sections: tuple[OutlineSection, ...]) -> None:
    body = wire_format.write_prepared(extracted(outline=sections))
    with pytest.raises(MalformedAnswer):
        wire_format.read_prepared(body)


@given(st.datetimes(timezones=st.just(UTC)))
def test_when_a_page_ends_comes_as_it_went(moment: datetime) -> None:
    ending = extracted(unavailable_after=moment, noindex=True)
    assert wire_format.read_prepared(wire_format.write_prepared(ending)) == ending


@given(st.text(max_size=300), SAID)
def test_parts_come_as_they_went(title: str, text: str) -> None:
    found = index_parts(title, text)
    assert wire_format.read_parts(wire_format.write_parts(found), len(text)) == found


def test_parts_that_no_healthy_child_sends_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    beyond = wire_format.write_parts((IndexPart("fog", "", "", "", 0, 101, 1),))
    with pytest.raises(MalformedAnswer, match="out of bounds"):
        wire_format.read_parts(beyond, 100)
    monkeypatch.setattr(wire_format, "_MAX_LEXEMES", 2)
    long = wire_format.write_parts((IndexPart("fog", "", "", "", 0, 3, 1),))
    with pytest.raises(MalformedAnswer, match="too long"):
        wire_format.read_parts(long, 100)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused(body: bytes) -> None:
    read_or_refuse(body, wire_format.read_prepared)
    read_or_refuse(body, wire_format.read_answer)
    read_or_refuse(body, lambda it: wire_format.read_parts(it, 100))


@settings(max_examples=300)
@given(DOCUMENTS, st.data())
def test_a_changed_answer_is_refused_or_still_a_document(
    prepared: Prepared, data: st.DataObject
) -> None:
    body = bytearray(wire_format.write_prepared(prepared))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 20))
    found = read_or_refuse(bytes(body[: len(body) - cut]), wire_format.read_prepared)
    if isinstance(found, Prepared):  # still sound: it can be written and read, and holds no lie
        assert wire_format.read_prepared(wire_format.write_prepared(found)) == found
        assert found.extracted.text_hash == text_hash(found.extracted.title, found.extracted.text)


@given(st.sampled_from(["invalid", "bug"]), st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True))
def test_a_failure_comes_as_it_went(error_class: str, code: str) -> None:
    answer = wire_format.read_answer(
        wire_format.write_failure(error_class, code, "\x00why \ud800 not")
    )
    assert answer.failure == (error_class, code, "why ? not")


def extracted(**changes: object) -> Prepared:
    return dataclasses.replace(
        PLAIN,
        extracted=dataclasses.replace(PLAIN.extracted, **changes),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "lie",
    [
        extracted(text="a\x00b"),
        extracted(text=" "),
        extracted(media="exe"),
        extracted(extractor=99),
        extracted(lang="en'; drop table"),
        extracted(truncated="page " * 1000),
        extracted(canonical="file:///etc/passwd"),
        extracted(published=datetime.fromisoformat("2020-01-01T00:00:00+00:00"), title="\x00"),
        extracted(links=(Link("javascript:alert(1)"),)),
        extracted(links=(Link("https://a.example/" + "x" * 2048),)),
        extracted(links=(Link("https://a.example/"),) * 5001),
        dataclasses.replace(PLAIN, sketch=Sketch((1, 2), b"")),
        dataclasses.replace(PLAIN, sketch=Sketch(PLAIN.sketch.bands, b"x")),
        dataclasses.replace(PLAIN, chunks=(ChunkBounds("0" * 15, 0, 0, 9, 0),)),
        dataclasses.replace(PLAIN, chunks=(ChunkBounds("0" * 16, 0, 0, 999, 0),)),
        dataclasses.replace(PLAIN, chunks=(ChunkBounds("0" * 16, 5, 3, 9, 0),)),
        dataclasses.replace(PLAIN, chunks=(ChunkBounds("0" * 16, 0, 0, 9, 999),)),
    ],
)
def test_a_document_that_no_store_takes_is_refused(lie: Prepared) -> None:
    with pytest.raises(MalformedAnswer):
        wire_format.read_prepared(wire_format.write_prepared(lie))


def test_a_text_hash_is_not_the_childs_to_name() -> None:
    liar = extracted(text_hash="00" * 32)
    assert wire_format.read_prepared(wire_format.write_prepared(liar)) == PLAIN


@pytest.mark.parametrize("count", [1, 5000, 100_000, 2**31, 2**32 - 1])
def test_a_count_is_not_believed_before_what_it_counts_arrives(count: int) -> None:
    announced = b"\xdd" + count.to_bytes(4, "big")
    tracemalloc.start()
    try:
        with pytest.raises(MalformedAnswer):
            wire_format.read_parts(announced, 100)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_what_is_refused_is_not_quoted() -> None:
    with pytest.raises(MalformedAnswer) as raised:
        wire_format.read_prepared(wire_format.write_prepared(extracted(media="exe - at\x00")))
    assert "exe" not in str(raised.value)
