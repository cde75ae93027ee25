"""The analyser: documents and queries meet in every script, and its output stays put."""

import hashlib
import re
from itertools import takewhile

import pytest
import Stemmer
from hypothesis import example, given
from hypothesis import strategies as st

from atlas.domain.search import analysis
from atlas.domain.search.analysis import (
    ANALYSER_VERSION,
    FILLER,
    PART_CHARACTERS,
    QueryTerm,
    query_phrases,
    query_terms,
    tokens,
)
from atlas.domain.search.fold import fold
from atlas.domain.search.index_parts import index_parts

SAMPLES = (
    "The keepers' lamps were running; wind_speed = 12.5 m/s",
    "灯塔看守人每天晚上都要记录天气。燈塔看守人每天晚上都要記錄天氣。",
    "灯台守は毎晩ラジオで天気を聞きました。ﾗｼﾞｵ",
    "등대지기는 매일 밤 날씨를 기록했다.",
    "ผู้ดูแลประภาคารจดบันทึกสภาพอากาศทุกเย็น",
    "Смотритель маяка записывал погоду каждый вечер",
    "Ο φύλακας του φάρου κατέγραφε τον καιρό",
    "كان حارس المنارة يسجل الطقس كل مساء",
    "दीपस्तंभ का रखवाला हर शाम मौसम लिखता था",
    "Leuchtturmwärter schreiben auf der Straße ½ ﬁn",
    "όταν έως ίδια είτε ـــ",
)
STEMLESS = ("όταν", "Όταν", "έως", "ίδια", "είτε", "ـ", "ـــ")
"""Words of which Snowball leaves nothing."""
SCRIPTS = tuple(
    st.characters(codec="utf-8", min_codepoint=a, max_codepoint=b) for a, b, _ in analysis._SNOWBALL
)


def lexemes(text: str) -> set[str]:
    return {lexeme for token in tokens(text) for lexeme in token.lexemes}


def searched(query: str) -> list[str]:
    return [term.tsquery for term in query_terms(query)]


def test_the_output_of_this_version_is_frozen() -> None:
    output = "\n".join(
        repr([(p.body, p.prefixes, p.initials, p.start, p.end, p.length) for p in parts])
        for parts in (index_parts(each, each) for each in SAMPLES)
    )
    output += fold("".join(map(chr, range(0x4E00, 0xA000))))
    digest = hashlib.sha256(output.encode()).hexdigest()
    assert (ANALYSER_VERSION, digest[:16]) == (4, "9c6b582c8aa4471a"), (
        "the analyser's output changed (our code, Snowball, OpenCC or Unicode): raise its version"
    )


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_text_is_found_by_itself(sample: str) -> None:
    terms = query_terms(sample)
    assert terms and {term.lexeme for term in terms} <= lexemes(sample)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("running", "RUN"),
        ("lamps", "Lamp"),
        ("ｆｕｌｌ", "full"),
        ("cafe\u0301", "café"),
        ("燈塔", "灯塔"),
        ("ﾗｼﾞｵ", "ラジオ"),
        ("co\u00adoperate", "cooperate"),
        ("STRASSE", "straße"),
        ("погоду", "погода"),
    ],
)
def test_the_same_word_in_two_forms(one: str, other: str) -> None:
    assert next(tokens(one)).lexemes[0] == next(tokens(other)).lexemes[0]


def test_latin_words_give_stem_and_first_letters_at_one_position() -> None:
    (part,) = index_parts("", "Running lamps")
    assert (part.body, part.prefixes, part.length) == ("run lamp", "runni lamps", 2)


def test_the_title_counts_twice_in_every_part() -> None:
    found = index_parts("Fog", "wind " * 6000)
    assert len(found) == 3
    assert all(part.body.startswith("fog fog wind") for part in found)


def test_single_characters_become_prefixes_where_no_gram_covers_them() -> None:
    assert searched("灯") == ["'灯':*"]
    assert searched("灯塔") == ["'灯塔'"]
    assert searched("灯, 塔守人") == ["'灯':*", "'塔守'", "'守人'"]
    assert searched("กา") == ["'กา':*"]
    assert {"灯塔", "塔"} == lexemes("灯塔")


def test_repeated_words_weigh_more() -> None:
    assert query_terms("12 12 7") == (QueryTerm("12", weight=2), QueryTerm("7"))


def test_phrases_keep_distances() -> None:
    assert query_phrases('fog "wind from the west" “lamp”') == (
        "('wind' <1> 'from' <1> 'the' <1> 'west')",
        "('lamp')",
    )
    assert query_phrases('"灯塔守 fog" "!" "') == ("('灯塔' <1> '塔守' <2> 'fog')",)


@pytest.mark.parametrize("query", ["", " ", "!?…", "\0", "\ud800", '""', "\u00ad"])
def test_a_query_without_a_word_has_no_term(query: str) -> None:
    assert query_terms(query) == () and query_phrases(query) == ()


@given(st.text(), st.text())
def test_there_is_always_a_part_and_parts_cover_the_text(title: str, text: str) -> None:
    parts = index_parts(title, text)
    assert parts[0].start == 0 and parts[-1].end == len(text)


@given(st.text(alphabet="ab \n灯", min_size=1, max_size=40), st.integers(1, 2000))
@example("a", PART_CHARACTERS * 3)
def test_long_texts_are_cut_without_a_gap(piece: str, times: int) -> None:
    text = piece * times
    parts = index_parts("", text)
    assert "".join(text[part.start : part.end] for part in parts) == text
    assert all(part.end - part.start <= PART_CHARACTERS * 1.1 for part in parts)


@given(st.text())
@example("getUserName ﬁ½ e\u0301\u0327 ᄀ\u1161\u11a8 İ ß \u0345")
def test_offsets_stay_inside_and_in_order(text: str) -> None:
    last = 0
    in_order = takewhile(lambda token: token.lexemes != (FILLER,), tokens(text))
    for token in in_order:  # behind them come the parts of camelCase
        assert last <= token.start <= token.end <= len(text)
        last = token.start


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.fault(9)
@pytest.mark.parametrize("word", STEMLESS)
def test_a_word_without_a_stem_is_its_own(word: str) -> None:
    ((lexeme,),) = [token.lexemes for token in tokens(word)]
    assert lexeme == fold(word)
    assert searched(word) == [f"'{fold(word)}'"]
    assert query_phrases(f'"{word} {word}"') == (f"('{lexeme}' <1> '{lexeme}')",)
    assert index_parts("", word)[0].body == lexeme


@pytest.mark.fault(9)
@given(st.sampled_from(Stemmer.algorithms()), st.one_of(st.text(s, min_size=1) for s in SCRIPTS))
@example("greek", "όταν")
@example("arabic", "ـــ")
def test_no_algorithm_leaves_nothing_of_a_word(algorithm: str, word: str) -> None:
    assert analysis._stem(algorithm, word)


@pytest.mark.fault(9)
@given(st.one_of(st.text(script, max_size=60) for script in SCRIPTS) | st.text())
@example(" ".join(STEMLESS))
def test_no_lexeme_is_empty_in_any_script(text: str) -> None:
    assert all(all(token.lexemes) for token in tokens(text))
    assert all(term.lexeme for term in query_terms(text))
    for part in index_parts(text, text):
        assert len(part.body.split(" ")) == max(part.length, 1)


@given(st.text())
def test_lexemes_need_no_care(text: str) -> None:
    for lexeme in lexemes(text):
        lexeme.encode()
        assert re.fullmatch(r"~?[^\s\0'\\]+", lexeme) and len(lexeme) <= 200


def test_offsets_point_at_the_words_as_given() -> None:
    text = "\ufeffﬁne cafe\u0301s… ½ 漢字 Ｆｕｌｌ"
    shown = [text[token.start : token.end] for token in tokens(text) if token.whole]
    assert shown == ["ﬁne", "cafe\u0301s", "½", "½", "漢字", "Ｆｕｌｌ"]
