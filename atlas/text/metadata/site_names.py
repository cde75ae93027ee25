"""The names of the site that a page belongs to, which are no part of the page's title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from atlas.text.metadata.head import Head, kinds_of

_WORDS = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ")
_METAS = ("og:site_name", "application-name", "apple-mobile-web-app-title", "al:ios:app_name",
          "twitter:app:name:iphone", "dc.publisher", "citation_journal_title")  # fmt: skip
_KINDS = frozenset((
    "website", "organization", "newsmediaorganization", "localbusiness", "corporation",
    "onlinestore", "brand", "educationalorganization", "collegeoruniversity",
    "governmentorganization",
))  # fmt: skip
_SHORT = 3  # characters up to which a part of a host's name is not a name: www, en, co


@lru_cache(maxsize=256)  # the tags of one page say the same again and again
def key_of(text: str) -> str:
    """The words of a text alone, by which two spellings of one name are the same."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    return " ".join(_WORDS.findall(folded))


class SiteNames:
    """What a site calls itself: by its meta elements, its JSON-LD, its address."""

    def __init__(self, head: Head, url: str) -> None:
        names = [head.metas.get(name) for name in _METAS]
        names += [name for node in head.nodes for name in _named(node)]
        self._keys = {key for name in names if isinstance(name, str) and (key := key_of(name))}
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        labels = [key_of(label).replace(" ", "") for label in host.split(".")]
        self._hosts = {"".join(labels[at:]) for at in range(len(labels) - 1)}
        self._labels = [label for label in labels[:-1] if len(label) >= _SHORT]

    def likeness(self, key: str) -> float:
        """From 0 to 1: how much a text, by its key, is the site's name."""
        joined = key.replace(" ", "")
        if not joined:
            return 0.0
        if key in self._keys or joined in self._labels or joined in self._hosts:
            return 1.0
        return max(self._by_address(joined), self._by_name(key))

    def _by_address(self, joined: str) -> float:
        for label in self._labels:
            if min(len(joined), len(label)) > _SHORT and (joined in label or label in joined):
                return 0.7 if len(joined) <= 2 * len(label) + 6 else 0.3
        return 0.0

    def _by_name(self, key: str) -> float:
        words = set(key.split())
        for name in self._keys:
            within = f" {key} " in f" {name} " or f" {name} " in f" {key} "
            if within and len(key) < 2 * len(name) + 10:
                return 0.6
            both = len(words.intersection(name.split()))
            if both >= 2 and both >= 0.6 * len(words):
                return 0.5
        return 0.0


def _named(node: dict[str, Any]) -> Iterator[Any]:
    if any(kind.lower() in _KINDS for kind in kinds_of(node)):
        yield from (node.get(name) for name in ("name", "alternateName", "legalName"))
    publisher = node.get("publisher")
    if isinstance(publisher, dict):
        yield publisher.get("name")
    if "BreadcrumbList" in kinds_of(node):
        yield _home_of(node)


def _home_of(crumbs: dict[str, Any]) -> Any:
    """The first of several breadcrumbs."""
    items = crumbs.get("itemListElement")
    if isinstance(items, list) and len(items) > 1 and isinstance(items[0], dict):
        return items[0].get("name")
    return None
