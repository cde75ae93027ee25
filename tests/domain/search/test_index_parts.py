"""Parts: each field holds what the index of lexemes holds, and every query term has a field."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from atlas.domain.search.analysis import (
    PART_CHARACTERS,
    PREFIX_MARK,
    SHORTEST_PIECE,
    query_terms,
    split,
    tokens,
)
from atlas.domain.search.index_parts import FILLER, field_of, index_parts, lexeme_query
from tests.domain.search.test_analysis import SAMPLES, SCRIPTS

TEXTS = st.one_of(st.text(), st.sampled_from(SAMPLES), *(st.text(each) for each in SCRIPTS))


def test_the_fields_of_a_mixed_text() -> None:
    (part,) = index_parts("Fog", "Lighthouses 灯塔 กขคง 42")
    assert part.body == "fog fog lighthous 灯塔 塔 กขค ขคง คง ง 42"
    assert part.prefixes == "fog fog light . . . . . . ."
    assert part.initials == ". 灯 塔 ก กข ข ขค ค คง ง ."
    assert (part.start, part.end, part.length) == (0, 22, 10)


@settings(max_examples=40)
@given(TEXTS, TEXTS)
@example("", "")
@example("", "ﷺ 燈塔 e\u0301")
def test_no_lexeme_is_lost_or_invented(title: str, text: str) -> None:
    (part,) = index_parts(title, text)
    said = [token.lexemes for token in (*tokens(title[:300]), *tokens(title[:300]), *tokens(text))]
    assert part.body.split(" ") == [each[0] for each in said] or not said
    firsts = [PREFIX_MARK + word for word in part.prefixes.split() if word != FILLER]
    assert Counter(firsts) == Counter(each[1] for each in said if len(each) > 1)
    lengths = {len(field.split()) for field in (part.body, part.prefixes)}
    assert lengths == {part.length} == {len(said)}


@settings(max_examples=40)
@given(TEXTS)
def test_a_text_holds_every_term_that_is_a_part_of_it(text: str) -> None:
    (part,) = index_parts("", text)
    fields = {
        "body": set(part.body.split()),
        "prefixes": set(part.prefixes.split()),
        "initials": set(part.initials.split()),
    }
    for term in query_terms(text):
        name, lexeme = field_of(term)
        assert lexeme in fields[name], term


def test_a_single_character_is_looked_up_among_the_first_characters() -> None:
    assert [field_of(term) for term in lexeme_query("燈").terms] == [("initials", "灯")]
    assert [field_of(term) for term in lexeme_query("กข").terms] == [("initials", "กข")]
    assert [field_of(term) for term in lexeme_query("fogs").terms] == [
        ("body", "fog"),
        ("prefixes", "fogs"),
    ]


def test_a_long_text_is_cut_where_the_index_cuts_it() -> None:
    text = "The keeper wrote. " * 3000
    found = index_parts("Log", text)
    assert [(p.start, p.end) for p in found] == list(split(text))
    assert len(found) == -(-len(text) // PART_CHARACTERS)
    assert all(part.body.startswith("log log ") for part in found)


@settings(max_examples=40)
@given(
    st.integers(PART_CHARACTERS - 5, 5 * PART_CHARACTERS),
    st.sampled_from(["fog", "fog ", "fog\n", "fog and rain. " * 30 + "\n", "燈塔"]),
)
@example(PART_CHARACTERS + 1, "fog\n")
def test_a_part_that_is_not_the_only_one_is_no_short_one(length: int, said: str) -> None:
    parts = list(split((said * length)[:length]))
    assert len(parts) > 1 or length <= PART_CHARACTERS
    assert len(parts) == 1 or all(end - start >= SHORTEST_PIECE for start, end in parts)


def test_a_phrase_keeps_the_places_of_its_words() -> None:
    (phrase,) = lexeme_query('"灯塔 lamp 守"').phrases
    assert [(word.offset, word.lexeme, word.prefix) for word in phrase] == [
        (0, "灯塔", False),
        (2, "lamp", False),
        (3, "守", True),
    ]
