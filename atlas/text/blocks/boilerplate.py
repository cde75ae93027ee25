"""Which elements are chrome: navigation, banners, share buttons, everything around the text."""

import re
from collections.abc import Iterable, Sequence

from lxml.html import HtmlElement

from atlas.text.blocks.blocks import Block

_GOOD_LENGTH = 20  # word characters of a block that counts as good text
GOOD_LINKS = 0.3
"""Share of link text up to which a block counts as good text."""

# fmt: off
_TAGS = frozenset((
    "nav", "footer", "select", "button", "textarea", "dialog", "menu", "option", "optgroup",
))
_ROLES = frozenset((
    "navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog",
    "menu", "menubar",
))
# fmt: on
_NEVER = frozenset(("html", "body", "main", "article"))
# An aside of this kind belongs to the text: Docutils writes footnotes and topics so.
_NOTE = re.compile(r"footnote|topic|admonition|note|citation|warning|tip", re.IGNORECASE)
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navheader|navfooter|menu|sidebar|sphinxsidebar"
    r"|breadcrumbs?|footer|related|comments?|share|sharing|social|ads?|advert\w*|promo\w*"
    r"|newsletter|subscribe|subscription|cookies?|popup|modal|toolbar|widget|recommend\w*"
    r"|sponsor\w*|disqus|outbrain|taboola|signup|login|pagination|skip|trending)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CONTAINERS = frozenset(("div", "ul", "ol", "table", "td", "form", "aside"))
_WORDS = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"([a-z])([A-Z])")


class Chrome:
    """Says of an element whether it or an ancestor is chrome.

    `weights` gives the characters of good text below each element: what holds a tenth of the
    page's good text is no chrome, whatever its class says (`<body class="navigation-thin">`).
    """

    def __init__(self, root: HtmlElement, weights: dict[HtmlElement, int]) -> None:
        self._root = root
        self._weights = weights
        self._enough = weights.get(root, 0) / 10
        self._known: dict[HtmlElement, bool] = {root: False}

    def covers(self, element: HtmlElement) -> bool:
        """Whether `element` lies in chrome."""
        known = self._known.get(element)
        if known is None:
            parent = element.getparent()
            known = parent is not None and self.covers(parent)
            known = known or (self._light(element) and is_chrome(element))
            self._known[element] = known
        return known

    def _light(self, element: HtmlElement) -> bool:
        weight = self._weights.get(element, 0)
        return weight == 0 or weight < self._enough


def is_chrome(element: HtmlElement) -> bool:
    """Whether tag, role or names say so; ancestors are not considered."""
    tag = element.tag
    if tag in _NEVER:
        return False
    return (
        tag in _TAGS
        or (tag == "aside" and not _NOTE.search(_names(element) + element.get("role", "")))
        or (tag == "header" and _is_banner(element))
        or element.get("role") in _ROLES
        or _NAMES.search(_names(element)) is not None
    )


def _is_banner(header: HtmlElement) -> bool:
    """A header of the page, not of an article, and without the page's heading."""
    parent = header.getparent()
    return parent is not None and parent.tag == "body" and header.find(".//h1") is None


def _names(element: HtmlElement) -> str:
    """Class names, and the id of a container: elsewhere ids are slugs of headings or functions.

    (Python's manual has a section `coupling-widget-variables` and an item `Cookie.comment`.)
    """
    classes = element.get("class", "")
    name = element.get("id", "")
    if element.tag not in _CONTAINERS or "section" in classes or len(_WORDS.findall(name)) > 2:
        name = ""
    return _HUMP.sub(r"\1-\2", f"{classes} {name}")


def chrome_of(root: HtmlElement, blocks: Sequence[Block]) -> Chrome:
    """The chrome of a page, whose good text weighs all the same."""
    sized = ((block, block.letters) for block in blocks if is_good(block))
    return Chrome(root, weights_of(root, sized))


def is_good(block: Block) -> bool:
    """Whether it is long enough for text, and no list of links."""
    return block.letters >= _GOOD_LENGTH and block.link_share < GOOD_LINKS


def weights_of(root: HtmlElement, sized: Iterable[tuple[Block, int]]) -> dict[HtmlElement, int]:
    """Characters below each element, from the sizes of the given blocks."""
    weights: dict[HtmlElement, int] = {root: 0}
    for block, size in sized:
        weights[block.element] = weights.get(block.element, 0) + size
    for element in reversed(list(root.iter())):  # children first: each passes its sum on once
        parent = element.getparent()
        if parent is not None and element is not root and element in weights:
            weights[parent] = weights.get(parent, 0) + weights[element]
    return weights
