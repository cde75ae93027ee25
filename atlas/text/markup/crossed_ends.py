"""Ends that cross: `<template><div></template>`, `<video><p></video>`.

Which elements such an end closes, if any, is decided by all that are open (HTML Standard,
13.2.6.4.7 "any other end tag", 13.2.6.4.4 for template). libxml2 decides otherwise, so these few
pages are parsed as the standard says, by lexbor, and written down again.
"""

from __future__ import annotations

import re

from resiliparse.parse.html import HTMLTree

_HERE = "\ue0d7atlas\ue0d7"
"""Stands at the end of a page: what is open there never ends."""
_LARGEST = 4 * 1024 * 1024  # characters
_DEEPEST = 500
"""Elements within each other. lexbor looks through all that are open at each end."""

_FOREIGN = frozenset(("svg", "math"))
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr basefont bgsound frame "
    "keygen".split()
)
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(script|style|title|textarea|xmp|iframe)(?=[\s/>])[^>]*+(?:>|\Z).*?(?:</\1(?=[\s/>])|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)[^>]*+(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
# May be left out before the end of a page, and closes nothing that is open.
_OUTERMOST = frozenset(("html", "body", "head"))


def crosses(html: str, start: int, end: int) -> bool:
    """Whether not every element in a part of a page is closed there, in order."""
    opened: list[str] = []
    for found in _TAG.finditer(html, start, end):
        name = (found["name"] or "").lower()
        if not name or name in _VOID or name in _OUTERMOST:
            continue
        if found["end"]:
            if not opened or opened.pop() != name:
                return True
        elif not found[0].endswith("/>"):
            opened.append(name)
        elif name not in _FOREIGN and not _FOREIGN & set(opened[-4:]):
            return True  # HTML has no empty elements but the void ones: it is open
    return bool(opened)


def as_the_standard_reads(html: str) -> str:
    """The page with every end in its place, up to its end: what is open there stays open. As it
    was, if it is too large or deep to find out, or ends in a tag or comment."""
    if len(html) > _LARGEST or _is_deep(html):
        return html
    written, here, _ = str(HTMLTree.parse(html + _HERE)).partition(_HERE)
    return written if here else html


def _is_deep(html: str) -> bool:
    depth = 0
    for found in _TAG.finditer(html):
        name = (found["name"] or "").lower()
        if name and name not in _VOID and not found[0].endswith("/>"):
            depth = max(0, depth - 1) if found["end"] else depth + 1
            if depth > _DEEPEST:
                return True
    return False
