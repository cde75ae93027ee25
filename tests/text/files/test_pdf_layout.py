"""Where words stand on a page makes columns, paragraphs, headings and tables: on words placed by
hand, and on PDFs written byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.files.pdf_layout import PlacedWord, mended, page_blocks

URL = "https://a.example/rules.pdf"
Shown = tuple[float, float, float, str]
"""Size, left, distance from the bottom of the page, and text."""

IMAGE = (
    "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray "
    "/BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream"
)


def made(
    pages: Sequence[Sequence[Shown]],
    images: Sequence[int] = (),
    info: str = "",
    bold: Collection[str] = (),
) -> bytes:
    """A PDF whose pages show these texts in Courier, those that are `bold` in bold letters; the
    pages `images` show an image."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", IMAGE, f"<< {info} >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
    kids = []
    for number, page in enumerate(pages):
        drawn = "".join(
            f"BT /F{1 + (text in bold)} {size} Tf 1 0 0 1 {left} {up} Tm ({text}) Tj ET\n"
            for size, left, up, text in page
        )
        drawn += "q 500 0 0 700 50 50 cm /I1 Do Q\n" if number in images else ""
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 5 0 R "
            "/F2 << /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold >> >> "
            "/XObject << /I1 3 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R >>"
    return (
        f"{out}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n{trailer}\nstartxref\n{len(out)}\n%%EOF"
    ).encode("latin-1")


def lines(
    texts: Sequence[str], left: float = 72, top: float = 700, size: float = 10
) -> list[Shown]:
    return [(size, left, top - 12 * at, text) for at, text in enumerate(texts)]


def read(body: bytes) -> Extracted:
    return extract(body, "application/pdf", None, URL)


LEFT = [
    "The harbour opens at dawn, and the",
    "first boats leave it at once, since",
    "the tide waits for nobody and what",
    "is late stays in until the evening.",
    "Whoever comes late pays a fine.",
]
RIGHT = [
    "At dusk the harbour closes and all",
    "boats that are still outside must",
    "wait for the pilot, who comes only",
    "when the lamp at the pier is lit,",
    "and never in ice.",
]


def test_columns_are_read_one_after_the_other() -> None:
    # Line by line across both columns, as some programs write them.
    across = [
        each for pair in zip(lines(LEFT), lines(RIGHT, left=320), strict=True) for each in pair
    ]
    title = [(18.0, 72.0, 740.0, "Rules of the harbour")]
    foot = [(10.0, 72.0, 600.0, "This line stands below both of the columns, and across them all.")]
    found = read(made([[*title, *across, *foot]]))
    assert found.text == "\n\n".join(
        ["Rules of the harbour", " ".join(LEFT), " ".join(RIGHT), foot[0][3]]
    )
    assert [(each.level, each.title) for each in found.outline] == [(1, "Rules of the harbour")]
    assert StatedMetadata("title", "Rules of the harbour", "first heading") in found.stated


def test_a_paragraph_goes_on_in_the_next_column_and_page() -> None:
    cut = [*LEFT[:-1], "Whoever comes late pays a"]
    across = lines(cut) + lines(["fine that no friend of theirs can", *RIGHT], left=320)
    ends = lines(["and the lamp is put out by whoever"], top=560) + lines(
        ["sees it, with-"], top=548
    )
    found = read(made([across, ends, lines(["out a word."])]))
    assert "pays a fine that no friend" in found.text
    assert "sees it, without a word." in found.text


def test_tables_are_read_row_by_row() -> None:
    rows = [("Berth", "Depth", "Fee"), ("seven", "4 m", "12"), ("eight", "6 m", "15")]
    shown = [
        (10.0, left, 700.0 - 12 * at, cell)
        for left, column in zip((72, 200, 300), range(3), strict=True)
        for at, row in enumerate(rows)
        for cell in [row[column]]
    ]
    words = lines(
        ["The berths of the harbour and what they cost a boat a day, all of them:"], top=730
    )
    found = read(made([[*words, *shown]]))
    assert found.markdown.endswith(
        "| Berth | Depth | Fee |\n| --- | --- | --- |\n| seven | 4 m | 12 |\n| eight | 6 m | 15 |"
    )
    assert found.text.endswith("seven\n4 m\n12\neight\n6 m\n15")


def test_bold_lines_are_headings_below_those_that_are_larger() -> None:
    title, first, second = "Rules of the harbour", "1. When it opens", "2. When it closes"
    shown = [
        (18.0, 72.0, 740.0, title),
        *lines([first, *LEFT[:4], "The tide waits for nobody."], top=700),
        *lines([second, *RIGHT], top=620),
    ]
    found = read(made([shown], bold=(first, second, "The tide waits for nobody.")))
    outline = [(each.level, each.title) for each in found.outline]
    assert outline == [(1, title), (2, first), (2, second)]
    assert f"{first}\n\n{' '.join(LEFT[:4])}" in found.text  # parted, though no space is between


def test_bold_letters_mean_nothing_where_all_are_and_within_a_sentence() -> None:
    assert read(made([lines(["Whole page", *LEFT])], bold=("Whole page", *LEFT))).outline == ()
    within = read(made([lines(LEFT)], bold=(LEFT[1],)))
    assert (within.outline, within.text) == ((), " ".join(LEFT))


def test_headings_by_size_and_items_by_their_bullets() -> None:
    long = "The words of the text are many more than those of its headings, as is usual."
    page = [
        (20.0, 72.0, 740.0, "Mooring"),
        (14.0, 72.0, 700.0, "Ropes"),
        *lines([long, long], top=670),
        (14.0, 72.0, 600.0, "Tides . . . . . . . . 12"),
        (14.0, 72.0, 560.0, "Tides"),
        *lines(["\\225 tie the bow line first, and", "then the stern line", "\\225 sign"], top=520),
    ]
    found = read(made([page], info="/Title (C:\\\\work\\\\a.wpd)"))
    outline = [(each.level, each.title) for each in found.outline]
    assert outline == [(1, "Mooring"), (2, "Ropes"), (2, "Tides")]
    assert "## Ropes" in found.markdown and found.title == "Mooring"


def test_indents_and_early_ends_of_lines_begin_paragraphs() -> None:
    text = [
        "The harbour opens at dawn, and the",
        "boats leave.",
        "At dusk it closes, and all of the",
    ]
    shown = [*lines(text), (10.0, 92.0, 664.0, "An indented line begins the next one")]
    assert read(made([shown])).text == f"{text[0]} {text[1]}\n\n{text[2]}\n\n{shown[3][3]}"


def test_text_by_a_scaled_matrix_has_its_shown_size() -> None:
    body = made([[(1.0, 72.0, 740.0, "Mooring"), *lines(LEFT)]])
    scaled = body.replace(b"1 0 0 1 72.0 740.0 Tm", b"24 0 0 24 72 740 Tm  ")
    assert [each.title for each in read(scaled).outline] == ["Mooring"]


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["an exam-", "ple of it"], "an example of it"),
        (["an exam\u0002", "ple of it"], "an example of it"),
        (["a well-", "known one"], "a well-known one"),
        (["of Baden-", "Baden"], "of Baden-Baden"),
        (["from 10-", "20 metres"], "from 10- 20 metres"),
        (["one two", "three"], "one two three"),
        (["港は夜明けに", "開きます"], "港は夜明けに開きます"),
        (["a dash -", "here"], "a dash - here"),
        (["so\u00adft"], "soft"),
    ],
)
def test_hyphens_at_line_ends(parts: list[str], joined: str) -> None:
    assert mended(parts, Counter({"well-known": 2, "example": 1})) == joined


def test_scanned_pages_need_ocr() -> None:
    with pytest.raises(PageError) as refused:
        read(made([[], [], []], images=[0, 1, 2]))
    assert refused.value.code == "needs_ocr"
    assert "3 of 3 pages are images" in refused.value.message
    with pytest.raises(PageError) as refused:
        read(made([[], []]))
    assert refused.value.code == "no_text"
    some = read(made([lines(LEFT), [], []], images=[1, 2]))
    assert some.truncated == "2 of 3 pages, which are images without text"
    cover = read(made([[], *[lines(LEFT)] * 10], images=[0]))
    assert cover.truncated is None


def test_a_password_is_named() -> None:
    sealed = "/Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}>".format("5a" * 32)
    body = made([lines(LEFT)], info=sealed).replace(
        b"/Info 4 0 R", b"/Encrypt 4 0 R /ID [<5a5a> <5a5a>]"
    )
    with pytest.raises(PageError) as refused:
        read(body)
    assert refused.value.code == "encrypted"


def word(text: str, left: float, top: float, size: float = 10) -> PlacedWord:
    return PlacedWord(text, left, top, left + 0.5 * size * len(text), top + size, size, True)


def test_text_from_the_right_stays_in_its_order() -> None:
    words = [word("שלום", 300, 100), word("עולם", 270, 100), word("abc", 200, 100)]
    assert [line for block in page_blocks(words) for line in block.lines] == ["שלום", "עולם", "abc"]


def test_words_that_stand_upright_come_last() -> None:
    stamp = PlacedWord("arXiv:1234", 10, 50, 20, 300, 10, True)
    blocks = page_blocks([stamp, word("The", 72, 100), word("text", 92, 100)])
    assert [block.lines for block in blocks] == [["The text"], ["arXiv:1234"]]


PLACES = st.floats(-1e4, 1e4)
WORDS = st.builds(
    PlacedWord, st.text("aA1-.•港ש", min_size=1, max_size=6), PLACES, PLACES, PLACES, PLACES,
    st.floats(0, 100), st.booleans(),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(WORDS, max_size=30))
def test_no_word_is_lost_wherever_it_stands(words: list[PlacedWord]) -> None:
    shown = [
        text
        for block in page_blocks(words)
        for text in (*block.lines, *(cell for row in block.rows for cell in row))
    ]
    assert sorted(" ".join(shown).split()) == sorted(each.text for each in words)
