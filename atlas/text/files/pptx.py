"""PPTX to HTML: slides in the order of the show, each its title, its text, tables, diagrams and
notes (ECMA-376, part 1, PresentationML). Hidden slides are left out, as what a page hides is."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from atlas.text.files.file_archive import (
    FileArchive,
    attribute,
    child_named,
    children_named,
    local_name,
)
from atlas.text.files.file_page import FilePage
from atlas.text.files.html_writer import HtmlWriter, inline
from atlas.text.files.office_parts import (
    PartRelation,
    core_properties,
    main_part,
    related,
    relations,
)

_TITLES = ("title", "ctrTitle")
_AROUND = ("dt", "ftr", "hdr", "sldNum", "sldImg")
"""Placeholders that repeat on every slide, or hold its picture in the notes."""
_LISTED = ("body", "obj", "")
"""Placeholders whose paragraphs are items; "" is that of a shape without a type."""


def pptx_page(body: bytes) -> FilePage:
    """What the slides say."""
    archive = FileArchive(body, "pptx")
    show = main_part(archive, "ppt/presentation.xml")
    root = archive.xml(show)
    if root is None:
        raise ValueError("it has no presentation")
    parts = relations(archive, show)
    writer = HtmlWriter()
    for each in children_named(child_named(root, "sldIdLst"), "sldId"):
        if part := related(each, parts):
            _slide(archive, part, writer)
    core = core_properties(archive)
    return FilePage(writer.html(), core.stated, core.language)


def _slide(archive: FileArchive, part: str, writer: HtmlWriter) -> None:
    root = archive.xml(part)
    if root is None or attribute(root, "show") in ("0", "false"):
        return
    beside = relations(archive, part)
    shapes = list(_shapes(child_named(root, "cSld", "spTree")))
    # The title goes first, wherever it was drawn.
    for shape in sorted(shapes, key=lambda shape: _placeholder(shape) not in _TITLES):
        _write(archive, shape, beside, writer)
    for relation in beside.values():
        if relation.purpose == "notesSlide":
            _notes(archive, relation.part, writer)


def _shapes(tree: etree._Element | None) -> Iterator[etree._Element]:
    """Shapes and frames in order, those of groups in their place, of alternatives the first."""
    for element in tree if tree is not None else ():
        name = local_name(element)
        if name in ("sp", "graphicFrame"):
            yield element
        elif name == "grpSp":
            yield from _shapes(element)
        elif name == "AlternateContent":
            yield from _shapes(next(children_named(element, "Choice", "Fallback"), None))


def _placeholder(shape: etree._Element) -> str | None:
    """The type of the placeholder that a shape fills; None: it fills none."""
    found = child_named(shape, "nvSpPr", "nvPr", "ph")
    return None if found is None else attribute(found, "type")


def _write(
    archive: FileArchive,
    shape: etree._Element,
    beside: dict[str, PartRelation],
    writer: HtmlWriter,
) -> None:
    kind = _placeholder(shape)
    data = child_named(shape, "graphic", "graphicData")
    if data is not None:
        for table in children_named(data, "tbl"):
            writer.table(map(_row, children_named(table, "tr")))
        diagram = beside.get(attribute(child_named(data, "relIds"), "dm"))
        if diagram is not None:
            _diagram(archive.xml(diagram.part), writer)
        return
    paragraphs = list(children_named(child_named(shape, "txBody"), "p"))
    if kind in _TITLES:
        writer.block("h2", " ".join(map(_text, paragraphs)))
    elif kind in _LISTED and len(paragraphs) > 1:
        for each in paragraphs:
            level = attribute(child_named(each, "pPr"), "lvl")
            writer.item(int(level) if level.isdecimal() else 0, _text(each))
    elif kind not in _AROUND:
        for each in paragraphs:
            writer.block("p", _text(each))


def _row(row: etree._Element) -> list[str]:
    cells = children_named(row, "tc")
    texts = (children_named(child_named(cell, "txBody"), "p") for cell in cells)
    return ["<br>".join(filter(None, map(_text, each))) for each in texts]


def _diagram(root: etree._Element | None, writer: HtmlWriter) -> None:
    """The points of a diagram; how they hang together is only drawn."""
    for point in children_named(child_named(root, "ptLst"), "pt"):
        for each in children_named(child_named(point, "t"), "p"):
            writer.item(0, _text(each))


def _notes(archive: FileArchive, part: str, writer: HtmlWriter) -> None:
    for shape in _shapes(child_named(archive.xml(part), "cSld", "spTree")):
        if _placeholder(shape) == "body":
            for each in children_named(child_named(shape, "txBody"), "p"):
                writer.block("blockquote", _text(each))


def _text(paragraph: etree._Element) -> str:
    """The words of one paragraph as HTML; its line breaks are kept."""
    lines = [""]
    for each in children_named(paragraph, "r", "fld", "br"):
        words = child_named(each, "t")
        if local_name(each) == "br":
            lines.append("")
        elif words is not None:
            lines[-1] += words.text or ""
    return inline("\n".join(lines))
