"""The places of chunks are those of the export, and are worked out once."""

import pytest

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.search import chunk_places
from atlas.domain.search.chunk_places import ChunkPlace, ChunkPlaces, Places

PAGE = "\n\n".join(
    f"Section {n}\n\n{'Fog is a cloud that touches the ground. ' * 30}" for n in range(4)
)
OUTLINE = [OutlineSection(PAGE.index(f"Section {n}"), 2, f"Section {n}", f"s{n}") for n in range(4)]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the documents that were cut, in order."""
    addresses: list[str] = []

    def counting(url: str, *given: object) -> object:
        addresses.append(url)
        return document_chunks(url, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(chunk_places, "document_chunks", counting)
    return addresses


def _exported(url: str, text: str, markdown: str, outline: list[OutlineSection] | None) -> Places:
    chunks = document_chunks(url, text, markdown, outline)
    return tuple(ChunkPlace(c.id, c.start, c.end, c.section, c.anchor) for c in chunks)


def test_whatever_a_document_is_cut_from_tells_it_from_others(cut: list[str]) -> None:
    """The first time and the second: the chunks are those of an export."""
    places = ChunkPlaces()
    for _ in range(2):
        for document in (
            ("http://a/1", PAGE, PAGE, OUTLINE),
            ("http://a/2", PAGE, PAGE, OUTLINE),  # its ids have another beginning
            ("http://a/1", PAGE, PAGE, OUTLINE[1:]),
            ("http://a/1", PAGE, PAGE, None),
            ("http://a/1", PAGE, "# " + PAGE, OUTLINE),
            ("http://a/1", PAGE + "More.", PAGE, OUTLINE),
        ):
            assert places.of(*document) == _exported(*document)
    assert len(cut) == 6


def test_what_was_shown_longest_ago_makes_room(cut: list[str]) -> None:
    places = ChunkPlaces(kept=2)
    for page in "abacab":
        places.of(f"http://a/{page}", "fog", "fog", None)
    assert cut == [f"http://a/{page}" for page in "abcb"]


def test_a_manual_takes_the_place_of_no_pages(cut: list[str]) -> None:
    places = ChunkPlaces()
    text = "\n\n".join(f"Fog number {n}. " * 90 for n in range(80))
    for _ in range(2):
        assert len(places.of("http://a/m", text, text, None)) > 64
    assert cut == ["http://a/m"] * 2
