"""OPML to the feeds it lists, with the folders that they lie in. Runs in a child only
(`opml_parser.py`): the file may come from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS
from atlas.web.markup import LongProlog, decode_markup, safe_xml

MAX_DEPTH = 100
"""Elements within each other."""
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class OutlinedFeed:
    """A feed of a file: its address as written, its title, and the names of its folders and
    categories, the outermost first, each once."""

    url: str
    title: str
    folders: tuple[str, ...]


def parse_opml(body: bytes) -> tuple[OutlinedFeed, ...]:
    """The feeds of a file, in its order. Raises PageError(INVALID) for what is no OPML, also
    `xml_entities` for a file that declares entities, and PageError(QUOTA) beyond a limit."""
    if len(body) > DEFAULTS.bytes:
        raise _broken("opml_too_large", f"it has more than {DEFAULTS.bytes:,} bytes")
    try:
        xml = safe_xml(decode_markup(body))
    except LongProlog:
        raise _broken("opml_malformed", "its root element does not begin") from None
    if xml is None or xml.root != "opml":
        raise _broken("opml_malformed", "it has no <opml> element")
    outlines = _Outlines()
    parser = etree.XMLParser(
        target=outlines,
        # Of those that XML has itself, such as &amp;: unresolved, they would cut the attribute off.
        # `safe_xml` dropped the DOCTYPE, so there are no others.
        resolve_entities="internal",  # type: ignore[arg-type]  # its stubs lag behind
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for at in range(0, len(xml.data), _CHUNK):
            parser.feed(xml.data[at : at + _CHUNK])
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _broken("opml_malformed", f"it is not XML: {error.msg}"[:200]) from None
    return tuple(outlines.feeds)


def _broken(code: str, why: str) -> PageError:
    quota = code == "opml_too_large"
    return PageError(ErrorClass.QUOTA if quota else ErrorClass.INVALID, code, why)


class _Outlines:
    """Told of the elements one by one."""

    def __init__(self) -> None:
        self.feeds: list[OutlinedFeed] = []
        self._folders: list[str] = []  # of each open element, "" of one that is no folder
        self._elements = 0

    def start(self, tag: Any, attributes: Any) -> None:
        """An element begins."""
        self._elements += 1
        if len(self._folders) >= MAX_DEPTH:
            raise _broken("opml_too_large", f"its elements are nested more than {MAX_DEPTH} deep")
        if self._elements > DEFAULTS.entries:
            raise _broken("opml_too_large", f"it has more than {DEFAULTS.entries:,} elements")
        title, url = "", ""
        if tag.rpartition("}")[2].lower() == "outline":
            # Programs disagree on the case of these names.
            given = {name.lower(): value.strip() for name, value in attributes.items()}
            title = given.get("title") or given.get("text") or ""
            url = given.get("xmlurl", "")
            if url:
                self._add(url, title, given.get("category", ""))
        self._folders.append("" if url else title)

    def end(self, tag: Any) -> None:
        """An element ends."""
        self._folders.pop()

    def data(self, data: Any) -> None:
        """Text says nothing in OPML."""

    def comment(self, text: Any) -> None:
        """Says nothing."""

    def close(self) -> None:
        """The file ends."""

    def _add(self, url: str, title: str, category: str) -> None:
        # OPML 2.0: paths of categories, divided by commas, their parts by slashes.
        parts = category.replace(",", "/").split("/")
        named = [*self._folders, *(part.strip() for part in parts)]
        folders = tuple(dict.fromkeys(filter(None, named)))
        self.feeds.append(OutlinedFeed(url, title, folders))
