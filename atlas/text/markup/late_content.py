"""Content that a page holds in one place and a browser shows in another: declarative shadow roots,
and the parts that React streams behind the page.

Both are put where a browser puts them before anything is read, so that headings, the rules of a
source and the choice of text see the page that its reader sees.
"""

from __future__ import annotations

import re
from itertools import islice

from lxml.html import HtmlElement

_MOST = 5_000  # shadow roots, and streamed parts, that are placed
_MODES = ("shadowrootmode", "shadowroot")  # the second is what Chrome took before the standard
_STREAMED = re.compile(r"S:([0-9a-z]+)")


def place_late_content(tree: HtmlElement) -> None:
    """Put shadow roots and streamed parts where they are shown."""
    roots = _shadow_roots(tree)
    for template in reversed(list(roots.values())):  # an inner root's slots are not the outer one's
        _open_root(template)
    parts = list(islice((each for each in tree.iter("div") if _number_of(each)), _MOST))
    if parts:
        _place_streamed(tree, parts)


def _shadow_roots(tree: HtmlElement) -> dict[HtmlElement, HtmlElement]:
    """The first shadow root of each element that has one."""
    roots: dict[HtmlElement, HtmlElement] = {}
    for template in tree.iter("template"):
        host = template.getparent()
        if host is not None and len(roots) < _MOST and any(map(template.get, _MODES)):
            roots.setdefault(host, template)
    return roots


def _open_root(template: HtmlElement) -> None:
    """Show the root as the text of its host, with the host's own children in its slots (HTML
    Standard, 4.13.1). A child that no slot takes is not shown, and is marked so."""
    slotted: dict[str, list[HtmlElement]] = {}
    for child in _own_children(template):
        slotted.setdefault(child.get("slot") or "", []).append(child)
    for slot in list(template.iter("slot")):
        given = slotted.pop(slot.get("name") or "", None)
        if given:
            _empty(slot)
            slot.extend(given)
        slot.tag = "span"
    for child in (each for rest in slotted.values() for each in rest):
        child.set("hidden", "")
    template.tag = "div"


def _own_children(template: HtmlElement) -> list[HtmlElement]:
    """What the host of a root holds beside it, each run of its text in an element of its own."""
    host = template.getparent()
    assert host is not None
    if host.text and host.text.strip():
        host.insert(0, _span(host, host.text))
    host.text = None
    for child in list(host):
        if child.tail and child.tail.strip():
            text, child.tail = child.tail, None
            child.addnext(_span(host, text))
    return [child for child in host if child is not template]


def _span(near: HtmlElement, text: str) -> HtmlElement:
    span = near.makeelement("span")
    span.text = text
    return span


def _empty(element: HtmlElement) -> None:
    element.text = None
    for child in list(element):
        element.remove(child)


def _number_of(element: HtmlElement) -> str | None:
    """The number of a streamed part: React sends `<div hidden id="S:0">`, and a script moves what
    it holds to where `<template id="B:0">` stands. Without that it stays hidden."""
    found = _STREAMED.fullmatch(element.get("id") or "") if "hidden" in element.attrib else None
    return found[1] if found else None


def _place_streamed(tree: HtmlElement, parts: list[HtmlElement]) -> None:
    places = {each.get("id"): each for each in tree.iter("template") if each.get("id")}
    for part in parts:
        number = _number_of(part)
        place = places.pop(f"B:{number}", None)
        place = places.pop(f"P:{number}", None) if place is None else place
        if place is not None and part not in place.iterancestors():
            _empty(place)
            place.tag, place.text, part.text = "div", part.text, None
            place.extend(list(part))
