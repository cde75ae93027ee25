"""Snippets: the densest window, marked where it matches, in scripts with and without spaces."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import query_terms
from atlas.domain.search.snippet import WIDTH, Snippet, snippet
from atlas.domain.search.term_matches import term_matches

FILLER = "Nothing of note happened on the coast that day. " * 20


@dataclass(frozen=True)
class Part:
    start: int
    end: int


def cut(text: str, query: str, part: Part | None = None) -> Snippet:
    weights = {term.lexeme: 1.0 for term in query_terms(query)}
    part = part or Part(0, len(text))
    return snippet(text, term_matches(text, weights, part.start, part.end), weights, part)


def marked(found: Snippet) -> list[str]:
    return [found.text[start:end] for start, end in found.marks]


def test_the_window_holds_the_most_terms() -> None:
    found = cut(f"A lamp. {FILLER} The herring\n fleet passed a lamp. {FILLER}", "herring lamp")
    assert marked(found) == ["herring", "lamp"]
    assert found.text.startswith("The herring fleet passed a lamp. Nothing of note")
    assert len(found.text) <= WIDTH + 2


def test_it_begins_with_a_sentence_and_ends_with_one() -> None:
    found = cut(f"{FILLER}\nThen, late at night, the herring fleet came in. {FILLER}", "herring")
    assert found.text.startswith("Then, late at night, the herring")
    assert found.text.endswith("that day.")
    assert cut("他來了。" * 90 + "燈塔看守人。" + "他走了。" * 90, "燈塔").text.startswith(
        "燈塔看守人。他走了。"
    )


def test_near_the_end_it_begins_with_an_earlier_sentence() -> None:
    found = cut(f"{FILLER}The fleet came. Herring.", "herring")
    assert found.text.startswith("Nothing of note") and found.text.endswith("Herring.")
    assert len(found.text) > WIDTH / 2


def test_within_a_sentence_without_end_it_begins_with_a_word() -> None:
    found = cut("and so on " * 90 + "herring " + "and so on " * 90, "herring")
    assert marked(found) == ["herring"]
    assert found.text.startswith("…") and found.text.endswith("…")
    assert set(found.text.strip("…").split()) == {"and", "so", "on", "herring"}


def test_words_that_only_begin_alike_are_not_marked() -> None:
    text = "They intercept an international call; Leuchttürme, Leuchtstoff."
    assert marked(cut(text, "international")) == ["international"]
    assert marked(cut(text, "Leuchtturm")) == ["Leuchttürme"]
    assert marked(cut("It flies: a fly flew, a flyer.", "flies")) == ["flies", "fly"]


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


def test_it_lies_within_the_part() -> None:
    text = "A lamp. Herring.\n\nNets\n\nThe herring fleet and its nets.\n\nMore nets."
    part = Part(text.index("Nets"), text.index("\n\nMore"))
    assert cut(text, "nets", part).text == "Nets The herring fleet and its nets."
    assert cut(text, "nets", part).at == part.start
    assert cut(text, "zeppelin", part) == Snippet("Nets The herring fleet and its nets.", ())
    assert cut(text, "zeppelin", part).at is None


@given(
    st.text(alphabet="ab灯塔ﬁ½ \n\u0301", max_size=400), st.text(alphabet="ab灯塔fi ", max_size=9)
)
def test_marks_lie_in_the_line_in_order(text: str, query: str) -> None:
    found = cut(text, query)
    flat = [offset for mark in found.marks for offset in mark]
    assert flat == sorted(flat) and all(0 <= offset <= len(found.text) for offset in flat)
    assert all(start < end for start, end in found.marks)
    assert "\n" not in found.text
