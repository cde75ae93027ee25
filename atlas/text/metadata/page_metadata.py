"""Author, last change, description, image, licence and breadcrumbs of a page: of each what the
first tag states, with that tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from itertools import islice
from typing import Any, NamedTuple, cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.domain.extraction.stated_metadata import MAX_STATED_VALUE, StatedField, StatedMetadata
from atlas.domain.texts import fold_blank, strip_unstorable
from atlas.text.metadata.head import Head, is_article_node, kinds_of
from atlas.text.metadata.page_signs import text_of
from atlas.text.metadata.publication import modified_of

_MOST_AUTHORS = 10
_MOST_MARKED = 200
_MOST_CRUMBS = 20
_LONGEST_NAME = 120  # characters of an author; longer is a sentence
_AUTHOR_METAS = (
    "author", "article:author", "og:article:author", "parsely-author", "sailthru.author",
    "citation_author", "dc.creator", "dcterms.creator", "twitter:creator",
)  # fmt: skip
_MARKED = XPath(
    "//*[@itemprop='author' or contains(@rel, 'author') or contains(@rel, 'license')"
    " or contains(@class, 'p-author')]"
)
_BY = re.compile(
    r"^(?:(?:written |posted )?by|von|par|por|di|door|av|автор:?|作者[::]?)\s+", re.IGNORECASE
)
_NO_NAME = re.compile(
    r"^(?:https?:|//|@|www\.)|^(?:admin|administrator|user|unknown|none|null)$", re.IGNORECASE
)
_THINGS = frozenset(("Organization", "WebSite", "ImageObject", "VideoObject", "Review", "Comment"))

Resolve = Callable[[str], str | None]


class _Stated(NamedTuple):
    value: str
    tag: str


def stated_metadata(tree: HtmlElement, head: Head, resolve: Resolve) -> Iterator[StatedMetadata]:
    """What the page states; `resolve` makes its addresses absolute, and refuses those that are
    none."""
    marked = list(islice(cast("list[HtmlElement]", _MARKED(tree)), _MOST_MARKED))
    moment, tag = modified_of(head)
    if moment:
        yield StatedMetadata("modified", moment.isoformat(), tag)
    found: tuple[tuple[StatedField, Iterator[_Stated]], ...] = (
        ("author", _authors(marked, head)),
        ("description", _descriptions(head)),
        ("image", _resolved(_images(head), resolve)),
        ("licence", _licences(marked, head, resolve)),
        ("breadcrumbs", _breadcrumbs(tree, head)),
    )
    for field, candidates in found:
        for value, tag in candidates:
            if clean := _clean(value):
                yield StatedMetadata(field, clean, tag)
                break


def _clean(value: str) -> str:
    """As people read it: some write entities into JSON-LD, where they mean themselves."""
    return fold_blank(strip_unstorable(unescape(value[: 2 * MAX_STATED_VALUE])))[:MAX_STATED_VALUE]


def _own_nodes(head: Head) -> list[dict[str, Any]]:
    """The objects of JSON-LD that are the page or its subject, articles first."""
    own = [node for node in head.nodes if not _THINGS & set(kinds_of(node))]
    return sorted(own, key=lambda node: not is_article_node(node))


def _authors(marked: Sequence[HtmlElement], head: Head) -> Iterator[_Stated]:
    for node in _own_nodes(head):
        names = dict.fromkeys(filter(_is_name, _names(node.get("author"))))
        if names:
            yield _Stated(", ".join(names), "json-ld author")
    for name in _AUTHOR_METAS:
        value = _BY.sub("", _clean(head.metas.get(name, "")))
        if _is_name(value):
            yield _Stated(value, f"meta {name}")
    for tag in ("itemprop author", "rel author", "p-author"):
        for element in marked:
            if _marks(element, tag):
                name = next(iter(element.xpath(".//*[@itemprop='name']")), element)
                value = _BY.sub("", _clean(name.get("content") or text_of(name)))
                if _is_name(value):
                    yield _Stated(value, tag)


def _marks(element: HtmlElement, tag: str) -> bool:
    attribute, _, value = tag.rpartition(" ")
    return value in (element.get(attribute or "class") or "").lower().split()


def _names(author: Any) -> Iterator[str]:
    """The names of one author or several, however they are written."""
    for each in islice(author if isinstance(author, list) else [author], _MOST_AUTHORS):
        name = each.get("name") if isinstance(each, dict) else each
        for one in name if isinstance(name, list) else [name]:
            if isinstance(one, str):
                yield _BY.sub("", _clean(one))


def _is_name(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_NAME and _NO_NAME.search(value) is None


def _descriptions(head: Head) -> Iterator[_Stated]:
    for name in ("og:description", "description", "twitter:description", "dc.description"):
        if value := head.metas.get(name):
            yield _Stated(value, f"meta {name}")
    yield from _texts(head, "description")


def _images(head: Head) -> Iterator[_Stated]:
    for name in ("og:image:secure_url", "og:image", "og:image:url", "twitter:image"):
        if value := head.metas.get(name):
            yield _Stated(value, f"meta {name}")
    yield from _texts(head, "image")


def _licences(marked: Sequence[HtmlElement], head: Head, resolve: Resolve) -> Iterator[_Stated]:
    for element in marked:
        named = element.tag in ("link", "a") and _marks(element, "rel license")
        if named and (address := resolve((element.get("href") or "").strip())):
            yield _Stated(address, f"{element.tag} rel=license")
    yield from _texts(head, "license")
    for name in ("dcterms.license", "dc.rights", "dcterms.rights", "rights"):
        if value := head.metas.get(name):
            yield _Stated(value, f"meta {name}")


def _texts(head: Head, name: str) -> Iterator[_Stated]:
    """A property of JSON-LD: a text, an object with an address or name, or the first of a list."""
    for node in _own_nodes(head):
        value = node.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            first = first.get("url") or first.get("@id") or first.get("name")
        if isinstance(first, str):
            yield _Stated(first, f"json-ld {name}")


def _resolved(stated: Iterator[_Stated], resolve: Resolve) -> Iterator[_Stated]:
    for value, tag in stated:
        if address := resolve(value.strip()):
            yield _Stated(address, tag)


def _breadcrumbs(tree: HtmlElement, head: Head) -> Iterator[_Stated]:
    for node in head.nodes:
        if "BreadcrumbList" in kinds_of(node) and isinstance(node.get("itemListElement"), list):
            crumbs = (_crumb(each) for each in node["itemListElement"][:_MOST_CRUMBS])
            yield _Stated(" > ".join(filter(None, crumbs)), "json-ld BreadcrumbList")
    for trail in tree.iter("nav"):
        if "breadcrumb" not in (trail.get("aria-label") or "").lower():
            continue
        items = (text_of(each) for each in islice(trail.iter("li"), _MOST_CRUMBS))
        shown = (item.strip("/›»> ") for item in items)
        yield _Stated(" > ".join(filter(None, shown)), "nav breadcrumb")


def _crumb(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    inner = item.get("item")
    name = item.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return _clean(name) if isinstance(name, str) else ""
