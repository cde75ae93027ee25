"""Running heads and feet of PDFs: what repeats at the edges of pages is said once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atlas.text.extract import extract
from atlas.text.files.pdf_layout import PlacedWord
from atlas.text.files.running_lines import RunningLines
from tests.text.files.test_pdf_layout import URL, made


def report(pages: int, head: str = "Harbour report 2024", foot: str = "Page {n} of {all}") -> bytes:
    """Pages whose sentences go on overleaf, between the same head and foot."""
    said = "sentence {} {} tells how the ferries of pier {} go"
    return made([
        [
            (9, 72, 760, head),
            *((11, 72, 700 - 14 * at, said.format(n, at, n)) for at in range(8)),
            (9, 300, 30, foot.format(n=n, all=pages)),
        ]
        for n in range(1, pages + 1)
    ])  # fmt: skip


def said(body: bytes) -> str:
    return extract(body, "application/pdf", None, URL).text


def test_the_name_of_a_report_is_said_once_and_the_numbers_of_pages_never() -> None:
    text = said(report(5))
    assert text.count("Harbour report 2024") == 1
    assert "Page" not in text
    assert "of pier 1 go sentence 2 0 tells" in text.replace("\n", " ").replace("  ", " ")


def test_left_and_right_pages_may_have_heads_of_their_own() -> None:
    pages = [
        [
            (9, 72, 760, "Harbour report" if n % 2 else f"The old quays {n + 11}"),
            *((11, 72, 700 - 14 * at, f"line {n} {at} about pier {n * at}") for at in range(6)),
        ]
        for n in range(1, 9)
    ]
    text = said(made(pages))
    assert text.count("Harbour report") == text.count("The old quays") == 1
    assert all(f"line {n} 5 about" in text for n in range(1, 9))


def test_what_stands_on_two_pages_or_is_all_they_say_is_no_running_line() -> None:
    assert said(report(2)).count("Harbour report 2024") == 2
    same = made([[(11, 72, 700, "Only one line")]] * 4)
    assert said(same).count("Only one line") == 4


def test_rows_of_a_table_that_differ_in_their_numbers_alone_all_stay() -> None:
    pages = [
        [(11, 72, 700 - 14 * at, f"Ferry {7 * n * n + at} berth {n * n}") for at in range(6)]
        for n in range(2, 7)
    ]
    text = said(made(pages))
    assert all(f"Ferry {7 * n * n} berth {n * n}" in text for n in range(2, 7))


def test_heads_are_known_on_pages_that_come_after_those_they_were_learnt_from() -> None:
    assert said(report(45)).count("Harbour report 2024") == 1


@given(
    st.lists(
        st.lists(
            st.builds(
                lambda text, left, top: PlacedWord(text, left, top, left + 9, top + 9, 9.0),
                st.sampled_from(["a", "Page", "7", "xii", "ferry"]),
                st.floats(-50, 700),
                st.floats(-50, 900),
            ),
            max_size=8,
        ),
        max_size=6,
    )
)
def test_no_page_loses_more_than_half_of_its_words_and_none_its_order(
    pages: list[list[PlacedWord]],
) -> None:
    running = RunningLines(pages)
    for number, page in enumerate(pages):
        kept = running.without(page, number)
        rest = iter(page)
        assert 2 * len(kept) >= len(page)
        assert all(word in rest for word in kept)
