"""The places of chunks are those of the export, and are worked out once."""

import hashlib
import re

import pytest

from atlas.domain.chunking.chunk_bounds import CUTS_VERSION, bounds_column, stored_bounds
from atlas.domain.chunking.document_chunks import cut_bounds, document_chunks
from atlas.domain.extraction.outline import Outline, OutlineSection
from atlas.domain.search import chunk_places
from atlas.domain.search.chunk_places import ChunkPlace, ChunkPlaces, Places, stored_places

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


@pytest.mark.parametrize(
    ("text", "markdown", "outline"),
    [
        (PAGE, PAGE, OUTLINE),
        (PAGE, PAGE.replace("Section", "## Section"), OUTLINE),
        # Two headings in a row, a term with an anchor of its own, and a chunk that is there twice.
        (
            "Harbour\n\nLights\n\nFog.\n\nHarbour\n\nLights\n\nFog.",
            "",
            [
                OutlineSection(0, 1, "Harbour", "h"),
                OutlineSection(9, 2, "Lights", None),
                OutlineSection(17, 7, "Fog", "fog"),
                OutlineSection(23, 1, "Harbour", "h"),
                OutlineSection(32, 2, "Lights", None),
            ],
        ),
        ("Fog " * 2_000, "", []),
        ("", "", []),
    ],
)
def test_stored_bounds_name_what_an_export_names(
    text: str, markdown: str, outline: list[OutlineSection]
) -> None:
    bounds = stored_bounds(bounds_column(cut_bounds(text, markdown, outline)))
    assert bounds is not None
    url = "https://a.example/fog"
    assert stored_places(url, bounds, Outline(outline or ())) == _exported(
        url, text, markdown, outline
    )


def test_bounds_of_other_cuts_are_not_used() -> None:
    column = bounds_column(cut_bounds(PAGE, PAGE, OUTLINE))
    assert column is not None
    assert stored_bounds(column.replace(f"[{CUTS_VERSION},", f"[{CUTS_VERSION + 1},", 1)) is None
    assert bounds_column(None) is stored_bounds(None) is None


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


WRITTEN = """
# Harbour

Lights, in three words: {prose}

| Light | Height |
| --- | --- |
{rows}

## Boats

- one boat
- another
  - and its sail

```python
{code}
```

灯塔很高。船很小。{han}
"""


def test_other_cuts_have_another_version() -> None:
    """Stored bounds name chunks for as long as the cuts are the same: if this fails, raise
    `CUTS_VERSION` and write down the new digest."""
    markdown = WRITTEN.format(
        prose="A light is seen from afar. Is it? It is! " * 60,
        rows="\n".join(f"| {n} | {n * n} m |" for n in range(200)),
        code="\n\n".join(f"light_{n} = {n}" for n in range(900)),
        han="海很大，船很小。" * 300,
    )
    text = re.sub(r"[#`|]|---|^ *- ", "", markdown, flags=re.MULTILINE)
    starts = [text.index(each) for each in ("Harbour", "Boats")]
    outline = [
        OutlineSection(starts[0], 1, "Harbour", "h"),
        OutlineSection(starts[1], 2, "Boats", None),
    ]
    column = bounds_column(cut_bounds(text, markdown, outline))
    assert column is not None
    digest = hashlib.sha256(column.encode()).hexdigest()[:12]
    assert (CUTS_VERSION, digest) == (1, "af99d2cfae64")
