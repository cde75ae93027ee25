"""A page as its visible blocks of text in reading order.

A block is a run of text between two boundaries of block elements. Blocks are what the choice of
main text (`main_blocks.py`) picks from, and what both plain text and Markdown are written from.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple, cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.domain.texts import without_soft_marks
from atlas.text.languages.scripts import letters_of

# fmt: off
# Elements that break the line (HTML, 15.3.3 "Flow content" and the table and list models).
BLOCK_TAGS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center",
    "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
    "legend", "li", "listing", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre",
    "section", "select", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead",
    "tr", "ul", "xmp",
))
_UNSEEN = frozenset((
    "script", "style", "template", "head", "svg", "iframe", "audio", "video",
    "canvas", "datalist", "rp", "rt", "rtc",  # how a word is said stands above it, not in it
))
_SIGNS = {
    "a": "[", "code": "`", "tt": "`", "kbd": "`", "samp": "`",
    "strong": "**", "b": "**", "em": "*", "i": "*",
}
# fmt: on
_ANCHOR_SIGNS = frozenset(("¶", "#", "§", "🔗", "\uf0c1"))
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAY_HIDE = XPath("descendant-or-self::*[@hidden or @aria-hidden or @style]")
_NON_WORD = re.compile(r"\W+")
PREFORMATTED = frozenset(("pre", "listing", "xmp", "textarea"))


class InlineMark(NamedTuple):
    """Where inline markup begins or ends: a Markdown sign, or a link with its address as found."""

    sign: str
    opens: bool
    href: str = ""


Piece = str | InlineMark


@dataclass(slots=True)
class Block:
    """One run of text: its block element, the text as in the source, Markdown pieces.

    `linked` counts the characters inside links; `key` is the text with nothing but word
    characters, by which blocks of two extractors are matched, and `letters` how long that is
    (`scripts.letters_of`); `joined` after a `<br>`; `hidden` if the page asks not to show it;
    `scriptless` if only a reader without scripts sees it.
    """

    element: HtmlElement
    text: str
    pieces: list[Piece]
    linked: int
    joined: bool
    hidden: bool = False
    scriptless: bool = False
    key: str = ""
    letters: int = 0

    @property
    def link_share(self) -> float:
        """The part of the characters that are link text, 0 to 1."""
        return self.linked / len(self.text)


def word_key(text: str) -> str:
    """Text without white space and punctuation, for matching across extractors."""
    return _NON_WORD.sub("", text)


def blocks_of(root: HtmlElement) -> list[Block]:
    """The blocks below `root` in document order; recursion is bounded by `dom.parse_html`."""
    walk = _Walk(root)
    walk.enter(root, root, in_link=False)
    walk.flush()
    return walk.blocks


class _Walk:
    def __init__(self, root: HtmlElement) -> None:
        self.blocks: list[Block] = []
        # Found at once: to ask each element costs more than all else about it.
        self._asking = set(filter(is_hidden, cast("list[HtmlElement]", _MAY_HIDE(root))))
        self._owner = root
        self._texts: list[str] = []
        self._pieces: list[Piece] = []
        self._linked = 0
        self._joined = False
        self._hidden = False
        self._scriptless = False

    def enter(self, element: HtmlElement, owner: HtmlElement, *, in_link: bool) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _UNSEEN or (tag == "a" and _is_anchor_sign(element)):
            return
        if tag == "noscript":
            self._enter_scriptless(element, owner, in_link)
        elif not self._hidden and element in self._asking:
            self._enter_hidden(element, owner, in_link)
        elif tag in BLOCK_TAGS:
            self.flush(joined=tag == "br")
            owner = owner if tag == "br" else element
            self._inside(element, owner, in_link)
            if tag != "br":
                self.flush()
        else:
            self._inline(element, owner, in_link or tag == "a")

    def _enter_hidden(self, element: HtmlElement, owner: HtmlElement, in_link: bool) -> None:
        self.flush()
        self._hidden = True
        self.enter(element, owner, in_link=in_link)
        self.flush()
        self._hidden = False

    def _enter_scriptless(self, element: HtmlElement, owner: HtmlElement, in_link: bool) -> None:
        self.flush()
        outer, self._scriptless = self._scriptless, True
        self._inside(element, owner, in_link)
        self.flush()
        self._scriptless = outer

    def _inside(self, element: HtmlElement, owner: HtmlElement, in_link: bool) -> None:
        self._owner = owner
        self._add(element.text, in_link)
        for child in element:
            self.enter(child, owner, in_link=in_link)
            self._owner = owner
            self._add(child.tail, in_link)

    def _inline(self, element: HtmlElement, owner: HtmlElement, in_link: bool) -> None:
        sign = "" if owner.tag in PREFORMATTED else _SIGNS.get(element.tag, "")
        href = (element.get("href") or "") if sign == "[" else ""
        if sign:
            self._pieces.append(InlineMark(sign, True))
        self._inside(element, owner, in_link)
        if sign:
            self._pieces.append(InlineMark(sign, False, href))

    def _add(self, text: str | None, in_link: bool) -> None:
        if text:
            if not text.isascii():
                text = without_soft_marks(text)
            self._texts.append(text)
            self._pieces.append(text)
            if in_link:
                self._linked += len(text)

    def flush(self, *, joined: bool = False) -> None:
        """Close the block under way, if it shows anything; `joined` marks the one that follows."""
        text = "".join(self._texts)
        if text.strip():
            block = Block(self._owner, text, self._pieces, self._linked, self._joined)
            block.hidden, block.scriptless = self._hidden, self._scriptless
            block.key = word_key(text)
            block.letters = letters_of(block.key)
            self.blocks.append(block)
            self._joined = joined
        else:
            self._joined = self._joined and joined
        self._texts, self._pieces, self._linked = [], [], 0


def is_hidden(element: HtmlElement) -> bool:
    """Whether the element itself asks not to be shown."""
    attributes = element.attrib
    style = attributes.get("style")
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or (style is not None and _HIDDEN_STYLE.search(style) is not None)
    )


def _is_anchor_sign(element: HtmlElement) -> bool:
    """The pilcrow that Sphinx, rustdoc and others put behind each heading is no text."""
    return (
        len(element) == 0
        and (element.text or "").strip() in _ANCHOR_SIGNS
        and (element.get("href") or "").startswith("#")
    )
