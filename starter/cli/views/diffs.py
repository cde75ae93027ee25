"""A difference of two texts for people: in a terminal, as plain text, as one HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from starter.cli.framework.output import harmless, one_line, raw, say, styled, when

if TYPE_CHECKING:
    from atlas.domain.text_diff import DiffPart
    from starter.document_diff import ComparedVersion, DocumentDiff

_CONTEXT = 2
"""Lines shown before and after a change."""
_COLOURS = {"removed": "\033[31;9m", "added": "\033[32;1m"}
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}
_ELEMENTS = {"same": "span", "removed": "del", "added": "ins"}

_STYLE = """
:root { color-scheme: light dark; --removed: #fdd; --added: #dfd; --faint: #666; }
@media (prefers-color-scheme: dark) {
  :root { --removed: #5a1e1e; --added: #1d4a24; --faint: #aaa; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.2rem; overflow-wrap: anywhere; } p { color: var(--faint); }
main { white-space: pre-wrap; overflow-wrap: anywhere; }
del { background: var(--removed); } ins { background: var(--added); text-decoration: none; }
"""


def print_diff(diff: DocumentDiff) -> None:
    """On a terminal in colours, elsewhere with [-removed-] and {+added+}; long stretches without a
    change are left out."""
    say(diff.url)
    for line in _head(diff):
        say(one_line(line))
    say("")
    print_parts(diff.parts)


def print_parts(parts: Sequence[DiffPart]) -> None:
    """The pieces of a difference, as `print_diff` prints them."""
    colours = styled()
    text = "".join(
        _cut(part.text, first=number == 0, last=number == len(parts) - 1)
        if part.change == "same"
        else "".join(_marked(part, colours=colours))
        for number, part in enumerate(parts)
    )
    raw(text.removesuffix("\n"))


def _head(diff: DocumentDiff) -> list[str]:
    same = diff.added == diff.removed == 0
    words = "the same words" if same else f"{diff.removed} words removed, {diff.added} added"
    lines = [f"{_named(diff.old)} to {_named(diff.new)}: {words}"]
    if diff.old.title != diff.new.title:
        lines.append(f"title: {diff.old.title} → {diff.new.title}")
    return lines


def _named(version: ComparedVersion) -> str:
    return f"version {version.version} ({when(version.valid_from)})"


def _marked(part: DiffPart, *, colours: bool) -> Iterator[str]:
    """Each line on its own: a style must not run over the end of a line."""
    before, after = (_COLOURS[part.change], "\033[0m") if colours else _MARKS[part.change]
    for piece in re.findall(r"\n+|[^\n]+", harmless(part.text)):
        yield piece if piece.startswith("\n") else f"{before}{piece}{after}"


def _cut(text: str, *, first: bool, last: bool) -> str:
    """Without the lines that are far from a change."""
    lines = harmless(text).split("\n")
    head = 0 if first else _CONTEXT + 1
    tail = 0 if last else _CONTEXT + 1
    between = len(lines) - head - tail
    if between <= 1:
        return "\n".join(lines)
    left_out = f"… {between} lines without a change …"
    return "\n".join([*lines[:head], left_out, *(lines[-tail:] if tail else [])])


def diff_page(diff: DocumentDiff) -> str:
    """One HTML page that needs nothing else, and runs nothing."""
    title = escape(f"{diff.url}: {diff.old.version} to {diff.new.version}")
    head = "".join(f"<p>{escape(harmless(line))}</p>" for line in _head(diff))
    parts = "".join(
        f"<{_ELEMENTS[part.change]}>{escape(harmless(part.text))}</{_ELEMENTS[part.change]}>"
        for part in diff.parts
    )
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(diff.url)}</h1>{head}\n"
        f"<main>{parts}</main></body></html>\n"
    )
