"""Names of several words are found as what they are and by their parts; spellings meet."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import (
    camel_places,
    phrase_of,
    query_phrases,
    query_terms,
    tokens,
    word_lexemes,
)
from atlas.domain.search.compounds import (
    MAX_NAME,
    Compound,
    camel_names,
    compounds,
    compounds_near,
)
from atlas.domain.search.fold import fold
from atlas.domain.search.index_parts import field_of, index_parts, lexeme_query
from atlas.domain.search.occurrences import holds_phrase, occurrences


def searched(text: str) -> set[str]:
    return {term.lexeme for term in query_terms(text)}


def found(query: str, text: str) -> set[str]:
    """The lexemes of a query that an engine finds in a text."""
    return {lexeme for _, lexeme in looked_up(query, text)}


def looked_up(query: str, text: str) -> set[tuple[str, str]]:
    """The same, each with the field in which it is found."""
    (part,) = index_parts("", text)
    fields = {"body": part.body.split(), "prefixes": part.prefixes.split()}
    wanted = [field_of(term) for term in lexeme_query(query).terms]
    return {(field, lexeme) for field, lexeme in wanted if lexeme in fields.get(field, ())}


@pytest.mark.parametrize(
    ("name", "as_found", "parts"),
    [
        ("3.11", "3.11", {"3", "11"}),
        ("os.path.join", "os.path.join", {"os", "path", "join"}),
        ("std::vec", "std::vec", {"std", "vec"}),
        ("C++", "c++", {"c"}),
        ("C#", "c#", {"c"}),
        ("$PATH", "$path", {"path"}),
        ("--force", "--force", {"force"}),
        (".NET", ".net", {"net"}),
        ("TCP/IP", "tcp/ip", {"tcp", "ip"}),
        ("RFC9110", "rfc9110", {"rfc", "9110"}),
        ("get_user_name", "getusernam", {"get", "user", "name"}),
        ("e-mail", "email", {"e", "mail"}),
        ("getUserName", "getusernam", {"get", "user", "name"}),
        ("innerHTML", "innerhtml", {"inner", "html"}),
        ("HTTPServer", "httpserver", {"http", "server"}),
        ("XMLHttpRequest", "xmlhttprequest", {"xml", "http", "request"}),
        ("parseXML2JSON", "parsexml2json", {"parse", "xml", "2", "json"}),
        ("fetchURLs", "fetchurl", {"fetch", "url"}),
    ],
)
def test_a_name_is_found_as_what_it_is_and_by_its_parts(
    name: str, as_found: str, parts: set[str]
) -> None:
    text = f"See {name}, or 版{name}版."
    stems = {query_terms(part)[0].lexeme for part in parts}
    assert searched(name) >= {as_found} | stems
    assert found(name, text) >= {as_found} | stems
    for part in parts:
        assert query_terms(part)[0].lexeme in found(part, text)
    assert (as_found, 4, 4 + len(name)) in occurrences(text, {as_found})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C++", "C"),
        ("C#", "C++"),
        ("3.11", "3 and 11"),
        ("$PATH", "path"),
        ("os.path.join", "os path join"),
    ],
)
def test_a_name_is_not_what_only_has_its_parts(one: str, other: str) -> None:
    assert query_phrases(f'"{one}"') == (f"('{fold(one)}')",)
    assert fold(one) not in found(one, other)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("getUserName", "get_user_name"),
        ("get_user_name", "getUserName"),
        ("email", "e-mail"),
        ("e-mail", "email"),
        ("RFC 9110", "RFC9110"),
        ("RFC9110", "RFC 9110"),
        ("cafe", "café"),
        ("café", "cafe"),
        ("Ha Noi", "Hà Nội"),
        ("Istanbul", "İstanbul"),
        ("duong", "đường"),
        ("צהל", "צָהַל"),
        ("תכנית", "תוכנית"),
        ("עיריה", "עירייה"),
        ("مدرسه", "مدرسة"),
        ("مسئول", "مسؤول"),
        ("کتاب", "كتاب"),
        ("علی", "على"),
        ("محمد", "مُحَمَّد"),
        ("Αθηνα", "Αθήνα"),
        ("елка", "ёлка"),
    ],
)
def test_spellings_of_one_word_meet(query: str, text: str) -> None:
    assert found(query, text)


@pytest.mark.parametrize(("word", "other"), [("café", "cafe"), ("תוכנית", "תכנית")])
def test_the_exact_spelling_has_more_in_common(word: str, other: str) -> None:
    """So it ranks first."""
    assert len(looked_up(word, word)) > len(looked_up(word, other)) > 0
    assert len(looked_up(other, other)) > len(looked_up(other, word)) > 0


@pytest.mark.parametrize(
    "quoted",
    ['"ha noi"', "“ha noi”", "„ha noi“", "«ha noi»", "＂ha noi＂", "「ha noi」", "『ha noi』"],
)
def test_phrases_in_any_quotation_marks(quoted: str) -> None:
    assert query_phrases(f"{quoted} fog") == ("('ha' <1> 'noi')",)


def test_a_phrase_with_a_name_in_it_stands_as_it_is_written() -> None:
    (phrase,) = lexeme_query('"use os.path now"').phrases
    said = [token.lexemes[0] for token in tokens("use os.path now")]
    assert [word.lexeme for word in phrase] == said
    assert [word.offset for word in phrase] == list(range(len(said)))


@pytest.mark.parametrize(
    "name",
    [
        *("McDonald", "MacArthur", "iPhone", "eBay", "YouTube", "JavaScript", "PostgreSQL"),
        *("LaTeX", "MHz", "mRNA", "PhDs", "URLs", "GmbH", "dQw4w9WgXcQ", "aB" * 40),
    ],
)
def test_names_of_people_places_and_products_have_no_parts(name: str) -> None:
    """Who asks for Java means no JavaScript."""
    assert list(camel_names(f"the {name}.")) == []
    assert len(list(tokens(name))) == 1


def test_parts_of_camel_case_are_no_neighbours_of_what_is_beside_them() -> None:
    """In the index, and where a text is looked through for a phrase."""
    title, text = "The HTTPServer", "It calls getUserName or setColor. The HTTPServer starts."
    (part,) = index_parts(title, text)
    said = f" {part.body} "
    for phrase in ("httpserver starts", "calls getusername or setcolor", "user name", "The HTTP"):
        inside = " ".join(word.lexeme for word in phrase_of(phrase))
        assert (f" {inside} " in said) == holds_phrase(text, phrase_of(phrase)), phrase
    assert holds_phrase(text, phrase_of("httpserver starts"))
    assert holds_phrase(text, phrase_of("user name"))
    for apart in ("name set", "or set", "the http", "server the", "server it", "starts get"):
        assert not holds_phrase(text, phrase_of(apart))
        assert f" {apart} " not in said
    assert [word.lexeme for word in phrase_of("call getUserName now")] == [
        *("call", "getusernam", "now")
    ]


@given(st.text("abABC12_ .éÉß½\u0301\u00ad灯", max_size=60))
def test_names_in_camel_case_are_found_where_they_stand(text: str) -> None:
    for name in camel_places(text, folded := fold(text)):
        written = "".join(folded[start:end] for start, end in name.parts)
        assert written == folded[name.start : name.end]
        lexeme = word_lexemes(written)[0]
        assert any(lexeme in token.lexemes for token in tokens(text))
    wanted = {lexeme for token in tokens(text) if token.whole for lexeme in token.lexemes} - {"."}
    places = {(each, t.start, t.end) for t in tokens(text) if t.whole for each in t.lexemes}
    assert set(occurrences(text, wanted)) == {each for each in places if each[0] in wanted}


@pytest.mark.parametrize(
    "text",
    ["1990-2000", "что-то", "…", "a" * MAX_NAME + ".b", "a_" * 12 + "a", "$5", "1 + 2", "x#1"],
)
def test_what_is_no_name(text: str) -> None:
    assert list(compounds(fold(text))) == []


@given(st.text("ab1.-_/:>+#$@ \n\u2010\u3000漢नि", max_size=60), st.data())
def test_names_looked_for_by_their_signs_are_found_where_they_stand(
    text: str, data: st.DataObject
) -> None:
    """As well as by going through all of the text."""
    every = list(compounds(text))
    signed = {each.name for each in every if not each.name.isalnum()}
    wanted = data.draw(st.sets(st.sampled_from(sorted(signed)))) if signed else set()

    def meant(found: Iterable[Compound]) -> list[Compound]:
        return [each for each in found if each.name.isalnum() or each.name in wanted]

    assert meant(compounds_near(text, wanted)) == meant(every)


def test_text_without_a_sign_is_not_looked_through_for_names() -> None:
    text = "plain words. " * 50 + "os.path"
    assert list(compounds_near(text, ["c++"])) == []
    assert [each.name for each in compounds_near(text, ["os.path"])] == ["os.path"]
