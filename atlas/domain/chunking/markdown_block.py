"""A block of a Markdown text: a paragraph, a heading, a list, a table, code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "text", "list", "table", "code"]


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """A run of lines that belong together; offsets are characters of the Markdown."""

    kind: BlockKind
    start: int
    end: int
    parts: tuple[int, ...] = ()
    """Where the items of a list, or the rows of a table after its head, begin."""
    level: int = 0
    """Of a heading, 1 to 6."""
    fence: str = ""
    """The line that opens code."""
