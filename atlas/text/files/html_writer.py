"""HTML as converters write it: blocks in order, lists by their levels, tables by rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

MAX_LEVEL = 8
"""Levels of lists; deeper nesting says nothing to a reader."""

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


class HtmlWriter:
    """The body of a page, block by block, each with its content as HTML (`inline` makes it of
    text). Empty blocks are left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lists = 0

    def block(self, tag: str, html: str) -> None:
        """An element outside of any list."""
        if html.strip():
            self._list_to(0)
            self._parts.append(f"<{tag}>{html}</{tag}>")

    def item(self, level: int, html: str) -> None:
        """An item of a list, `level` 0 at the outermost."""
        if html.strip():
            self._list_to(min(level, MAX_LEVEL - 1) + 1)
            self._parts.append(f"<li>{html}</li>")

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """A table; the first of its rows names the columns, and is as long as the longest: Markdown
        shows no more of the others."""
        filled = [row for row in rows if any(cell.strip() for cell in row)]
        if not filled:
            return
        self._list_to(0)
        width = max(map(len, filled))
        self._parts.append("<table>")
        for at, row in enumerate(filled):
            tag = "th" if at == 0 else "td"
            cells = (*row, *[""] * (width - len(row))) if at == 0 else row
            written = "".join(f"<{tag}>{each}</{tag}>" for each in cells)
            self._parts.append(f"<tr>{written}</tr>")
        self._parts.append("</table>")

    def html(self) -> str:
        """The page."""
        self._list_to(0)
        return f"<html><body>{''.join(self._parts)}</body></html>"

    def _list_to(self, wanted: int) -> None:
        while self._lists != wanted:
            opens = self._lists < wanted
            self._parts.append("<ul>" if opens else "</ul>")
            self._lists += 1 if opens else -1


def inline(text: str) -> str:
    """Plain text as the content of an element; its lines stay lines."""
    return escape(text.strip(), quote=False).replace("\n", "<br>")


def leads_out(href: str) -> bool:
    """Whether an address leads to the web: what a file names within itself is nowhere there."""
    return _ADDRESS.match(href.strip()) is not None


def link(href: str, html: str) -> str:
    """A link, if it leads to the web."""
    return f'<a href="{escape(href.strip())}">{html}</a>' if leads_out(href) else html
