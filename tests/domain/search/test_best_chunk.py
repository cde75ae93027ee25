"""The chunk of a hit: one of those that an export makes, chosen by the rare words of the query."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.search.analysis import phrase_words, query_terms
from atlas.domain.search.best_chunk import ShownChunk, ShownDocument, shown_chunk
from atlas.domain.search.term_matches import phrase_matches, term_matches

URL = "https://example.org/lamp"
PARAGRAPH = "Nothing of note happened on the coast that day, and the keeper slept well. " * 9
MARKDOWN = (
    f"# Lamp\n\n{PARAGRAPH}The lamp burns oil.\n\n## Oil\n\nThe oil of the lamp: rape seed.\n\n"
    f"{PARAGRAPH}\n\n{PARAGRAPH}\n\nColza oil came later.\n\n## Wick\n\nA lamp, a lamp, a lamp."
)
TEXT = MARKDOWN.replace("# ", "").replace("#", "")
OUTLINE = tuple(
    OutlineSection(TEXT.index(f"{title}\n"), level, title, title.lower())
    for level, title in ((1, "Lamp"), (2, "Oil"), (2, "Wick"))
)
DOCUMENT = ShownDocument(URL, TEXT, MARKDOWN, OUTLINE)


def shown(query: str, part: tuple[int, int] = (0, len(TEXT)), **worth: float) -> ShownChunk:
    weights = {term.lexeme: worth.get(term.lexeme, 1.0) for term in query_terms(query)}
    return shown_chunk(DOCUMENT, part, weights)


def test_a_rare_word_outweighs_many_common_ones() -> None:
    assert shown("lamp colza", lamp=0.1).section == ("Lamp", "Oil")
    assert shown("lamp colza", lamp=9.0).section == ("Lamp", "Wick")


def test_the_chunk_is_that_of_an_export() -> None:
    exported = {each.id: each for each in document_chunks(URL, TEXT, MARKDOWN, OUTLINE)}
    found = shown("colza")
    assert found.chunk_id is not None
    chunk = exported[found.chunk_id]
    assert "Colza oil came later." in chunk.text
    assert (
        (found.section, found.anchor) == (chunk.section, chunk.anchor) == (("Lamp", "Oil"), "oil")
    )


def test_words_that_stand_close_together_count_for_more() -> None:
    far = f"## A\n\nA lamp. {PARAGRAPH[:400]} Colza. Colza."
    near = f"## B\n\nThe lamp burns colza. {PARAGRAPH[:400]}"
    weights = {term.lexeme: 1.0 for term in query_terms("colza lamp")}
    for markdown in (f"{far}\n\n{near}", f"{near}\n\n{far}"):
        text = markdown.replace("## ", "")
        found = shown_chunk(ShownDocument(URL, text, markdown, None), (0, len(text)), weights)
        assert found.section == ("B",)


def test_a_quoted_phrase_is_shown_where_it_stands() -> None:
    phrases = phrase_words('"of the lamp"')
    weights = {term.lexeme: 1.0 for term in query_terms("of the lamp")}
    without = shown_chunk(DOCUMENT, (0, len(TEXT)), weights)
    found = shown_chunk(DOCUMENT, (0, len(TEXT)), weights, phrases)
    assert "of the lamp" not in without.snippet.text
    assert "of the lamp" in {found.snippet.text[a:b] for a, b in found.snippet.marks}


@pytest.mark.parametrize(
    ("text", "query", "places"),
    [
        ("The code of exit; exit code. Exit, code!", '"exit code"', ["exit code", "Exit, code"]),
        ("燈塔人守，灯塔看守人 灯塔守", "「灯塔看守」", ["灯塔看守"]),
        ("the the the end", '"the the end"', ["the the end"]),
        ("to be, to be or", '"to be to be"', ["to be, to be"]),
        ("a fog", '"fog"', []),
    ],
)
def test_the_words_of_a_phrase_stand_side_by_side(text: str, query: str, places: list[str]) -> None:
    (phrase,) = phrase_words(query)
    matches = term_matches(text, {word.lexeme for word in phrase}, 0, len(text))
    assert [text[a:b] for a, b, _ in phrase_matches(text, matches, phrase)] == places


def test_only_chunks_of_the_part_that_the_engine_found_are_looked_at() -> None:
    assert shown("lamp", (TEXT.index("Wick"), len(TEXT))).section == ("Lamp", "Wick")
    assert shown("lamp oil", (0, TEXT.index("Oil\n"))).section == ("Lamp",)
    assert shown("lamp", (len(TEXT) + 9, len(TEXT) + 99)).chunk_id == shown("zeppelin").chunk_id


def test_where_only_the_title_matches_it_is_the_first_chunk() -> None:
    found = shown("zeppelin")
    assert found.chunk_id == document_chunks(URL, TEXT, MARKDOWN, OUTLINE)[0].id
    assert (found.section, found.anchor, found.snippet.marks) == ((), None, ())
    assert found.snippet.text.startswith("Lamp Nothing of note")


def test_a_document_without_words_has_none() -> None:
    found = shown_chunk(ShownDocument(URL, "", "", ()), (0, 0), {"lamp": 1.0})
    assert (found.chunk_id, found.snippet.text) == (None, "")


@settings(max_examples=60)
@given(
    st.lists(
        st.text(alphabet="ab灯塔守。. #|`-\n", min_size=1, max_size=300), min_size=1, max_size=12
    ),
    st.sampled_from(("a", "ab ba", "灯塔", "守", "b灯")),
)
@example(["a" * 2_000], "a")
def test_the_snippet_lies_in_the_chunk(paragraphs: list[str], query: str) -> None:
    text = "\n\n".join(paragraphs)
    chunks = {each.id: each for each in document_chunks(URL, text, text, None)}
    weights = {term.lexeme: 1.0 for term in query_terms(query)}
    found = shown_chunk(ShownDocument(URL, text, text, None), (0, len(text)), weights)
    assert (found.chunk_id is None) == (not chunks)
    if found.chunk_id is not None:
        assert found.snippet.text.strip("…") in " ".join(chunks[found.chunk_id].text.split())
