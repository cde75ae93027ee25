"""Files of Office, OpenDocument and EPUB, made part by part as their programs write them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

Parts = Mapping[str, str | bytes]
NOTHING: Parts = {}


def archive(parts: Parts, stored: str = "") -> bytes:
    """A zip of the parts; `stored` is a first part `mimetype`, as it is."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        if stored:
            made.writestr("mimetype", stored, zipfile.ZIP_STORED)
        for name, part in parts.items():
            made.writestr(name, part)
    return packed.getvalue()


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """A part of relations: of each id, what for and to which part."""
    named = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{purpose}" Target="{target}"/>'
        for key, (purpose, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{named}</Relationships>'


def core(title: str = "", creator: str = "", created: str = "") -> str:
    """The core properties of a file of Office."""
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(creator)}</dc:creator>"
        f"<dcterms:created>{created}</dcterms:created></cp:coreProperties>"
    )


def paragraphs(*lines: str | tuple[int, str]) -> str:
    """A body of text; a pair has the level of an item."""
    made = []
    for line in lines:
        level, text = line if isinstance(line, tuple) else (0, line)
        words = "<a:br/>".join(f"<a:r><a:t>{escape(each)}</a:t></a:r>" for each in text.split("\n"))
        made.append(f'<a:p><a:pPr lvl="{level}"/>{words}</a:p>')
    return f"<p:txBody>{''.join(made)}</p:txBody>"


def shape(body: str, placeholder: str | None = None) -> str:
    """A shape, which fills a placeholder of that type; "" is one without a type."""
    kind = f' type="{placeholder}"' if placeholder else ' idx="1"'
    fills = "" if placeholder is None else f"<p:ph{kind}/>"
    return f"<p:sp><p:nvSpPr><p:nvPr>{fills}</p:nvPr></p:nvSpPr>{body}</p:sp>"


def slide_table(rows: Sequence[Sequence[str]]) -> str:
    """A table on a slide."""
    cells = (
        "".join(f"<a:tc>{paragraphs(each).replace('p:txBody', 'a:txBody')}</a:tc>" for each in row)
        for row in rows
    )
    made = "".join(f"<a:tr>{each}</a:tr>" for each in cells)
    return (
        "<p:graphicFrame><a:graphic><a:graphicData>"
        f"<a:tbl>{made}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


def pptx(
    slides: Sequence[str],
    hidden: Sequence[int] = (),
    others: Parts = NOTHING,
    prefix: str = "",
) -> bytes:
    """A show of slides, each the XML of its shapes, stored in the other order."""
    ids = "".join(f'<p:sldId id="{256 + at}" r:id="r{at}"/>' for at in range(len(slides)))
    last = len(slides)
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"r1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{_P}" xmlns:r="{_OFFICE}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            {f"r{at}": ("slide", f"slides/slide{last - at}.xml") for at in range(last)}
        ),
    }
    for at, shapes in enumerate(slides):
        show = ' show="0"' if at in hidden else ""
        parts[f"ppt/slides/slide{last - at}.xml"] = (
            f'{prefix}<p:sld xmlns:p="{_P}" xmlns:a="{_A}" xmlns:r="{_OFFICE}"{show}>'
            f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
        )
    return archive(parts | dict(others))


def notes(text: str) -> str:
    """The notes of a slide, beside its picture and number."""
    shapes = shape(paragraphs("7"), "sldNum") + shape(paragraphs(text), "body")
    return (
        f'<p:notes xmlns:p="{_P}" xmlns:a="{_A}"><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>'
        "</p:notes>"
    )


def cell(reference: str, value: str | float, style: int = 0) -> str:
    """A number, or a text that stands in its cell."""
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{reference}" s="{style}"><v>{value!r}</v></c>'


def xlsx(
    sheets: Mapping[str, Sequence[str]],
    strings: Sequence[str] = (),
    formats: Sequence[str] = (),
    hidden: Sequence[str] = (),
    properties: str = "",
    prefix: str = "",
    others: Parts = NOTHING,
) -> bytes:
    """A workbook: of each sheet the rows, each the XML of its cells; `formats` are those of the
    styles 1, 2 …"""
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{at}" r:id="s{at}" '
        f'state="{"hidden" if name in hidden else "visible"}"/>'
        for at, name in enumerate(sheets, 1)
    )
    own = "".join(
        f'<numFmt numFmtId="{164 + at}" formatCode="{escape(each)}"/>'
        for at, each in enumerate(formats)
    )
    styles = "".join(f'<xf numFmtId="{164 + at}"/>' for at in range(len(formats)))
    targets = {
        f"s{at}": ("worksheet", f"worksheets/sheet{at}.xml") for at in range(1, len(sheets) + 1)
    }
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relations({"r1": ("officeDocument", "/xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{_S}" xmlns:r="{_OFFICE}">{properties}'
        f"<sheets>{named}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            targets | {"st": ("styles", "styles.xml"), "ss": ("sharedStrings", "sharedStrings.xml")}
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{_S}"><numFmts>{own}</numFmts>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_S}">'
        + "".join(f"<si>{each}</si>" for each in strings)
        + "</sst>",
    }
    for at, rows in enumerate(sheets.values(), 1):
        written = "".join(f'<row r="{n}">{each}</row>' for n, each in enumerate(rows, 1))
        parts[f"xl/worksheets/sheet{at}.xml"] = (
            f'{prefix}<worksheet xmlns="{_S}"><sheetData>{written}</sheetData></worksheet>'
        )
    return archive(parts | dict(others))


_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def odt(content: str, meta: str = "", manifest: str = "", prefix: str = "") -> bytes:
    """An ODT with that content."""
    spaces = " ".join(
        f'xmlns:{short}="{_ODF}:{name}:1.0"'
        for short, name in (
            ("office", "office"), ("text", "text"), ("table", "table"), ("meta", "meta"),
            ("draw", "drawing"), ("manifest", "manifest"),
        )
    )  # fmt: skip
    spaces += (
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    return archive(
        {
            "content.xml": f"{prefix}<office:document-content {spaces}><office:body><office:text>"
            f"{content}</office:text></office:body></office:document-content>",
            "meta.xml": f"<office:document-meta {spaces}><office:meta>{meta}</office:meta>"
            "</office:document-meta>",
            "META-INF/manifest.xml": f"<manifest:manifest {spaces}>{manifest}</manifest:manifest>",
        },
        stored="application/vnd.oasis.opendocument.text",
    )


def epub(
    chapters: Mapping[str, str],
    metadata: str = "",
    spine: Sequence[str] | None = None,
    others: Parts = NOTHING,
) -> bytes:
    """A book: its chapters by file name, in the order of the spine, if another is given."""
    order = list(chapters) if spine is None else spine
    items = "".join(
        f'<item id="i{at}" href="text/{name}" media-type="application/xhtml+xml" '
        f'properties="{name.removesuffix(".xhtml")}"/>'
        for at, name in enumerate(chapters)
    )
    refs = "".join(f'<itemref idref="i{list(chapters).index(name)}"/>' for name in order)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{items}</manifest><spine>{refs}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    parts: dict[str, str | bytes] = {
        "META-INF/container.xml": container,
        "OEBPS/book.opf": package,
        **{f"OEBPS/text/{name}": page for name, page in chapters.items()},
    }
    return archive(parts | dict(others), stored="application/epub+zip")
