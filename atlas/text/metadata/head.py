"""What a page declares of itself: meta elements, JSON-LD, canonical address, language."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml.html import HtmlElement

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.politeness.robots_tags import (
    NOTHING_ASKED,
    RobotsTags,
    asked_by_meta,
    is_meta_name,
)
from atlas.domain.texts import fold_blank

_ARTICLE = re.compile(r"(?:Article|Posting|Report)$")
_MAX_LD = 1_000_000  # characters of one JSON-LD script
_MAX_LD_NODES = 2_000
MAX_TITLE = 1_000  # characters


@dataclass(slots=True)
class Head:
    """The declarations of one page. `metas`: names in lower case, with the first value of each."""

    metas: dict[str, str]
    nodes: list[dict[str, Any]] = field(default_factory=list)
    asked: RobotsTags = NOTHING_ASKED
    """What the page asks of crawlers, by all its meta elements for robots or for Atlas."""

    @property
    def is_article(self) -> bool:
        """Whether the page calls itself an article, by Open Graph, JSON-LD or microdata."""
        kind = self.metas.get("og:type", "").lower()
        return kind.endswith("article") or any(map(is_article_node, self.nodes))


def read_head(tree: HtmlElement) -> Head:
    """Collect meta elements and JSON-LD once; microdata kinds count as nodes."""
    metas: dict[str, str] = {}
    robots: list[str] = []
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        if (meta.get("http-equiv") or "").strip().lower() == "content-language":
            name = name or "content-language"
        content = meta.get("content")
        if name and content and content.strip():
            metas.setdefault(name.strip().lower(), content.strip())
            if is_meta_name(name):
                robots.append(content)
    nodes = [node for script in tree.iter("script") for node in _ld_nodes(script)]
    nodes += [{"@type": kind.rpartition("/")[2]} for kind in tree.xpath("//@itemtype")]
    return Head(metas, nodes, asked_by_meta(robots))


def canonical_of(tree: HtmlElement, base: str) -> str | None:
    """The address of `<link rel=canonical>` (RFC 6596), canonicalised; None if absent or bad."""
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split() and link.get("href"):
            try:
                return canonicalize(link.get("href").strip(), base)
            except InvalidUrl:
                return None
    return None


def declared_language(tree: HtmlElement, head: Head) -> str | None:
    """The BCP 47 tag of the html element or of the meta elements that name one."""
    named = ("og:locale", "language", "content-language", "dc.language")
    told = (tree.get("lang"), tree.get("xml:lang"), *map(head.metas.get, named))
    return next((tag for tag in told if tag and tag.strip()), None)


def _ld_nodes(script: HtmlElement) -> Iterator[dict[str, Any]]:
    """Every object of a JSON-LD script, however nested; a broken script yields nothing."""
    if "ld+json" not in (script.get("type") or ""):
        return
    try:
        pending = [json.loads((script.text or "")[:_MAX_LD].strip(), strict=False)]
    except (ValueError, RecursionError):
        return
    for _ in range(_MAX_LD_NODES):
        if not pending:
            return
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending += [child for child in value.values() if isinstance(child, (dict, list))]
        elif isinstance(value, list):
            pending += reversed(value)


def is_article_node(node: dict[str, Any]) -> bool:
    """Whether an object of JSON-LD is an article, a posting, a report."""
    return any(map(_ARTICLE.search, kinds_of(node)))


def kinds_of(node: dict[str, Any]) -> list[str]:
    """The types of an object of JSON-LD."""
    kinds = node.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return [kind for kind in listed if isinstance(kind, str)]


def title_element(tree: HtmlElement) -> str:
    """What the title element says, whatever the page says elsewhere."""
    return fold_blank(_element_text(tree, "title"))[:MAX_TITLE]


def _element_text(tree: HtmlElement, tag: str) -> str:
    # By iteration, not by path: svg has a title element too, but never first in the head.
    element = next(tree.iter(tag), None)
    return "" if element is None else str(element.text_content())
