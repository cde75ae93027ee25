"""What a query means: its words without those that say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import query_terms
from atlas.domain.search.index_parts import lexeme_query
from atlas.domain.search.stop_words import meant_terms


def meant(query: str, lang: str | None, **worth: float) -> set[str]:
    found = lexeme_query(query)
    weights = {term: worth.get(term.lexeme.lstrip("~"), 1.0) for term in found.terms}
    terms = meant_terms(weights, found.quoted, lang)
    return {lexeme for lexeme in terms if not lexeme.startswith("~")}


@pytest.mark.parametrize(
    ("query", "lang", "expected"),
    [
        ("How many sails are on the horizon?", "en", {"sail", "horizon"}),
        ("Wie viele Lampen hat der Leuchtturm?", "de", {"lampen", "leuchtturm"}),
        ("Combien de lampes a le phare ?", "fr", {"lamp", "phare"}),
        ("¿Cuántas lámparas tiene el faro?", "es", {"lámpara", "faro"}),
        ("Сколько ламп было у маяка?", "ru", {"ламп", "маяк"}),
        ("灯塔有多少盏灯？", "zh", {"灯塔", "塔有", "少盏", "盏灯"}),
        ("ประภาคาร อะไร", "th", {"ประ", "ระภ", "ะภา", "ภาค", "าคา", "คาร"}),
        ("the die was cast", "en", {"die", "cast"}),
        ("die Würfel", "de", {"würfel"}),
        ("who is the keeper", None, {"keeper"}),
    ],
)  # fmt: skip
def test_stop_words_mean_nothing(query: str, lang: str, expected: set[str]) -> None:
    assert meant(query, lang) == expected


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("What is the cause of fog?", ["caus", "fog"]),
        ("Was ist die Ursache von Nebel?", ["ursach", "nebel"]),
        ("from what causes", ["caus"]),
        ("die hard", ["die", "hard"]),  # one word is German by chance
        ("the die was cast", ["the", "die", "cast"]),  # of two languages as likely what both have
        ("who is who", ["who", "is"]),
        ('"the who" in the hall', ["the", "who", "hall"]),
        ("os.path.join", ["os.path.join", "os", "path", "join"]),
        ("灯塔有多少盏灯", ["灯塔", "塔有", "有多", "少盏", "盏灯"]),
    ],
)
def test_stop_words_are_not_looked_for(query: str, asked: list[str]) -> None:
    found = [term.lexeme for term in lexeme_query(query).terms]
    assert [lexeme for lexeme in found if not lexeme.startswith("~")] == asked


@given(st.text())
def test_a_query_with_a_word_looks_for_one(query: str) -> None:
    assert bool(lexeme_query(query).terms) == bool(query_terms(query))


def test_stop_words_are_all_that_some_queries_have() -> None:
    assert meant("to be or not to be", "en") == {"to", "be", "or", "not"}
    assert meant('"The Who" live', "en") == {"the", "who", "live"}
    assert meant("多少", "zh") == {"多少"}


def test_without_a_list_a_word_that_nearly_all_texts_have_means_nothing() -> None:
    assert meant("ya mnara", "sw", ya=0.01) == {"mnara"}
    assert meant("ya mnara", "sw", ya=0.5) == {"ya", "mnara"}
    assert meant_terms({}, (), "sw") == {}
