"""Where the chunks of a document stand: what a hit needs of them.

It is stored with the document. Of texts that were prepared before that, it is kept for as long as
documents are shown again, as the good ones are by one search after another: cutting a page takes
milliseconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from atlas.domain.addresses.urls import url_key
from atlas.domain.chunking.chunk_bounds import ChunkBounds
from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.extraction.outline import Outline, OutlineSection

_KEPT = 4_096
"""Documents; of usual length, they are some megabytes together."""
_MOST_CHUNKS = 64
"""Of a document that is kept: a manual of megabytes would take the place of hundreds of pages."""


class ChunkPlace(NamedTuple):
    """A chunk as exports of the default size have it, without what it says."""

    id: str
    start: int
    end: int
    section: tuple[str, ...]
    anchor: str | None

    def moved(self, by: int) -> ChunkPlace:
        """The same chunk in a text of which the beginning is left out, or put back."""
        return self._replace(start=self.start + by, end=self.end + by) if by else self


Places = tuple[ChunkPlace, ...]


def stored_places(url: str, bounds: Sequence[ChunkBounds], sections: Outline) -> Places:
    """The places of chunks of a document, by their stored bounds."""
    page = url_key(url)
    return tuple(
        ChunkPlace(
            f"{page}-{each.digest}",
            each.begin,
            each.end,
            sections.at(each.section).section,
            sections.at(max(each.own, each.section)).anchor,
        )
        for each in bounds
    )


class ChunkPlaces:
    """Those of the documents that were shown last, by all that they are cut from."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[bytes, Places] = OrderedDict()
        # Hits are made in threads: moving an entry must not meet the removal of it.
        self._lock = threading.Lock()

    def of(
        self, url: str, text: str, markdown: str, outline: Sequence[OutlineSection] | None
    ) -> Places:
        """The places of all chunks of a document, in order."""
        key = _key(url, text, markdown, outline)
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept
        # Without the lock: two threads may cut the same document, and get the same.
        found = tuple(
            ChunkPlace(each.id, each.start, each.end, each.section, each.anchor)
            for each in document_chunks(url, text, markdown, outline)
        )
        if len(found) <= _MOST_CHUNKS:
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found


def _key(url: str, text: str, markdown: str, outline: Sequence[OutlineSection] | None) -> bytes:
    digest = blake2b(digest_size=16)
    for said in (url, text, markdown, repr(outline)):
        bare = said.encode("utf-8", "surrogatepass")
        digest.update(len(bare).to_bytes(8, "big"))  # so that no two ways to divide them are alike
        digest.update(bare)
    return digest.digest()
