"""Tables on narrow terminals: which columns shrink, and where cells wrap."""

from __future__ import annotations

import re
from collections.abc import Sequence

GAP = 2
"""Spaces between two columns, if there is room."""

_WORDS = re.compile(r"[\u2e80-\uffef]|[^\s_/\u2e80-\uffef]+[\s_/]*|[\s_/]+")
_PARTS = re.compile(r"[\u2e80-\uffef]|[^\s_/:.\-\u2e80-\uffef]+[\s_/:.-]*|[\s_/:.-]+")
_ANYWHERE = re.compile(r".", re.DOTALL)
_TRIES = ((_WORDS, GAP), (_PARTS, GAP), (_WORDS, 1), (_PARTS, 1), (_ANYWHERE, 1))
"""What is not broken, and the gap: words, then parts of ids, hosts and times, at last nothing."""


def widths(wanted: Sequence[int], least: Sequence[int], room: int, gap: int = GAP) -> list[int]:
    """Column widths that fit into `room`, gaps included, if possible: the widest column shrinks
    first, none below its minimum."""
    found = [max(low, min(width, room)) for width, low in zip(wanted, least, strict=True)]
    room -= gap * (len(found) - 1)
    while sum(found) > room:
        able = [index for index, width in enumerate(found) if width > least[index]]
        if not able:
            break
        found[max(able, key=lambda index: found[index])] -= 1
    return found


def laid_out(rows: Sequence[Sequence[str]], room: int) -> list[list[str]]:
    """The lines of each row. A word is broken only if nothing else makes the table fit."""
    from rich.cells import cell_len

    columns = list(zip(*rows, strict=True))
    wanted = [max(map(cell_len, column)) for column in columns]
    for breaks, gap in _TRIES:
        least = [max(_longest(cell, breaks) for cell in column) for column in columns]
        found = widths(wanted, least, room, gap)
        if sum(found) + gap * (len(found) - 1) <= room:
            break
    return [_lines(row, found, gap, breaks) for row in rows]


def _longest(cell: str, breaks: re.Pattern[str]) -> int:
    from rich.cells import cell_len

    return max((cell_len(piece.rstrip()) for piece in breaks.findall(cell)), default=0)


def _lines(
    row: Sequence[str], found: Sequence[int], gap: int, breaks: re.Pattern[str]
) -> list[str]:
    from rich.cells import set_cell_size

    cells = [_folded(cell, width, breaks) for cell, width in zip(row, found, strict=True)]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [
        (" " * gap).join(map(set_cell_size, line, found)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _folded(cell: str, width: int, breaks: re.Pattern[str]) -> list[str]:
    """The cell wrapped to that width."""
    from rich.cells import cell_len

    lines = [""]
    for piece in breaks.findall(cell):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece
    return lines
