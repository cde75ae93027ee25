"""What the choice of a page's title and date looks at: its headings, and every place where a date
may stand, found in one pass over the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml.html import HtmlElement

from atlas.domain.texts import fold_blank
from atlas.text.blocks.blocks import BLOCK_TAGS

_MOST = 40  # headings, dates of one kind that are looked at
_LONGEST = 160  # characters of a text that may be a byline
_MOST_PIECES = 200  # pieces of text of one element
_MOST_TEXT = 400  # characters of them
_PARAGRAPH = 120  # characters from which a paragraph is running text
_PARAGRAPHS = 20  # that are counted
_UNSEEN = frozenset(("script", "style", "svg", "template", "noscript", "option", "iframe", "time"))
_YEAR = re.compile(r"(?:19|20|25)\d\d")
_NOTED = frozenset(("h1", "h2", "p", "article", "time"))
_MARKED = ("datePublished", "dateCreated")


@dataclass(frozen=True, slots=True)
class DateSpot:
    """A text that may hold a date: `place` counts elements from the start of the page, `number`
    the spots of its kind before it."""

    element: HtmlElement
    text: str
    place: int
    number: int


@dataclass(slots=True)
class PageSigns:
    """What stands where on one page."""

    headings: list[tuple[HtmlElement, int]] = field(default_factory=list)
    """The first headings (h1), and their places."""
    second: list[HtmlElement] = field(default_factory=list)
    times: list[DateSpot] = field(default_factory=list)
    """Of time elements."""
    texts: list[DateSpot] = field(default_factory=list)
    """Of short texts with a year."""
    marked: list[HtmlElement] = field(default_factory=list)
    """Elements whose microdata says that they are the date."""
    paragraphs: int = 0
    """Of running text."""
    articles: int = 0


def signs_of(tree: HtmlElement) -> PageSigns:
    """Look at every element of the body once."""
    signs = PageSigns()
    body = tree.find("body")
    for place, element in enumerate((tree if body is None else body).iter()):
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if tag in _NOTED:
            _note(signs, element, tag, place)
        if element.get("itemprop") in _MARKED and len(signs.marked) < _MOST:
            signs.marked.append(element)
        # No call for each of these texts: nearly all are blank, or without a year.
        text, tail = element.text, element.tail
        if text and ("20" in text or "19" in text or "25" in text) and tag not in _UNSEEN:
            _look(signs, element, text, place)
        if tail and ("20" in tail or "19" in tail or "25" in tail):
            parent = element.getparent()
            if parent is not None and parent.tag not in _UNSEEN:
                _look(signs, parent, tail, place)
    return signs


def _note(signs: PageSigns, element: HtmlElement, tag: str, place: int) -> None:
    if tag == "h1":
        if len(signs.headings) < _MOST:
            signs.headings.append((element, place))
    elif tag == "h2":
        if len(signs.second) < _MOST:
            signs.second.append(element)
    elif tag == "article":
        signs.articles += 1
    elif tag == "time":
        if len(signs.times) < _MOST:
            text = element.get("datetime") or text_of(element)
            signs.times.append(DateSpot(element, text, place, len(signs.times)))
    elif signs.paragraphs < _PARAGRAPHS:
        signs.paragraphs += len(text_of(element)) >= _PARAGRAPH


def _look(signs: PageSigns, element: HtmlElement, text: str, place: int) -> None:
    said = text.strip()
    if len(signs.texts) < _MOST and 6 <= len(said) <= _LONGEST and _YEAR.search(said):
        signs.texts.append(DateSpot(element, said, place, len(signs.texts)))


def text_of(element: HtmlElement, without: re.Pattern[str] | None = None) -> str:
    """The first words of an element; where it breaks the line, there is a blank. `without`: names
    (classes, ids) of parts that are left out, and buttons with them."""
    return fold_blank("".join(islice(_pieces(element, without), _MOST_PIECES)))[:_MOST_TEXT]


def _pieces(element: HtmlElement, without: re.Pattern[str] | None) -> Iterator[str]:
    if not isinstance(element.tag, str) or element.tag in ("script", "style", "svg", "template"):
        return
    apart = element.tag in BLOCK_TAGS
    if apart:
        yield " "
    yield element.text or ""
    for child in element:
        if without is None or not _is_left_out(child, without):
            yield from _pieces(child, without)
        yield child.tail or ""
    if apart:
        yield " "


def _is_left_out(element: HtmlElement, without: re.Pattern[str]) -> bool:
    return element.tag == "button" or without.search(names_of(element)) is not None


def names_of(element: HtmlElement) -> str:
    """Its classes and its id."""
    return f"{element.get('class') or ''} {element.get('id') or ''}"
