"""EPUB to HTML: the chapters of the spine in order, each read as a page is (EPUB 3.3, OPF)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.text.files.file_archive import (
    FileArchive,
    attribute,
    beside,
    child_named,
    children_named,
    encrypted,
    local_name,
)
from atlas.text.files.file_page import FilePage, stated_by
from atlas.text.files.inner_page import inner_page
from atlas.text.markup.charset import decode
from atlas.text.markup.dom import xml_as_html

_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_FIELDS: dict[str, StatedField] = {
    "title": "title",
    "date": "published",
    "description": "description",
    "rights": "licence",
}
_TAG = re.compile(r"<[^<>]*>")


def epub_page(body: bytes) -> FilePage:
    """What the book says."""
    archive = FileArchive(body, "epub")
    root = child_named(archive.xml("META-INF/container.xml"), "rootfiles", "rootfile")
    package = unquote(attribute(root, "full-path"))
    book = archive.xml(package)
    if book is None:
        raise ValueError("it has no package")
    paths = list(_spine(book, package))
    if _protected(archive) & set(paths):
        raise encrypted("epub")
    chapters, missing = [], []
    for path in paths:
        page = archive.read(path)
        if page is None:
            missing.append(f"chapter {path[:100]}")
            continue
        chapters.append(inner_page(xml_as_html(decode(page, None))))
    missing += [each.hidden for each in chapters if each.hidden]
    metadata = child_named(book, "metadata")
    language = child_named(metadata, "language")
    return FilePage(
        f"<html><body>{''.join(each.html for each in chapters)}</body></html>",
        tuple(_stated(metadata)),
        None if language is None else language.text,
        _few(missing),
    )


def _spine(book: etree._Element, package: str) -> Iterator[str]:
    """The parts that are read one after the other. The table of contents says nothing more."""
    items = {
        attribute(each, "id"): each
        for each in children_named(child_named(book, "manifest"), "item")
    }
    seen: set[str] = set()
    for each in children_named(child_named(book, "spine"), "itemref"):
        item = items.get(attribute(each, "idref"))
        if item is None or attribute(item, "media-type") not in _PAGES:
            continue
        path = beside(package, unquote(attribute(item, "href")))
        if "nav" not in attribute(item, "properties").split() and path not in seen:
            seen.add(path)
            yield path


def _protected(archive: FileArchive) -> set[str]:
    """The parts that are encrypted; in most books that has any, fonts."""
    root = archive.xml("META-INF/encryption.xml")
    named = () if root is None else root.iter()
    return {
        unquote(attribute(each, "URI")) for each in named if local_name(each) == "CipherReference"
    }


def _stated(metadata: etree._Element | None) -> Iterator[StatedMetadata]:
    creators = (each.text or "" for each in children_named(metadata, "creator"))
    yield from stated_by("author", ", ".join(filter(str.strip, creators)), "epub creator")
    for name, field in _FIELDS.items():
        for element in children_named(metadata, name):
            said = list(stated_by(field, _TAG.sub(" ", element.text or ""), f"epub {name}"))
            if said:
                yield said[0]
                break
    for each in children_named(metadata, "meta"):
        if attribute(each, "property") == "dcterms:modified":
            yield from stated_by("modified", each.text, "epub dcterms:modified")
            return


def _few(missing: list[str]) -> str | None:
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (" and ".join(missing[:3]) + more)[:500] or None
