"""What changed between two texts, in words: pure, and bounded in time for any two texts.

Lines that occur once in both are fixed points (a "patience" diff), words likewise within what lies
between; what is left is small and goes to difflib. Its time can grow with the cube of its input, so
all of it together has a budget of steps; past that, a block is shown as replaced as a whole, which
is coarse and still true.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Change = Literal["same", "removed", "added"]

STEPS = 20_000_000
"""What all comparisons of a diff may take: a few seconds."""

# A word, a space, a sign. Scripts without spaces between words are compared by character.
_WORD = re.compile(
    r"\s+|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A piece of text that both have, or that one of them has."""

    change: Change
    """`same`; `removed`: only the older has it; `added`: only the newer has it."""
    text: str
    """The piece, with its spaces and line ends."""


def words_in(parts: Iterable[DiffPart], change: Change) -> int:
    """How many words the parts of one kind have."""
    return sum(len(part.text.split()) for part in parts if part.change == change)


@dataclass(slots=True)
class Budget:
    """Steps that comparisons may still take."""

    steps: int = STEPS

    def allows(self, steps: int) -> bool:
        """Take so many, if there are."""
        if steps > self.steps:
            return False
        self.steps -= steps
        return True


def word_diff(old: str, new: str, budget: Budget | None = None) -> list[DiffPart]:
    """The parts in order: `same` and `removed` together make the old text, `same` and `added` the
    new one."""
    budget = budget or Budget()
    found: list[tuple[Change, str]] = []
    for same, before, after in _compared(_lines(old), _lines(new), budget):
        if same:
            found.append(("same", "".join(before)))
        else:
            found += _words(_WORD.findall("".join(before)), _WORD.findall("".join(after)), budget)
    return _joined(found)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _words(old: list[str], new: list[str], budget: Budget) -> Iterator[tuple[Change, str]]:
    for same, before, after in _compared(old, new, budget):
        if same:
            yield "same", "".join(before)
        else:
            yield "removed", "".join(before)
            yield "added", "".join(after)


_Block = tuple[bool, Sequence[str], Sequence[str]]
"""Whether the two are the same; what the old has; what the new has."""


def _compared(old: Sequence[str], new: Sequence[str], budget: Budget) -> Iterator[_Block]:
    """Blocks that are the same, and blocks that differ, in order."""
    todo: list[tuple[bool, Sequence[str], Sequence[str]]] = [(False, old, new)]
    while todo:
        same, before, after = todo.pop()
        if same or not before or not after:
            if before or after:
                yield same, before, after
            continue
        parts = _split(before, after, budget)
        if len(parts) == 1:
            yield from parts
        else:
            todo += reversed(parts)


def _split(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[_Block]:
    """Into blocks to be looked at again; one block: it is as it is."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if head or tail:
        ends = len(old) - tail, len(new) - tail
        return _several(
            [
                (True, old[:head], new[:head]),
                (False, old[head : ends[0]], new[head : ends[1]]),
                (True, old[ends[0] :], new[ends[1] :]),
            ]
        )
    if not budget.allows(len(old) + len(new)):
        return [(False, old, new)]
    fixed = _fixed_points(old, new)
    return _around(old, new, fixed) if fixed else _matched(old, new, budget)


def _several(blocks: list[_Block]) -> list[_Block]:
    return [block for block in blocks if block[1] or block[2]]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    for at, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return at
    return min(len(old), len(new))


def _fixed_points(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Where tokens stand that occur once in each: as many as stand in one order in both."""
    once_old, once_new = _once(old), _once(new)
    pairs = sorted((once_old[token], once_new[token]) for token in once_old.keys() & once_new)
    return _longest_rising(pairs)


def _once(tokens: Sequence[str]) -> dict[str, int]:
    counts = Counter(tokens)
    return {token: at for at, token in enumerate(tokens) if counts[token] == 1}


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, at) in enumerate(pairs):
        place = bisect_left(tails, at)
        tails[place : place + 1] = [at]
        last[place : place + 1] = [number]
        before.append(last[place - 1] if place else -1)
    chain: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _around(old: Sequence[str], new: Sequence[str], fixed: list[tuple[int, int]]) -> list[_Block]:
    blocks: list[_Block] = []
    here = there = 0
    for at, to in fixed:
        blocks += [
            (False, old[here:at], new[there:to]),
            (True, old[at : at + 1], new[to : to + 1]),
        ]
        here, there = at + 1, to + 1
    return _several([*blocks, (False, old[here:], new[there:])])


def _matched(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[_Block]:
    """By difflib, if it cannot take longer than the budget: it looks for the longest match at most
    once for each token and gap, through every pair of equal tokens."""
    counts = Counter(new)
    pairs = sum(counts[token] for token in old)
    if not pairs or not budget.allows(min(len(old), len(new)) * (len(old) + pairs)):
        return [(False, old, new)]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    blocks: list[_Block] = []
    here = there = 0
    for at, to, size in matcher.get_matching_blocks():
        blocks += [
            (False, old[here:at], new[there:to]),
            (True, old[at : at + size], new[to : to + size]),
        ]
        here, there = at + size, to + size
    # What difflib left is final: as blocks that lack one side, it is not looked at again.
    return _several(
        [
            part
            for same, before, after in blocks
            for part in (
                [(True, before, after)] if same else [(False, before, ()), (False, (), after)]
            )
        ]
    )


def _joined(found: list[tuple[Change, str]]) -> list[DiffPart]:
    """Neighbours of one kind as one part, what was removed before what was added; a space between
    two changes belongs to both, so that whole phrases are shown as replaced."""
    found = [(change, text) for change, text in found if text]
    parts: list[DiffPart] = []
    removed: list[str] = []
    added: list[str] = []

    changes: tuple[tuple[Change, list[str]], ...] = (("removed", removed), ("added", added))

    def flush() -> None:
        for change, texts in changes:
            if text := "".join(texts):
                parts.append(DiffPart(change, text))
            texts.clear()

    for number, (change, text) in enumerate(found):
        if change != "same":
            (removed if change == "removed" else added).append(text)
        elif _between(found, number) and removed and added:
            removed.append(text)
            added.append(text)
        else:
            flush()
            if parts and parts[-1].change == "same":
                parts[-1] = DiffPart("same", parts[-1].text + text)
            else:
                parts.append(DiffPart("same", text))
    flush()
    return parts


def _between(found: list[tuple[Change, str]], number: int) -> bool:
    """Whether it is a mere space with changes of both kinds after it."""
    text = found[number][1]
    if not text.isspace() or "\n" in text:
        return False
    return {change for change, _ in found[number + 1 : number + 3]} == {"removed", "added"}
