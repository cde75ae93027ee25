"""Which parts of a page nothing reads, and the digest of all the rest.

A page that is asked for again often differs in an advertisement, a token or a build number alone.
Such parts are set aside before anything looks at the page, so what is extracted cannot depend on
them; and when the rest is what it was, so is the outcome, and nothing needs to be extracted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from lxml.etree import XPath, tostring
from lxml.html import HtmlElement

from atlas.domain.texts import EXTRACTOR_VERSION

_TOKENS = frozenset(
    "csrf-token csrf_token csrf-param _csrf _token csp-nonce request-id x-request-id".split()
)
"""Names of meta elements that say something to the page's own scripts."""
_LOADED = frozenset(
    "stylesheet preload prefetch modulepreload preconnect dns-prefetch icon apple-touch-icon "
    "mask-icon manifest".split()
)
"""What a link leads to that only a browser loads."""
_OF_BROWSERS = ("nonce", "integrity")
_HAVE_THEM = XPath(f"descendant-or-self::*[{' or '.join(f'@{name}' for name in _OF_BROWSERS)}]")


class ReadBefore(Exception):
    """The page says what it said when its digest was taken: there is nothing to extract."""


@dataclass(slots=True)
class SetAside:
    """The scripts and styles that were taken out of a page."""

    parts: list[tuple[HtmlElement, str | None, dict[str, str]]] = field(default_factory=list)

    def put_back(self) -> None:
        """Give them back to the page, whose text they may be."""
        for element, text, attributes in self.parts:
            element.text = text
            element.attrib.update(attributes)
        self.parts.clear()


def set_aside(tree: HtmlElement) -> SetAside:
    """Take out of the page what nothing reads: scripts but for JSON-LD, styles, and values that
    only browsers and the page's own scripts use."""
    aside = SetAside()
    for element in tree.iter("script", "style"):
        if "ld+json" in (element.get("type") or ""):
            continue
        aside.parts.append((element, element.text, {**element.attrib}))
        element.text = None
        element.attrib.clear()
    for element in tree.iter("input"):
        if (element.get("type") or "").strip().lower() == "hidden":
            element.attrib.pop("value", None)
    for element in tree.iter("meta"):
        if (element.get("name") or "").strip().lower() in _TOKENS:
            element.attrib.pop("content", None)
    for element in tree.iter("link"):
        rel = (element.get("rel") or "").lower().split()
        if rel and _LOADED.issuperset(rel):
            element.attrib.clear()
    for element in cast("list[HtmlElement]", _HAVE_THEM(tree)):
        for name in _OF_BROWSERS:
            element.attrib.pop(name, "")
    return aside


def read_digest(tree: HtmlElement, others: Iterable[object]) -> str:
    """Of the page as it is read now, and of whatever else its outcome depends on; in hex."""
    digest = hashlib.sha256()
    for each in (EXTRACTOR_VERSION, *others):
        digest.update(f"{each!r}\n".encode("utf-8", "backslashreplace"))
    digest.update(tostring(tree, encoding="utf-8", with_tail=False))
    return digest.hexdigest()
