"""The anchors of headings and of defined terms: the fragments by which a page names its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lxml.html import HtmlElement

from atlas.domain.extraction.outline import (
    MAX_ANCHOR,
    MAX_SECTION_TITLE,
    MAX_SECTIONS,
    TERM,
    OutlineSection,
)
from atlas.domain.texts import fold_blank, strip_unstorable
from atlas.text.blocks.blocks import Block

Anchors = Mapping[HtmlElement, str]

_LEVELS = {f"h{level}": level for level in range(1, 7)} | {"dt": TERM}
_CONTAINERS = frozenset(("section", "div", "article", "header", "hgroup", "main", "dl"))
_TARGETS = frozenset(("a", "span"))
_MAX_CONTAINERS = 4  # elements around a heading whose id may be meant for it
_MAX_INSIDE = 20  # elements in a heading that are looked at
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f]")


def anchors_in(blocks: Iterable[Block]) -> Anchors:
    """The anchor of each heading and term that has one. The page's tree is read as it was sent:
    before an extractor changes it."""
    found: dict[HtmlElement, str] = {}
    used: set[str] = set()
    for block in blocks:
        element = block.element
        if element.tag not in _LEVELS or element in found:
            continue
        # Of two elements with one id, a browser goes to the first.
        anchor = next((each for each in _candidates(element) if each not in used), None)
        if anchor is not None:
            used.add(anchor)
            found[element] = anchor
    return found


def outline_of(
    blocks: Sequence[Block], starts: Sequence[int], anchors: Anchors
) -> tuple[OutlineSection, ...]:
    """The headings among the blocks of a text, and the terms that have an anchor; `starts` says
    where each block begins in it."""
    found: list[OutlineSection] = []
    heading: HtmlElement | None = None
    for block, start in zip(blocks, starts, strict=True):
        element, title = block.element, strip_unstorable(fold_blank(block.text))
        level = _LEVELS.get(element.tag)
        if block.joined and element is heading:  # a line break inside a heading
            found[-1] = replace(found[-1], title=_cut(f"{found[-1].title} {title}"))
            continue
        heading = None
        if level is None or (level == TERM and element not in anchors):
            continue
        if len(found) >= MAX_SECTIONS:
            break
        heading = element
        found.append(OutlineSection(start, level, _cut(title), anchors.get(element)))
    return tuple(found)


def _cut(title: str) -> str:
    return title if len(title) <= MAX_SECTION_TITLE else f"{title[: MAX_SECTION_TITLE - 1]}…"


def _candidates(element: HtmlElement) -> Iterator[str]:
    """The anchors that may be meant for a heading, the surest first."""
    yield from _named(element)
    for at, inner in enumerate(element.iterdescendants(*_TARGETS)):
        if at >= _MAX_INSIDE:
            break
        yield from _named(inner)
        yield from _permalink(inner)
    yield from _target(element.getprevious())
    after = element.getnext()
    if after is not None and after.tag == "a" and not _says_anything(after):
        yield from _permalink(after)
    yield from _around(element)


def _around(element: HtmlElement) -> Iterator[str]:
    """The ids of the elements that begin with this heading."""
    for _ in range(_MAX_CONTAINERS):
        parent = element.getparent()
        if parent is None or parent.tag not in _CONTAINERS or not _is_first(element, parent):
            return
        yield from _named(parent)
        element = parent


def _is_first(element: HtmlElement, parent: HtmlElement) -> bool:
    """Whether nothing visible stands before it in its parent."""
    if (parent.text or "").strip():
        return False
    before = element.getprevious()
    while before is not None:
        if _says_anything(before) or (before.tail or "").strip():
            return False
        before = before.getprevious()
    return True


def _target(before: HtmlElement | None) -> Iterator[str]:
    """The empty element right before a heading, as docutils writes them."""
    while before is not None and before.tag in _TARGETS and not (before.tail or "").strip():
        if _says_anything(before):
            return
        yield from _named(before)
        before = before.getprevious()


def _named(element: HtmlElement) -> Iterator[str]:
    names = (element.get("id"), element.get("name") if element.tag == "a" else None)
    return (name for name in map(_fit, names) if name)


def _permalink(element: HtmlElement) -> Iterator[str]:
    href = (element.get("href") or "").strip()
    if element.tag == "a" and href.startswith("#") and (name := _fit(href[1:])):
        yield name


def _fit(name: str | None) -> str | None:
    name = (name or "").strip()
    return name if 0 < len(name) <= MAX_ANCHOR and not _UNFIT.search(name) else None


def _says_anything(element: HtmlElement) -> bool:
    return any(text.strip() for text in element.itertext())
