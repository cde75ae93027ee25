"""Bodies that end in the middle although their transfer was complete: pure rules, no numpy."""

from __future__ import annotations

import re

_TAIL = 16 * 1024  # bytes: what sites put behind their closing tag
_HTML_END = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)
_CONTAINED = 0.8
_RUN = 3  # words


def ends(body: bytes, media: str) -> bool | None:
    """Whether a body comes to its end; None for media that have none to see."""
    tail = body[-_TAIL:].replace(b"\0", b"")  # UTF-16 reads as ASCII so
    if media == "html":
        return _HTML_END.search(tail) is not None
    if media == "pdf":
        return b"%%EOF" in tail
    return None


def is_cut(text: str, before: str, *, ended: bool | None, before_ended: bool | None) -> bool:
    """Whether `text` is a part of `before` because its body ends early.

    A site that leaves the closing tag away always did (HTML lets it), or also keeps its texts; an
    edit that shortens a page keeps the tag. `before_ended` is None where it was never noted.
    """
    if ended or (ended is False and before_ended is False) or len(text) >= len(before):
        return False
    if ended is None:  # plain text: all there is to see is that it stops
        return before.startswith(text.rstrip())
    return _contained(text, before) >= _CONTAINED


def _contained(text: str, before: str) -> float:
    """Share of the text's runs of words that the other has, too; its last word may be cut."""
    whole = text.rpartition(" ")[0]
    mine = _runs(whole)
    return len(mine & _runs(before)) / len(mine) if mine else float(whole in before)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}
