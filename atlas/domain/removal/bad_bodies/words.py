"""Phrases of many languages, found in folded text.

Folded: no case, no accents, no punctuation, one space between words. In a phrase, `*` at the end of
a word stands for any ending and alone for one word, `?` for a letter that may be missing, `~` for
up to three words. Phrases of scripts that put no spaces between words, or join particles to them,
match inside words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ODD = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ى": "ي", "\u0640": "", "ß": "ss"})
_NO_WORD = re.compile(r"[\W_]+")
_JOINED = re.compile("[\u0600-\u06ff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
"""Characters of scripts without spaces; about two of them make a word."""


def fold(text: str) -> str:
    """Text as phrases are matched on it."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_ODD))
    bare = "".join(each for each in apart if unicodedata.category(each) != "Mn")
    return _NO_WORD.sub(" ", unicodedata.normalize("NFC", bare).casefold()).strip()


def count_words(text: str) -> int:
    """How many words a reader sees, in any script."""
    dense = len(_DENSE.findall(text))
    return len(_NO_WORD.sub(" ", _DENSE.sub(" ", text)).split()) + (dense + 1) // 2


@dataclass(frozen=True, slots=True)
class _Phrase:
    needle: str
    """What every text with the phrase holds: looked for first, since that costs little."""
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Said:
    """Phrases found in a text: what was said, and the share of the text that says it."""

    phrases: tuple[str, ...] = ()
    share: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.phrases)


_NOTHING = Said()


class Phrases:
    """The phrases of a table of languages (`en` → phrases with ` / ` between them)."""

    def __init__(self, *tables: Mapping[str, str]) -> None:
        written = {
            each.strip() for table in tables for row in table.values() for each in row.split(" / ")
        }
        self._phrases = [_compiled(each) for each in sorted(written) if each]

    def found_in(self, folded: str) -> Said:
        """What of the phrases a folded text says."""
        found = [
            match.span()
            for phrase in self._phrases
            if phrase.needle in folded and (match := phrase.pattern.search(folded))
        ]
        if not found:
            return _NOTHING
        spans = _longest(found)
        share = sum(end - start for start, end in spans) / len(folded)
        return Said(tuple(folded[start:end] for start, end in spans), share)


def _longest(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without those that lie in or across a longer one; in the order of the text."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if all(end <= other or start >= last for other, last in kept):
            kept.append((start, end))
    return sorted(kept)


def _compiled(phrase: str) -> _Phrase:
    tokens = [_token(each) for each in phrase.strip("~ ").split()]
    pattern = ""
    for _, expression in tokens:
        gap = expression if expression.startswith("(?: ") else f" {expression}"
        pattern += gap
    pattern = pattern.removeprefix(" ")
    if not _JOINED.search(phrase):
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return _Phrase(max((needle for needle, _ in tokens), key=len), re.compile(pattern))


def _token(written: str) -> tuple[str, str]:
    """What of a token every match holds, and the expression."""
    if written == "*":
        return "", r"\w+"
    if written == "~":
        return "", r"(?: \w+){0,3}"
    parts = re.split(r"([*?])", written)
    signs = {"*": r"\w*", "?": r"\w?"}
    folded = [signs.get(part) or re.escape(fold(part)) for part in parts if part]
    literals = [fold(part) for part in parts if part not in signs]
    return max(literals, key=len), "".join(folded)
