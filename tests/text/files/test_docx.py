"""A DOCX is read like a page; one that is hostile or broken is a failure by name, within bounds."""

from __future__ import annotations

import zipfile
from io import BytesIO
from itertools import pairwise

import pytest

from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.media_kinds import type_of_name
from atlas.text.extract import extract
from atlas.text.files import file_archive

DOCX = type_of_name("a.docx")
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATED = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
STYLES = (
    f'<w:styles {W}><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/>'
    "</w:style></w:styles>"
)


def paragraph(text: str, style: str = "") -> str:
    style = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{style}<w:r><w:t>{text}</w:t></w:r></w:p>"


TABLE = (
    "<w:tbl><w:tr>"
    + "".join(f"<w:tc>{paragraph(each)}</w:tc>" for each in ("Berth", "seven"))
    + "</w:tr></w:tbl>"
)
BODY = (
    paragraph("Mooring", "H1")
    + paragraph("Tie the bow line first, and then the stern line.")
    + TABLE
    + paragraph("Signing in at the harbour office comes after that.")
)


def made(body: str = BODY, prefix: str = "", **others: bytes) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELATED)
        archive.writestr("word/styles.xml", STYLES)
        archive.writestr(
            "word/document.xml",
            f"{prefix}<w:document {W}><w:body>{body}</w:body></w:document>",
        )
        for name, part in others.items():
            archive.writestr(name.replace("__", "/"), part)
    return packed.getvalue()


def code_of(body: bytes) -> str:
    with pytest.raises(PageError) as refused:
        extract(body, DOCX, None, "file:///srv/docs/a.docx")
    return refused.value.code


@pytest.mark.parametrize("content_type", [DOCX, "", "application/octet-stream", "application/zip"])
def test_headings_paragraphs_and_tables(content_type: str) -> None:
    found = extract(made(), content_type, None, "file:///srv/docs/a.docx")
    assert (found.media, found.title, found.lang) == ("docx", "Mooring", "en")
    assert [each.title for each in found.outline] == ["Mooring"]
    assert "# Mooring" in found.markdown
    for words in ("bow line first", "Berth", "seven", "Signing in at the harbour office"):
        assert words in found.text
    assert found.verdict is None


def test_its_own_title_goes_before_headings_and_a_given_one_before_that() -> None:
    core = b'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A &amp; B</dc:title></c>'
    body = made(docProps__core_xml=core).replace(b"docProps/core_xml", b"docProps/core.xml")
    url = "file:///srv/docs/a.docx"
    assert extract(body, DOCX, None, url).title == "A & B"
    assert extract(body, DOCX, None, url, title="Given").title == "Given"


def test_rules_of_a_source_hold() -> None:
    rules = ExtractionRules(remove=("table",))
    assert "seven" not in extract(made(), DOCX, None, "https://a.example/a.docx", rules).text


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_archive, "MAX_UNPACKED", 1_000_000)
    bomb = made(paragraph(" " * 3_000_000))
    assert len(bomb) < 20_000
    assert code_of(bomb) == "docx_too_large"
    # An archive may lie of its sizes: what comes out counts.
    lying = bomb.replace((3_000_000).to_bytes(3, "little"), (1_000).to_bytes(3, "little"))
    assert code_of(lying) in ("docx_too_large", "docx_broken")
    monkeypatch.setattr(file_archive, "MAX_ENTRIES", 3)
    assert code_of(made()) == "docx_too_large"


def test_images_and_what_it_names_are_not_read() -> None:
    found = extract(made(word__media__a=b"\0" * 5_000_000), DOCX, None, "file:///srv/a.docx")
    assert "bow line" in found.text


def test_entities_do_not_multiply() -> None:
    names = [f"e{number}" for number in range(12)]
    lines = [f'<!ENTITY {names[0]} "harbour ">']
    lines += [f'<!ENTITY {new} "{f"&{old};" * 12}">' for old, new in pairwise(names)]
    bomb = made(paragraph(f"&{names[-1]};"), prefix=f"<!DOCTYPE d [{''.join(lines)}]>")
    assert code_of(bomb) == "docx_broken"


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_broken_one_is_named(at: float) -> None:
    whole = made()
    assert code_of(whole[: int(len(whole) * at)]) == "docx_broken"
    assert code_of(made("<w:p>")) == "docx_broken"
