"""What the files of Office (ECMA-376) have in common: relations of parts, and core properties."""

from __future__ import annotations

from posixpath import basename, dirname
from typing import NamedTuple

from lxml import etree

from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.text.files.file_archive import FileArchive, attribute, beside, children_named, local_name
from atlas.text.files.file_page import stated_by

_CORE = "docProps/core.xml"
_FIELDS: dict[str, StatedField] = {
    "title": "title",
    "creator": "author",
    "created": "published",
    "modified": "modified",
    "description": "description",
}


class PartRelation(NamedTuple):
    """What one part names another for, as in `slide`, and the name of that other."""

    purpose: str
    part: str


def relations(archive: FileArchive, part: str) -> dict[str, PartRelation]:
    """The parts that one part names, by the ids that it uses for them. Addresses are left out."""
    root = archive.xml(f"{dirname(part)}/_rels/{basename(part)}.rels".lstrip("/"))
    return {
        attribute(each, "Id"): PartRelation(
            attribute(each, "Type").rpartition("/")[2], beside(part, attribute(each, "Target"))
        )
        for each in children_named(root, "Relationship")
        if attribute(each, "TargetMode") != "External"
    }


def related(element: etree._Element, parts: dict[str, PartRelation]) -> str | None:
    """The part that an element names. The id of a relation is the one with a namespace."""
    named = next((str(v) for key, v in element.attrib.items() if str(key).endswith("}id")), "")
    return parts[named].part if named in parts else None


def main_part(archive: FileArchive, usual: str) -> str:
    """The part that the file is about."""
    found = relations(archive, "").values()
    return next((each.part for each in found if each.purpose == "officeDocument"), usual)


class CoreProperties(NamedTuple):
    """What a file states of itself, and the language that it declares."""

    stated: tuple[StatedMetadata, ...]
    language: str | None


def core_properties(archive: FileArchive) -> CoreProperties:
    """Title, author, dates, description and language, each as first stated."""
    found: dict[StatedField, StatedMetadata] = {}
    root = archive.xml(_CORE)
    for element in children_named(root, *_FIELDS):
        name = local_name(element)
        for each in stated_by(_FIELDS[name], element.text, f"{archive.kind} {name}"):
            found.setdefault(each.field, each)
    language = next((each.text for each in children_named(root, "language") if each.text), None)
    return CoreProperties(tuple(found.values()), language)
