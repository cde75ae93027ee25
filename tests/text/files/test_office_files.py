"""Slides, sheets, OpenDocument and books are read like pages; hostile ones fail by name."""

from __future__ import annotations

import contextlib
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.media_kinds import Media, type_of_name
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.files import file_archive
from atlas.text.files import xlsx as sheets
from tests.text.files.file_makers import (
    archive,
    cell,
    core,
    epub,
    notes,
    odt,
    paragraphs,
    pptx,
    relations,
    shape,
    slide_table,
    xlsx,
)
from tests.text.test_extract_fuzz import survives

URL = "https://a.example/files/a"
FIRST = (
    shape(paragraphs("The tides", "of the harbour"), "body")
    + shape(paragraphs("Mooring"), "ctrTitle")
    + shape(paragraphs("3 / 7"), "sldNum")
)
SECOND = (
    shape(paragraphs("Ropes"), "title")
    + shape(paragraphs("Bow line\nfirst", (1, "then the stern line")), "")
    + f"<p:grpSp>{shape(paragraphs('R & D < 5'))}</p:grpSp>"
    + slide_table([["Berth", "Depth"], ["seven", "4 m"]])
)
SHOW = pptx(
    [FIRST, SECOND, shape(paragraphs("Not shown"), "title")],
    hidden=[2],
    others={
        "ppt/slides/_rels/slide2.xml.rels": relations(
            {"n": ("notesSlide", "../notesSlides/notesSlide1.xml")}
        ),
        "ppt/notesSlides/notesSlide1.xml": notes("Say who may not moor."),
        "docProps/core.xml": core("How to moor", "Ada Lund", "2024-03-05T08:00:00Z"),
    },
)
BOOK = epub(
    {
        "nav.xhtml": "<html><body><nav>Contents</nav></body></html>",
        "two.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>'
        '<h1>Ropes</h1><p><a id="p7"/>A rope &amp; a <a href="one.xhtml">line</a>.</p></body>'
        "</html>",
        "one.xhtml": '<?xml version="1.0"?><html><head><script src="x.js"/></head><body>'
        '<h1>Mooring</h1><p>See <a href="https://b.example/tides">the tides</a>.</p></body></html>',
    },
    metadata="<dc:title>The Harbour Book</dc:title><dc:creator>Ada Lund</dc:creator>"
    "<dc:creator>Bo Ek</dc:creator><dc:date>2019-05-04</dc:date><dc:language>sv</dc:language>"
    '<meta property="dcterms:modified">2020-01-02T03:04:05Z</meta>',
    spine=["nav.xhtml", "one.xhtml", "two.xhtml"],
)
LETTER = odt(
    '<text:h text:outline-level="2">Mooring</text:h>'
    '<text:p>Tie<text:s text:c="2"/>the bow line<text:note><text:note-citation>1'
    "</text:note-citation><text:note-body><text:p>Not in ice.</text:p></text:note-body></text:note>"
    ' first; see <text:a xlink:href="https://b.example/t">the <text:span>tides</text:span>'
    "</text:a>."
    "<office:annotation><text:p>check this</text:p></office:annotation></text:p>"
    "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
    "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>inner"
    "</text:p></text:list-item></text:list></text:list-item></text:list>"
    "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Berth"
    "</text:p></table:table-cell><table:table-cell><text:p>Depth"
    "<office:annotation><text:p>no comment</text:p></office:annotation></text:p>"
    "<text:list><text:list-item><text:p>in m</text:p></text:list-item></text:list>"
    "</table:table-cell>"
    "</table:table-row></table:table-header-rows><table:table-row><table:table-cell "
    'table:number-columns-repeated="2"><text:p>7</text:p></table:table-cell><table:table-cell '
    'table:number-columns-repeated="16000"/></table:table-row></table:table>',
    meta="<dc:title>How to moor</dc:title><meta:initial-creator>Ada Lund</meta:initial-creator>"
    "<dc:creator>Bo Ek</dc:creator><meta:creation-date>2024-03-05T08:00:00</meta:creation-date>"
    "<dc:date>2024-03-06T08:00:00</dc:date>",
)


def read(body: bytes, name: str) -> Extracted:
    return extract(body, type_of_name(name), None, f"https://a.example/files/{name}")


def failure(body: bytes, name: str) -> str:
    with pytest.raises(PageError) as refused:
        read(body, name)
    assert refused.value.error_class is ErrorClass.INVALID
    return refused.value.code


def test_slides_in_the_order_of_the_show() -> None:
    found = read(SHOW, "a.pptx")
    assert found.markdown == (
        "## Mooring\n- The tides\n- of the harbour\n\n## Ropes\n- Bow line  \n  first\n"
        "  - then the stern line\n\nR & D < 5\n\n"
        "| Berth | Depth |\n| --- | --- |\n| seven | 4 m |\n\n> Say who may not moor."
    )
    assert (found.media, found.title, found.author) == ("pptx", "How to moor", "Ada Lund")
    assert found.published == datetime(2024, 3, 5, 8, tzinfo=UTC)
    assert StatedMetadata("author", "Ada Lund", "pptx creator") in found.stated
    assert [each.title for each in found.outline] == ["Mooring", "Ropes"]


def test_a_title_that_a_program_wrote_gives_way_to_the_first_heading() -> None:
    others = {"docProps/core.xml": core("PowerPoint Presentation")}
    found = read(pptx([FIRST], others=others), "a.pptx")
    assert found.title == "Mooring"
    assert StatedMetadata("title", "Mooring", "first heading") in found.stated


def test_diagrams_and_alternatives_are_text_too() -> None:
    frame = (
        "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds xmlns:dgm='d' r:dm='d1'/>"
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    choice = shape(paragraphs("drawn anew"))
    either = (
        f"<mc:AlternateContent xmlns:mc='m'><mc:Choice>{choice}</mc:Choice>"
        f"<mc:Fallback>{choice}</mc:Fallback></mc:AlternateContent>"
    )
    text = "<a:p><a:r><a:t>moor, then sign</a:t></a:r></a:p>"
    points = f"<d:ptLst><d:pt><d:t>{text}</d:t></d:pt></d:ptLst>"
    data = f"<d:dataModel xmlns:d='d' xmlns:a='a'>{points}</d:dataModel>"
    others = {
        "ppt/slides/_rels/slide1.xml.rels": relations({"d1": ("diagramData", "../diagrams/d.xml")}),
        "ppt/diagrams/d.xml": data,
    }
    assert read(pptx([frame + either], others=others), "a.pptx").text == (
        "moor, then sign\n\ndrawn anew"
    )


def test_sheets_are_tables_with_what_their_cells_show() -> None:
    body = xlsx(
        {
            "Berths": [
                cell("B2", "Berth") + cell("C2", "Free from") + cell("E2", "Full"),
                '<c r="B3" t="s"><v>0</v></c>' + cell("C3", 45356.0, 1) + cell("E3", 0.125, 3),
                cell("B4", 0.1 + 0.2) + cell("C4", 45356.75, 2) + '<c r="E4" t="b"><v>1</v></c>',
                '<c r="B5" t="e"><v>#N/A</v></c><c t="str"><f>A1</f><v>a|b</v></c>',
            ],
            "Lists": [cell("A1", "looked up")],
            "Empty": [],
        },
        strings=['<r><t>se</t></r><r><t>ven</t></r><rPh sb="0" eb="1"><t>x</t></rPh>'],
        formats=["dd/mm/yyyy", '"at" yyyy-mm-dd hh:mm', "0.0%"],
        hidden=["Lists"],
    )
    found = read(body, "berths.xlsx")
    assert found.markdown == (
        "## Berths\n\n| Berth | Free from | | Full |\n| --- | --- | --- | --- |\n"
        "| seven | 2024-03-05 | | 12.5% |\n| 0.3 | 2024-03-05 18:00:00 | | TRUE |\n"
        "| #N/A | a\\|b |"
    )
    assert (found.media, found.title) == ("xlsx", "berths.xlsx")
    assert found.text.startswith("Berths\nBerth\nFree from\nFull\nseven")


@pytest.mark.parametrize(
    ("serial", "properties", "shown"),
    [
        (1.0, "", "1900-01-01"),
        (61.0, "", "1900-03-01"),
        (0.5, "", "12:00:00"),
        (0.0, '<workbookPr date1904="1"/>', "00:00:00"),
        (1.0, '<workbookPr date1904="1"/>', "1904-01-02"),
        (1e300, "", "1e+300"),
        (-1.0, "", "-1"),
    ],
)
def test_dates_of_both_epochs(serial: float, properties: str, shown: str) -> None:
    body = xlsx({"S": [cell("A1", serial, 1)]}, formats=["yyyy-mm-dd"], properties=properties)
    assert read(body, "a.xlsx").text == f"S\n{shown}"


def test_cells_past_the_bound_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_CELLS", 5)
    rows = [cell(f"A{n}", n) + cell(f"B{n}", n) for n in range(1, 5)]
    found = read(xlsx({"One": rows, "Two": rows}), "a.xlsx")
    assert found.text == "One\n1\n1\n2\n2"
    assert found.truncated == "cells after the first 5, from sheet 'One' on"
    # Empty cells before another are counted: they take room, too.
    far = read(xlsx({"One": [cell("A1", "near"), cell("XFD2", "far")]}), "a.xlsx")
    assert (far.text, bool(far.truncated)) == ("One\nnear", True)


def test_chapters_of_a_book_in_order() -> None:
    found = read(BOOK, "a.epub")
    assert found.markdown == (
        "# Mooring\n\nSee [the tides](https://b.example/tides).\n\n# Ropes\n\nA rope & a line."
    )
    assert [link.url for link in found.links] == ["https://b.example/tides"]
    assert (found.media, found.title, found.author) == (
        "epub",
        "The Harbour Book",
        "Ada Lund, Bo Ek",
    )
    assert (found.published, found.truncated) == (datetime(2019, 5, 4, tzinfo=UTC), None)
    assert StatedMetadata("modified", "2020-01-02T03:04:05+00:00", "epub dcterms:modified") in (
        found.stated
    )
    assert [each.anchor for each in found.outline] == [None, None]


def test_a_chapter_that_is_missing_is_named() -> None:
    chapters = {"a.xhtml": "<p>words of the first</p>", "b.xhtml": "<p>never read</p>"}
    body = epub(chapters).replace(b"b.xhtml", b"c.xhtml")  # in the archive, not in the package
    assert read(body, "a.epub").truncated == "chapter OEBPS/text/b.xhtml"


def test_an_opendocument_text() -> None:
    found = read(LETTER, "a.odt")
    assert found.markdown == (
        "## Mooring\n\nTie the bow line first; see [the tides](https://b.example/t).\n- one\n"
        "  - inner\n\n| Berth | Depth in m |\n| --- | --- |\n| 7 | 7 |\n- Not in ice."
    )
    assert (found.media, found.title, found.author) == ("odt", "How to moor", "Ada Lund")
    assert found.published == datetime(2024, 3, 5, 8, tzinfo=UTC)
    assert StatedMetadata("modified", "2024-03-06T08:00:00+00:00", "odt date") in found.stated


FILES: dict[Media, bytes] = {
    "pptx": SHOW,
    "xlsx": xlsx({"One": [cell("A1", "Berth")]}),
    "epub": BOOK,
    "odt": LETTER,
}


@pytest.mark.parametrize("media", FILES)
@pytest.mark.parametrize("served", ["", "application/octet-stream", "application/zip", "text/html"])
def test_each_is_known_by_its_bytes(media: Media, served: str) -> None:
    assert extract(FILES[media], served, None, URL).media == media


def test_a_file_within_another_does_not_decide() -> None:
    packed = pptx([FIRST], others={"ppt/embeddings/chart.xlsx": FILES["xlsx"]})
    assert extract(packed, None, None, URL).media == "pptx"
    with pytest.raises(PageError, match="binary"):
        extract(archive({"a.docx": FILES["xlsx"]}), "application/zip", None, URL)


@pytest.mark.parametrize("media", FILES)
def test_a_broken_one_is_named(media: Media) -> None:
    whole = FILES[media]
    for at in (4, len(whole) // 5, len(whole) // 2, len(whole) - 30):
        assert failure(whole[:at], f"a.{media}") == f"{media}_broken"
    assert failure(b"<html><p>Not found</p></html>", f"a.{media}") == f"{media}_broken"
    assert failure(archive({"readme": "none of it"}), f"a.{media}") == f"{media}_broken"


@pytest.mark.parametrize("media", FILES)
def test_what_unpacks_to_too_much_is_refused(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = sum(each.file_size for each in zipfile.ZipFile(BytesIO(FILES[media])).infolist())
    monkeypatch.setattr(file_archive, "MAX_UNPACKED", unpacked // 4)
    assert failure(FILES[media], f"a.{media}") == f"{media}_too_large"
    monkeypatch.setattr(file_archive, "MAX_ENTRIES", 2)
    assert failure(FILES[media], f"a.{media}") == f"{media}_too_large"


def bomb() -> str:
    names = [f"e{number}" for number in range(12)]
    lines = [f'<!ENTITY {names[0]} "harbour ">']
    lines += [f'<!ENTITY {new} "{f"&{old};" * 12}">' for old, new in pairwise(names)]
    return f"<!DOCTYPE d [{''.join(lines)}]>"


OUTSIDE = '<!DOCTYPE d [<!ENTITY e11 SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [bomb(), OUTSIDE])
def test_entities_neither_multiply_nor_read_files(declared: str) -> None:
    letter = odt("<text:p>before &e11; after</text:p>", prefix=declared)
    assert failure(letter, "a.odt") == "odt_broken"
    words = shape(paragraphs("before")).replace("before", "before &e11; after")
    assert failure(pptx([words], prefix=declared), "a.pptx") == "pptx_broken"
    row = cell("A1", "before").replace("before", "before &e11; after")
    with contextlib.suppress(PageError):  # where libxml counts how far they would grow
        found = extract(xlsx({"One": [row]}, prefix=declared), None, None, URL)
        assert "root:" not in found.text and len(found.text) < 100
    page = f"{declared}<html><body><p>before &e11; after</p></body></html>"
    found = read(epub({"a.xhtml": page}), "a.epub")
    assert "before" in found.text and "root:" not in found.text and len(found.text) < 3_000


def test_a_password_is_named() -> None:
    sealed = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le")
    )
    for name in ("a.docx", "a.xlsx", "a.pptx"):
        assert failure(sealed, name) == "encrypted"
    assert failure(sealed[:300], "a.doc") == "binary_content"
    locked = odt("<text:p>x</text:p>", manifest="<manifest:encryption-data/>")
    assert failure(locked, "a.odt") == "encrypted"
    secret = "<e><c><CipherReference URI='OEBPS/text/{}'/></c></e>"
    chapters = {"a.xhtml": "<p>scrambled</p>"}
    fonts = {"META-INF/encryption.xml": secret.format("font.otf")}
    assert read(epub(chapters, others=fonts), "a.epub").text == "scrambled"
    assert failure(
        epub(chapters, others={"META-INF/encryption.xml": secret.format("a.xhtml")}), "a.epub"
    ) == ("encrypted")
    flagged = bytearray(FILES["pptx"])
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = flagged.find(mark)
        while at >= 0:
            flagged[at + flags] |= 1
            at = flagged.find(mark, at + 1)
    assert failure(bytes(flagged), "a.pptx") == "encrypted"


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_bytes_give_a_document_or_a_named_refusal(
    media: Media, damage: list[tuple[float, int]]
) -> None:
    # Stored as they are, so that damage reaches the XML and not only the compression.
    with zipfile.ZipFile(BytesIO(FILES[media])) as whole:
        parts = {name: bytearray(whole.read(name)) for name in whole.namelist()}
    for at, byte in damage:
        part = parts[sorted(parts)[int(at * 1000) % len(parts)]]
        part[int(at * len(part))] = byte
    survives(
        archive({name: bytes(part) for name, part in parts.items()}),
        type_of_name(f"a.{media}"),
        None,
    )


def test_rules_of_a_source_hold() -> None:
    rules = ExtractionRules(remove=("table",))
    assert "seven" not in extract(SHOW, None, None, URL, rules).text


def test_one_that_says_nothing_is_named() -> None:
    assert failure(pptx([shape(paragraphs(" "))]), "a.pptx") == "no_text"
    assert failure(xlsx({"Empty": []}), "a.xlsx") == "no_text"
    assert failure(odt("<text:p/>"), "a.odt") == "no_text"
    assert failure(epub({"a.xhtml": "<p> </p>"}), "a.epub") == "no_text"
