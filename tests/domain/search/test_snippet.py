"""Snippets: the densest window, marked where it matches, in scripts with and without spaces."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import query_terms
from atlas.domain.search.snippet import WIDTH, Snippet, snippet

FILLER = "Nothing of note happened on the coast that day. " * 20


def cut(text: str, query: str) -> Snippet:
    return snippet(text, {term.lexeme: 1.0 for term in query_terms(query)})


def marked(found: Snippet) -> list[str]:
    return [found.text[start:end] for start, end in found.marks]


def test_the_window_holds_the_most_terms() -> None:
    found = cut(f"A lamp. {FILLER} The herring\n fleet passed a lamp. {FILLER}", "herring lamp")
    assert marked(found) == ["herring", "lamp"]
    assert found.text.startswith("…") and found.text.endswith("…")
    assert "The herring fleet passed" in found.text
    assert len(found.text) <= WIDTH + 2


def test_other_forms_of_a_word_are_marked() -> None:
    assert marked(cut("He was running; she runs.", "RUN")) == ["running", "runs"]


def test_han_is_marked_as_one_run_and_cut_narrower() -> None:
    found = cut("海" * 300 + "燈塔看守人" + "山" * 300, "灯塔看守")
    assert marked(found) == ["燈塔看守"]
    assert len(found.text) <= WIDTH // 2 + 2


def test_a_single_han_character_is_marked() -> None:
    assert marked(cut("守塔人与灯", "塔")) == ["塔"]


def test_without_a_match_it_is_the_beginning() -> None:
    found = cut(FILLER, "lighthouse")
    assert found.marks == () and found.text.startswith("Nothing of note")


def test_a_short_text_is_whole() -> None:
    assert cut("fog", "fog") == Snippet("fog", ((0, 3),))
    assert cut("", "fog") == Snippet("", ())


def test_the_window_ends_where_a_section_does() -> None:
    text = "A lamp. Herring.\n\nNets\n\nThe herring fleet and its nets."
    cuts = [text.index("Nets")]
    found = snippet(text, {term.lexeme: 1.0 for term in query_terms("lamp herring nets")}, cuts)
    assert found.text == "A lamp. Herring.…" and found.at == text.index("lamp")
    found = snippet(text, {term.lexeme: 1.0 for term in query_terms("fleet nets")}, cuts)
    assert found.text == "…Nets The herring fleet and its nets." and found.at == cuts[0]
    assert cut(text, "zeppelin").at is None


@given(
    st.text(alphabet="ab灯塔ﬁ½ \n\u0301", max_size=400), st.text(alphabet="ab灯塔fi ", max_size=9)
)
def test_marks_lie_in_the_line_in_order(text: str, query: str) -> None:
    found = cut(text, query)
    flat = [offset for mark in found.marks for offset in mark]
    assert flat == sorted(flat) and all(0 <= offset <= len(found.text) for offset in flat)
    assert all(start < end for start, end in found.marks)
    assert "\n" not in found.text
