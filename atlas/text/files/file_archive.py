"""Files that are zip archives of XML: their parts, unpacked as far as a bound that counts what
really comes out, whatever the archive says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from posixpath import dirname, join, normpath
from typing import Any
from zipfile import ZipFile, ZipInfo

from lxml import etree

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.media_kinds import Media

MAX_ENTRIES = 10_000
MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of all parts that are read of one file."""

_ENCRYPTED = 0x1  # of the flags of an entry (APPNOTE 4.4.4)


class FileArchive:
    """The parts of one file; `kind` names it in what is raised."""

    def __init__(self, body: bytes, kind: Media) -> None:
        self.kind = kind
        self._room = MAX_UNPACKED
        self._zip = ZipFile(BytesIO(body))
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise self.too_large(f"has {len(entries)} entries, and {MAX_ENTRIES} are read")
        self._entries: dict[str, ZipInfo] = {}
        for entry in entries:
            self._entries.setdefault(entry.filename, entry)

    @property
    def names(self) -> list[str]:
        """The parts, in the order of the archive."""
        return list(self._entries)

    def read(self, name: str) -> bytes | None:
        """One part, unpacked; None: there is none. Raises PageError."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.flag_bits & _ENCRYPTED:
            raise encrypted(self.kind)
        with self._zip.open(entry) as stream:
            part = stream.read(self._room + 1)
        self._room -= len(part)
        if self._room < 0:
            raise self.too_large(f"unpacks to more than {MAX_UNPACKED} bytes of text parts")
        return part

    def xml(self, name: str) -> etree._Element | None:
        """The root of one part; None: there is none."""
        part = self.read(name)
        return None if part is None else xml_root(part)

    def too_large(self, what: str) -> PageError:
        """The failure of a file that is beyond its bounds."""
        message = f"the {self.kind.upper()} {what}"
        return PageError(ErrorClass.INVALID, f"{self.kind}_too_large", message)


def xml_root(part: bytes) -> etree._Element:
    """The root of an XML part. No entity is resolved and nothing it names is opened; one that
    declares entities is refused, since what they stand for would be missing."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    root = etree.fromstring(part, parser)
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise ValueError("it declares entities")
    return root


def encrypted(kind: str) -> PageError:
    """The failure of a file that asks for a password."""
    message = f"the {kind.upper()} is encrypted, and Atlas has no password for it"
    return PageError(ErrorClass.INVALID, "encrypted", message)


def beside(part: str, target: str) -> str:
    """The name of a part that another names, relative to itself or, from `/`, to the archive."""
    return normpath(join("/", dirname(part), target)).lstrip("/")


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; "" for an entity or the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children_named(element: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Its children of these names, in whatever namespace: strict OOXML has others."""
    if element is not None:
        yield from (each for each in element if local_name(each) in names)


def child_named(element: etree._Element | None, *path: str) -> etree._Element | None:
    """What a path of names leads to, by the first child of each name."""
    for name in path:
        element = next(children_named(element, name), None)
    return element


def attribute(element: etree._Element | None, name: str) -> str:
    """The attribute of that name, in whatever namespace; "": it has none."""
    if element is None:
        return ""
    found = (v for key, v in element.attrib.items() if str(key).rpartition("}")[2] == name)
    return str(next(found, ""))
