"""Queries that check whether an index still finds: words of its own documents."""

from __future__ import annotations

import re

_WORDS = re.compile(r"\w+")
_TITLE_WORDS = 8
_DISTINCTIVE = 3
_PASSAGE = 600  # characters
_LONGEST_WORD = 24  # characters; of an unspaced script this is a phrase


def sample_queries(title: str, text: str) -> tuple[str, ...]:
    """Queries that must find a document: its title, and long words from the middle of its text.

    Long words are rarer than short ones in every language. The same document always gives the
    same queries; one without a word gives none.
    """
    by_title = " ".join(_words(title)[:_TITLE_WORDS])
    middle = max(len(text) // 2 - _PASSAGE // 2, 0)
    words = _words(text[middle : middle + _PASSAGE])
    inner = words[1:-1] or words  # the passage may begin and end within a word
    longest = sorted(dict.fromkeys(inner), key=lambda word: (-len(word), word))[:_DISTINCTIVE]
    by_text = " ".join(longest)
    return tuple(dict.fromkeys(query for query in (by_title, by_text) if query))


def overlap_enough(found: int, lost: int, share: float) -> bool:
    """Whether enough of `found` results is left when `lost` of them are gone."""
    return found - lost >= share * found


def _words(text: str) -> list[str]:
    return [word[:_LONGEST_WORD] for word in _WORDS.findall(text)]
