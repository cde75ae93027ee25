"""What the search benchmark asks, by kind and script: with the words of the generated corpus, and
with the questions of the judged collections where a script has such."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.generated_texts import GeneratedText, ScriptWords, scripts

QUERIES = 100
"""Of each kind: the 95th percentile of twenty is one of the two slowest."""
_RARE = 3_000
"""Words behind this one are rare: in one text of a hundred or less."""


@dataclass(frozen=True)
class QueryKind:
    """Queries of one kind."""

    name: str
    queries: tuple[str, ...]
    source: str | None = None
    """As `--source` names it."""
    operators: bool = False
    """Whether they use operators, which the index before 0.7 did not know."""


def query_kinds(sample: list[GeneratedText]) -> Iterator[QueryKind]:
    """Every kind; phrases are such as occur in the sample."""
    dice = random.Random(8)

    def some(make: Callable[[], str]) -> tuple[str, ...]:
        return tuple(make() for _ in range(QUERIES))

    for script in scripts():
        said = [text.text for text in sample if text.script is script]
        words = _Words(script, said, dice)
        yield QueryKind(f"common word, {script.name}", some(words.common))
        yield QueryKind(f"rare word, {script.name}", some(words.rare))
        yield QueryKind(f"question, {script.name}", some(words.question))
        yield QueryKind(f"phrase, {script.name}", some(words.phrase))
    english = _Words(scripts()[0], [t.text for t in sample if t.script is scripts()[0]], dice)
    two = english.two
    yield QueryKind("phrase of two of the commonest", some(english.common_phrase))
    yield QueryKind("two words", some(two))
    yield QueryKind("--source of one page in 50", some(two), source="small")

    def scoped(name: str, operator: Callable[[], str]) -> QueryKind:
        return QueryKind(name, some(lambda: f"{two()} {operator()}"), operators=True)

    yield scoped("source:", lambda: "source:small")
    yield scoped("site: of one page in 400", lambda: f"site:h{dice.randrange(400)}.example")
    yield scoped("site: of the parent domain", lambda: "site:example")
    yield scoped("-site:", lambda: f"-site:h{dice.randrange(400)}.example")
    yield scoped("lang: of the words", lambda: "lang:en")
    yield scoped("lang: of another script", lambda: "lang:th")
    yield scoped("after: the last 2% of days", lambda: "after:2026-10-15")
    yield scoped("before: the first 2%", lambda: "before:2021-07-12")
    yield scoped("-word, a common one", lambda: f"-{english.common()}")
    yield scoped("-word, a rare one", lambda: f"-{english.rare()}")
    yield scoped("title: a common word", lambda: f"title:{english.common()}")
    yield scoped("title: a rare word", lambda: f"title:{english.rare()}")
    either = some(lambda: f"{english.phrase()} OR {english.phrase()}")
    yield QueryKind("phrase OR phrase", either, operators=True)


@dataclass(frozen=True)
class _Words:
    script: ScriptWords
    said: list[str]
    dice: random.Random

    def common(self) -> str:
        return self.script.words[self.dice.randrange(20)]

    def rare(self) -> str:
        return self.script.words[self.dice.randrange(_RARE, len(self.script.words))]

    def two(self) -> str:
        return " ".join(self.script.words[self.dice.randrange(20, _RARE)] for _ in range(2))

    def question(self) -> str:
        """A person's, or such as these are: half of the words are common."""
        if self.script.questions:
            return self.dice.choice(self.script.questions)[:200].replace(":", " ")
        commons = [self.common() for _ in range(4)]
        return " ".join([*commons, *(self.two() for _ in range(2))])

    def phrase(self) -> str:
        """Three neighbouring words, or so many characters as these."""
        text = self.dice.choice(self.said)
        if self.script.joint:
            sentences = [each.split() for each in text.split(". ") if each.count(" ") > 3]
            words = self.dice.choice(sentences)
            at = self.dice.randrange(len(words) - 2)
            return f'"{" ".join(words[at : at + 3]).strip(".")}"'
        length = 6 if self.script.lang == "zh" else 12
        sentence = self.dice.choice([each for each in text.split(". ") if len(each) > 12])
        at = self.dice.randrange(len(sentence) - length + 1)
        return f'"{sentence[at : at + length].strip(".")}"'

    def common_phrase(self) -> str:
        return f'"{" ".join(self.script.words[self.dice.randrange(8)] for _ in range(2))}"'
