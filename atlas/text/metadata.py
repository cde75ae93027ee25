"""What a page says about itself: title, publication date, canonical address, kind.

Witnesses in order: JSON-LD, Open Graph and its kin, microdata and `<time>`; htmldate last, and
only for pages that call themselves articles, because on manuals it dates the template.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import htmldate
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
_DATE_METAS = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.issued",
    "citation_publication_date",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
)
_MAX_LD = 1_000_000  # characters of one JSON-LD script
_MAX_LD_NODES = 2_000
_MAX_TITLE = 1_000  # characters
_OLDEST = 1990  # the web's first year; an older date is the subject's, not the page's


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
        return kind.endswith("article") or any(map(_is_article_node, self.nodes))


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


def title_of(tree: HtmlElement, head: Head) -> str:
    """og:title, the article's headline, the title element, the first heading, or ""."""
    headlines = (node.get("headline") for node in head.nodes if _is_article_node(node))
    elements = (_element_text(tree, tag) for tag in ("title", "h1", "h2"))
    candidates = (head.metas.get("og:title"), *headlines, *elements)
    found = (fold_blank(title) for title in candidates if isinstance(title, str))
    return next((title for title in found if title), "")[:_MAX_TITLE]


def published_of(tree: HtmlElement, head: Head) -> datetime | None:
    """The publication date in UTC, None if no witness names a plausible one."""
    nodes = sorted(head.nodes, key=lambda node: not _is_article_node(node))
    told = [node.get("datePublished") for node in nodes]
    told += [head.metas.get(name) for name in _DATE_METAS]
    told += tree.xpath("//*[@itemprop='datePublished']/@datetime | //time[@pubdate]/@datetime")
    told += tree.xpath("//article//time/@datetime")[:1]
    dates = (parse_date(value) for value in told if isinstance(value, str))
    return next((date for date in dates if date), None) or _guessed_date(tree, head)


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


def parse_date(value: str) -> datetime | None:
    """ISO 8601 or RFC 5322 to UTC; a time without zone counts as UTC, implausible years as none."""
    text = value.strip()[:64]
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            utc = aware.astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        return utc if _OLDEST <= utc.year < 2100 else None
    return None


def _guessed_date(tree: HtmlElement, head: Head) -> datetime | None:
    if not head.is_article:
        return None
    try:
        found = htmldate.find_date(tree, extensive_search=False, original_date=True)
    except Exception:  # a guess is never worth a page, whatever the library trips over
        return None
    return parse_date(found) if found else None


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


def _is_article_node(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return any(isinstance(kind, str) and _ARTICLE.search(kind) for kind in listed)


def title_element(tree: HtmlElement) -> str:
    """What the title element says, whatever the page says elsewhere."""
    return fold_blank(_element_text(tree, "title"))[:_MAX_TITLE]


def _element_text(tree: HtmlElement, tag: str) -> str:
    # By iteration, not by path: svg has a title element too, but never first in the head.
    element = next(tree.iter(tag), None)
    return "" if element is None else str(element.text_content())
