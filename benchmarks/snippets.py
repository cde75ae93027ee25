"""Snippets: whether they show the passage that answers, where they begin, what they mark.

Documents of five paragraphs are made of each collection of paragraphs and questions (`datasets.py`
says where they are); the wanted passage is the paragraph that answers the question. Beside each
other: the window of the most terms, at whatever word it begins, as versions before 0.7 cut it; and
today's snippets, within the best chunk. Of every tenth question by default (ATLAS_BENCH_EVERY).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm, query_terms, tokens
from atlas.domain.search.best_chunk import ShownDocument, shown_chunk
from atlas.domain.search.occurrences import occurrences
from atlas.domain.search.ranking import CountedTerm
from atlas.domain.search.snippet import WIDTH
from atlas.domain.search.stop_words import is_stop_word, meant_terms
from benchmarks.ranking import FOLDER, read

EVERY = int(os.environ.get("ATLAS_BENCH_EVERY", "10"))
PARAGRAPHS = 5
COLLECTIONS = ("xq_ru", "xq_th", "xq_zh")


@dataclass(frozen=True)
class Question:
    """A question, the document with the answer, and the paragraph that has it."""

    asked: str
    document: ShownDocument
    wanted: str


@dataclass(frozen=True)
class JudgedSnippet:
    """A snippet as it is judged: one line, without ellipses, and the words marked in it."""

    line: str
    marked: tuple[str, ...]


Cutter = Callable[[ShownDocument, Mapping[str, float]], JudgedSnippet]


def questions(name: str) -> list[Question]:
    """The questions of a collection, over documents of some paragraphs in sections of their own."""
    collection = read(FOLDER / name)
    keys = list(collection.documents)
    homes: dict[str, tuple[ShownDocument, str]] = {}
    for first in range(0, len(keys), PARAGRAPHS):
        group = keys[first : first + PARAGRAPHS]
        said = [" ".join(collection.documents[key].lstrip("\ufeff").split()) for key in group]
        text = "\n\n".join(said)
        outline = [
            OutlineSection(text.index(each), 2, f"{at}", None) for at, each in enumerate(said)
        ]
        document = ShownDocument(f"http://bench/{first}", text, text, outline)
        homes.update({key: (document, each) for key, each in zip(group, said, strict=True)})
    found = []
    for query, gains in list(collection.relevance.items())[::EVERY]:
        if query in collection.queries:
            document, wanted = homes[max(gains, key=lambda key: gains[key])]
            found.append(Question(collection.queries[query], document, wanted))
    return found


class Frequencies:
    """In how many documents each lexeme stands."""

    def __init__(self, documents: Sequence[ShownDocument]) -> None:
        self.documents = len(documents)
        self._in: Counter[str] = Counter()
        for document in documents:
            self._in.update({each for token in tokens(document.text) for each in token.lexemes})

    def weights(self, query: str) -> dict[QueryTerm, float]:
        """As the search gives them."""
        counted = [CountedTerm(term, self._in[term.lexeme]) for term in query_terms(query)]
        return {
            each.term: ranking.weight(each, self.documents)
            for each in ranking.terms_that_count(counted)
        }


def densest(document: ShownDocument, weights: Mapping[str, float]) -> JudgedSnippet:
    """The window whose distinct terms weigh most, around its middle: as it was before."""
    text = document.text
    wide = sum(ord(each) > 0x2E7F for each in text[:2000]) / max(len(text[:2000]), 1)
    width = int(WIDTH / (1 + wide))
    found = sorted((start, end, term) for term, start, end in occurrences(text, weights))
    best, best_worth = (0, width), 0.0
    for number, (start, _, _) in enumerate(found):
        held = [each for each in found[number : number + width] if each[1] - start <= width]
        worth = sum(weights[term] for term in {term for _, _, term in held})
        if worth > best_worth + 1e-9:
            middle = (start + max(end for _, end, _ in held)) // 2
            best_worth, best = worth, (max(0, middle - width // 2), middle + width // 2)
    low, high = best
    if low and (space := text.find(" ", low, low + 24)) >= 0:
        low = space + 1
    if high < len(text) and (space := text.rfind(" ", high - 24, high)) >= 0:
        high = space
    marks = [(start, end) for start, end, _ in found if low <= start and end <= high]
    return JudgedSnippet(" ".join(text[low:high].split()), tuple(_joined(text, marks)))


def _joined(text: str, marks: Sequence[tuple[int, int]]) -> Iterator[str]:
    """What is marked, overlapping marks as one."""
    begin, stop = -1, -1
    for start, end in sorted(marks):
        if start > stop:
            if begin >= 0:
                yield text[begin:stop]
            begin = start
        stop = max(stop, end)
    if begin >= 0:
        yield text[begin:stop]


def today(document: ShownDocument, weights: Mapping[str, float]) -> JudgedSnippet:
    """Within the best chunk."""
    found = shown_chunk(document, (0, len(document.text)), weights).snippet
    return JudgedSnippet(found.text.strip("…"), tuple(found.text[a:b] for a, b in found.marks))


@dataclass(frozen=True)
class SnippetFigures:
    """Shares of snippets that lie in the wanted passage and that begin with a sentence, and of
    marks that are on stop words alone."""

    holds: float
    begins: float
    empty: float


def figures(name: str, cutter: Cutter) -> SnippetFigures:
    """What the snippets of a collection are like."""
    asked = questions(name)
    lang = name.removeprefix("xq_")
    known = Frequencies(list({each.document.url: each.document for each in asked}.values()))
    holds = begins = marks = empty = 0
    for question in asked:
        terms = known.weights(question.asked)
        lexemes = {term.lexeme: worth for term, worth in terms.items()}
        cut = cutter(
            question.document, lexemes if cutter is densest else meant_terms(terms, (), lang)
        )
        holds += cut.line[len(cut.line) // 4 : -len(cut.line) // 4] in question.wanted
        begins += _begins_sentence(question.document.text, cut.line)
        marks += len(cut.marked)
        empty += sum(_says_nothing(each, lang) for each in cut.marked)
    count = len(asked)
    return SnippetFigures(holds / count, begins / count, empty / max(marks, 1))


def _begins_sentence(text: str, line: str) -> bool:
    """Whether a sentence begins there: at a paragraph, behind a mark, or in Thai behind a blank."""
    for paragraph in text.split("\n\n"):
        at = paragraph.find(line[:60])
        if at >= 0:
            before = paragraph[:at]
            mark = before.rstrip().rstrip("\"'”’»)]")[-1:]
            thai = before[-1:].isspace() and "\u0e00" <= line[0] <= "\u0e7f"
            return not before or before[-1] == "\n" or mark in ".!?…。！？；;" or thai
    return False  # no paragraph has it: it spans two


def _says_nothing(marked: str, lang: str) -> bool:
    return all(is_stop_word(lexeme, lang) for token in tokens(marked) for lexeme in token.lexemes)


def main() -> None:
    """Print what the snippets of each collection are like."""
    if not FOLDER.is_dir():
        print(f"no collections in {FOLDER}; name a folder in ATLAS_BENCH_RETRIEVAL")
        return
    for name in COLLECTIONS:
        for cutter in (densest, today):
            found = figures(name, cutter)
            print(
                f"{name:8} {cutter.__name__:8} holds {found.holds:.3f}   begins with a sentence "
                f"{found.begins:.3f}   marks on stop words {found.empty:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
