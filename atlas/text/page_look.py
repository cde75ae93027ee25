"""A page as its visitor sees it, for the recogniser of bad bodies (`domain/removal/bad_bodies`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from atlas.domain.removal.bad_bodies.look import TOO_LONG, PageLook
from atlas.domain.removal.bad_bodies.markers import products_in, widgets_in
from atlas.domain.removal.bad_bodies.words import count_words
from atlas.text.blocks.blocks import Block, is_hidden
from atlas.text.metadata.head import Head, title_element

_LARGEST = 12_000
"""Characters shown: no page of its kind has more."""
_SOURCE = 32 * 1024
"""Characters of source that are searched for the marks of products."""
_FEW = 30
"""Words: a page that shows fewer is what it says to visitors without scripts, too."""
_TOKENS = 60
_ELEMENTS = 30
_LINKS = 0.6
"""Share of link text from which an item of a list is a link."""
_AROUND = frozenset(("nav", "footer", "aside", "menu"))
_ROLES = frozenset(("navigation", "banner", "contentinfo", "complementary", "search", "menubar"))
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|footer|topbar|masthead|"
    r"site-header|page-header|toolbar)(?:$|[\s_-])",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"cookie|consent|gdpr|cc-(?:window|banner)|onetrust|didomi|usercentrics|cmp(?:box|-)|banner|"
    r"popup|modal",
    re.IGNORECASE,
)
_A_PAGE = 8
"""Words below a banner from which there is a page."""
_CODE = ("pre", "code", "table", "dl")
_AUTH = re.compile(
    r"log-?[io]n|sign-?in|signon|auth|sso\b|saml|oauth|openid|session|account|idp|identif|member|"
    r"connexion|anmeld|acceso|accedi|entrar|zaloguj|vhod|giris|password|passwd",
    re.IGNORECASE,
)
_WHO = re.compile(r"user|log-?in|e?-?mail|ident|account|member|card|phone|uid|name", re.IGNORECASE)
_BUTTON = re.compile(r"(?:^|[\s_-])(?:btn|button|cta)", re.IGNORECASE)


class SourceMarks(NamedTuple):
    """What gives away the maker of a page, wherever in its source it stands."""

    products: tuple[str, ...]
    widgets: tuple[str, ...]


def marks_of(source: str) -> SourceMarks:
    """The marks that a page has near its beginning."""
    return SourceMarks(products_in(source[:_SOURCE]), widgets_in(source[:_SOURCE]))


def look_at(
    marks: SourceMarks, tree: HtmlElement, head: Head, found: Sequence[Block], url: str
) -> PageLook | None:
    """What a visitor sees of all blocks that were found; None if that is too much for a page that
    is not the one asked for."""
    root = tree.find("body")
    root = tree if root is None else root
    blocks = _shown(found)
    if sum(len(block.text) for block in blocks) > _LARGEST:
        return None
    places = _Inside(root, _is_around)
    inside = [block for block in blocks if not places.has(block.element)] or blocks
    inside = _without_overlays(root, inside)
    lines = [" ".join(block.text.split()) for block in inside]
    words = sum(map(count_words, lines))
    if words > TOO_LONG:
        return None
    around = sum(count_words(block.text) for block in blocks) - words
    own = _Own(root, places)
    forms = own.forms(inside)
    return PageLook(
        title=title_element(tree),
        headings=own.headings(lines),
        text="\n".join(lines),
        words=words,
        around=max(0, around),
        own=_tokens(tree, inside),
        markers=marks.products,
        widgets=marks.widgets,
        noindex=head.asked.noindex,
        refreshes=_refreshes(tree),
        paragraphs=sum(count_words(line) >= 20 for line in lines),
        article=_is_article(head) or own.has("time"),
        path=urlsplit(_plain(url)).path,
        fields=forms.words,
        passwords=forms.passwords,
        names=forms.names,
        doors=own.doors(),
        buttons=own.buttons(),
        sections=own.sections(),
        code=own.count(*_CODE),
        points=sum(map(_is_point, inside)),
        pictures=own.count("img", "figure", "video", "picture"),
    )


def _without_overlays(root: HtmlElement, blocks: list[Block]) -> list[Block]:
    """Without banners that lie over a page; all, if there is no page below them."""
    overlays = _Inside(root, _is_overlay)
    below = [block for block in blocks if not overlays.has(block.element)]
    return below if sum(count_words(block.text) for block in below) >= _A_PAGE else blocks


def _is_overlay(element: HtmlElement) -> bool:
    if element.tag in ("html", "body", "main", "form"):
        return False
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return (
        element.tag == "dialog"
        or element.get("role") in ("dialog", "alertdialog")
        or element.get("aria-modal") == "true"
        or _OVER.search(names) is not None
    )


def look_at_text(text: str, url: str) -> PageLook | None:
    """The same of a body without markup."""
    if len(text) > _LARGEST:
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return PageLook(
        title=lines[0][:300] if lines else "",
        headings=tuple(lines[:1]),
        text="\n".join(lines),
        words=count_words(text),
        markers=products_in(text),
        paragraphs=sum(count_words(line) >= 20 for line in lines),
        path=urlsplit(_plain(url)).path,
    )


def _shown(blocks: Sequence[Block]) -> list[Block]:
    shown = [block for block in blocks if not block.hidden and not block.scriptless]
    if sum(count_words(block.text) for block in shown) >= _FEW:
        return shown
    return [block for block in blocks if not block.hidden] or list(blocks)


class _Inside:
    """Which elements below a root are of a kind, or lie in one that is. Each is asked once: blocks
    have most of what is around them in common."""

    def __init__(self, root: HtmlElement, asked: Callable[[HtmlElement], bool]) -> None:
        self._asked = asked
        self._known: dict[HtmlElement, bool] = {root: False}

    def has(self, element: HtmlElement) -> bool:
        known = self._known.get(element)
        if known is None:
            parent = element.getparent()
            known = (parent is not None and self.has(parent)) or self._asked(element)
            self._known[element] = known
        return known


def _is_around(element: HtmlElement) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in ("main", "article", "form", "h1"):
        return False
    if tag == "header":
        parent = element.getparent()
        return parent is not None and parent.tag == "body" and element.find(".//h1") is None
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return (
        tag in _AROUND
        or element.get("role") in _ROLES
        or (_NAMES.search(names) is not None and element.find(".//h1") is None)
    )


class _Forms(NamedTuple):
    words: int
    passwords: int
    names: int


class _Own:
    """The elements of the page outside of what is around its text."""

    def __init__(self, root: HtmlElement, places: _Inside) -> None:
        self._elements: dict[str, list[HtmlElement]] = {}
        for element in root.iter():
            tag = element.tag
            if isinstance(tag, str) and not places.has(element):
                self._elements.setdefault(tag, []).append(element)

    def has(self, tag: str) -> bool:
        return tag in self._elements

    def _all(self, *tags: str) -> Iterator[HtmlElement]:
        for tag in tags:
            yield from self._elements.get(tag, ())

    def _some(self, *tags: str) -> list[HtmlElement]:
        """The first of them: what they hold is read whole, and they may hold each other."""
        return list(islice(self._all(*tags), _ELEMENTS))

    def headings(self, lines: Sequence[str]) -> tuple[str, ...]:
        first = _texts(self._some("h1"))
        below = _texts(self._some("h2", "h3"))
        if not first:
            found = below[:2] or [line for line in lines[:2] if count_words(line) <= 14]
        elif min(count_words(each) for each in first) <= 3:
            found = first[:3] + below[:1]  # a first heading may be the name of the site
        else:
            found = first[:3]
        return tuple(each[:300] for each in found)

    def forms(self, blocks: Sequence[Block]) -> _Forms:
        forms = [form for form in self._some("form") if not _searches(form)]
        locked = [form for form in forms if _passwords(form)]
        asking = [form for form in forms if form not in locked and _asks_who(form)]
        theirs = {*locked, *asking}
        return _Forms(
            words=sum(count_words(each.text) for each in blocks if _lies_in(each.element, theirs)),
            passwords=sum(map(_is_password, self._all("input"))),
            names=len(asking),
        )

    def doors(self) -> int:
        return sum(map(_is_door, self._all("a", "button", "form")))

    def sections(self) -> int:
        return max(0, self.count("h2", "h3", "h4") - (not self.has("h1")))

    def count(self, *tags: str) -> int:
        return sum(len(self._elements.get(tag, ())) for tag in tags)

    def buttons(self) -> tuple[str, ...]:
        return tuple(islice(self._buttons(), _ELEMENTS))

    def _buttons(self) -> Iterator[str]:
        for element in islice(self._all("button", "input", "a", "div", "span"), 2_000):
            text = _button_text(element)
            if text:
                yield text[:80]


def _texts(elements: Iterable[HtmlElement]) -> list[str]:
    return [text for element in elements if not is_hidden(element) and (text := _text(element))]


def _text(element: HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def _is_password(element: HtmlElement) -> bool:
    return (element.get("type") or "").lower() == "password" and not is_hidden(element)


def _passwords(form: HtmlElement) -> bool:
    return any(map(_is_password, form.iter("input")))


def _searches(form: HtmlElement) -> bool:
    names = " ".join((form.get("role") or "", form.get("class") or "", form.get("action") or ""))
    return "search" in names.lower() and not _passwords(form)


def _asks_who(form: HtmlElement) -> bool:
    """Whether a form without a password is the first step of a sign-in."""
    names = " ".join(form.get(name) or "" for name in ("action", "id", "class", "name"))
    if not _AUTH.search(names):
        return False
    fields = [
        each
        for each in form.iter("input")
        if (each.get("type") or "text").lower() in ("text", "email", "tel", "number")
    ]
    return 0 < len(fields) <= 3 and any(
        _WHO.search(" ".join(each.get(name) or "" for name in ("name", "id", "autocomplete")))
        for each in fields
    )


def _is_door(element: HtmlElement) -> bool:
    where = element.get("href") or element.get("formaction") or element.get("action") or ""
    return _AUTH.search(urlsplit(_plain(where)).path) is not None if where else False


def _plain(address: str) -> str:
    """An address that `urlsplit` can read."""
    return address.replace("[", "").replace("]", "")


def _button_text(element: HtmlElement) -> str:
    tag = element.tag
    if tag == "input":
        kind = (element.get("type") or "").lower()
        return (element.get("value") or "") if kind in ("submit", "button") else ""
    pressed = tag == "button" or element.get("role") == "button"
    if pressed or (tag == "a" and _BUTTON.search(element.get("class") or "")):
        return _text(element)
    return ""


def _is_point(block: Block) -> bool:
    """Whether it is an item of a list that holds more than links."""
    listed = block.element.tag == "li"
    return listed and block.link_share < _LINKS and count_words(block.text) >= 4


def _lies_in(element: HtmlElement, forms: Collection[HtmlElement]) -> bool:
    return bool(forms) and any(each in forms for each in (element, *element.iterancestors()))


def _tokens(tree: HtmlElement, blocks: Sequence[Block]) -> tuple[str, ...]:
    """Classes and ids of the page, and of what its first texts lie in."""
    elements = [tree, *tree.iter("body", "main")]
    for block in blocks[:4]:
        elements += [block.element, *block.element.iterancestors()]
    found = dict.fromkeys(
        token.lower()
        for element in elements
        for token in f"{element.get('class', '')} {element.get('id', '')}".split()
    )
    return tuple(islice(found, _TOKENS))


def _refreshes(tree: HtmlElement) -> bool:
    return any((meta.get("http-equiv") or "").lower() == "refresh" for meta in tree.iter("meta"))


_DATED = ("author", "article:published_time", "article:author", "datepublished", "dc.date")


def _is_article(head: Head) -> bool:
    return head.is_article or any(name in head.metas for name in _DATED)
