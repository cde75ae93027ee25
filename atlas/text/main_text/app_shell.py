"""Pages that are empty until scripts fill them: the shell of an application, and nothing to read.

Two things must come together: next to no text of the page's own, and what only such a page has: the
empty element that an application is put into, a notice that asks for JavaScript, a word of waiting;
with scripts that could fill it. A short page that merely has scripts is a short page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.removal.bad_bodies.words import count_words
from atlas.text.blocks.blocks import Block
from atlas.text.blocks.boilerplate import GOOD_LINKS, chrome_of

_MUCH = 1_000  # word characters from which a page is looked at no further
_FEW = 12  # words of its own that a shell may show: a title, a slogan
_FEW_OF_A_SHELL = 25  # the same where two things show that it is one
_NAMED = 5  # the same where nothing but a notice does
_LINKS = 40  # words of links outside navigation from which a page is one of links
_WAITING = 12  # words that a shell may show in place of the application
_NOTICE = 400  # words that a notice may have
_EVERY = 60  # words of a notice to each mention of JavaScript, at most
_INLINE = 500  # characters of inline script that may fill a page

_IDS = (
    "root app __next __nuxt ___gatsby app-root react-root reactroot react-app vue-app root-app "
    "app-container app-mount application main-app mainapp q-app svelte ember-app wrapper-app "
    "elm-app spa-root single-spa-application"
)
_TAGS = "app-root my-app ng-app discourse-assets app-shell shreddit-app"
_ROOTS = XPath(
    "descendant::*[{} or @ng-app or @data-reactroot or @data-server-rendered or {}]".format(
        " or ".join(f"@id='{name}'" for name in _IDS.split()),
        " or ".join(f"self::{tag}" for tag in _TAGS.split()),
    )
)
_SHOWN = "img video audio iframe frame object embed svg canvas".split()
_SHOWS_MORE = XPath(f"boolean(descendant::*[{' or '.join(f'self::{tag}' for tag in _SHOWN)}])")
# However it is written in the languages that have a word of their own for it.
_JAVASCRIPT = re.compile(
    r"java[\s-]?script|джава[\s-]?скрипт|яваскрипт|자바\s?스크립트|جافا\s?سكري[بﭘپ]ت|جاوا\s?اسکریپت"
    r"|จาวาสคริปต์|ジャバスクリプト|ג'?אווה\s?סקריפט|जावा\s?स्क्रिप्ट|脚本|腳本|スクリプト|\bscripts?\b"
    r"|\bscripting\b",
    re.IGNORECASE,
)
_ENABLE = re.compile(
    r"enabl|disabl|requir|need|turn(?:ed)? o|allow|support|without|aktiv|activ|habilit|abilit"
    r"|schakel|włącz|wlacz|включ|отключ|увімк|etkin|启用|啟用|开启|開啟|有効|활성|사용"
    r"|تفعيل|تمكين|فعال"
    r"|הפעל|เปิด|bật|ota käyttöön|zapn|engedély|ενεργοπ|बंद|चालू|slå på|slå til",
    re.IGNORECASE,
)
_WAITS = re.compile(
    r"\bloading\b|please wait|\bwird geladen|\blädt\b|\bladen\b|bitte warten|\bchargement\b"
    r"|patiente[rz]"
    r"|\bcargando\b|\bespere\b|\bcarica(?:mento|ndo)\b|\bcarrega(?:ndo|mento)\b|\baguarde\b"
    r"|\bwachten\b|\bładowanie\b|\bwczytywanie\b|загру[зж]|подождите|завантаж|\byükleniyor\b"
    r"|读取中|加载|載入|加載|请稍候|読み込み|ロード中|お待ち|로딩|불러오는|기다려"
    r"|جار[يٍ]? ?ال?تحميل|در حال بارگ"
    r"|טוען|กำลังโหลด|đang tải|memuat|\bladdar\b|\blaster\b|\bindlæser\b|\bladataan\b|načítá|betölt"
    r"|φόρτωση|se încarcă|लोड हो",
    re.IGNORECASE,
)
_OF_A_PAGE = XPath(
    "boolean(ancestor::noscript/descendant::*[self::time or self::article or @itemprop])"
)


class AppShell:
    """What shows that scripts would have to fill the page, in words."""

    def __init__(self, evidence: Sequence[str]) -> None:
        self.evidence = tuple(evidence)

    def failure(self) -> PageError:
        """The failure of a page that has nothing else to read."""
        said = "; ".join(self.evidence)
        message = f"its text is made by scripts, which only a browser runs ({said})"
        return PageError(ErrorClass.INVALID, "needs_browser", message)


def shell_of(tree: HtmlElement, blocks: Sequence[Block], seen: Sequence[Block]) -> AppShell | None:
    """The page as a shell, if it is one; of its `blocks` a reader sees the `seen` ones."""
    if not may_be_shell(seen):
        return None
    scripts = _scripts(tree)
    if not scripts:
        return None
    body = tree.find("body")
    root = tree if body is None else body
    own = _own(root, seen)
    said = [each for each in own if each.link_share < GOOD_LINKS]
    words = sum(count_words(each.text) for each in said)
    if words > _FEW_OF_A_SHELL or sum(count_words(each.text) for each in own) - words > _LINKS:
        return None
    asks = is_notice([each for each in blocks if each.scriptless])
    telling = list(filter(None, (_empty_root(tree, seen), _waiting(said), _blank(root, seen))))
    if not telling and not (asks and words <= _NAMED):
        return None
    if words > _FEW and len(telling) + asks < 2:
        return None
    notice = ["<noscript> asks for JavaScript"] if asks else []
    return AppShell([*telling, *notice, f"words of its own: {words}", scripts])


def may_be_shell(seen: Sequence[Block]) -> bool:
    """Whether a reader sees so little that the scripts of the page are asked for more."""
    return sum(len(each.key) for each in seen if each.link_share < GOOD_LINKS) <= _MUCH


def is_notice(blocks: Sequence[Block]) -> bool:
    """Whether what readers without scripts see is a request to turn them on, and no page."""
    text = " ".join(each.text for each in blocks)
    words = count_words(text)
    if not 0 < words <= _NOTICE or any(_OF_A_PAGE(each.element) for each in blocks):
        return False
    return len(_JAVASCRIPT.findall(text)) * _EVERY >= words


def _asks(block: Block) -> bool:
    """Whether a visible line asks to turn scripts on; one that only names them does not."""
    return is_notice([block]) and _ENABLE.search(block.text) is not None


def _own(root: HtmlElement, seen: Sequence[Block]) -> list[Block]:
    """What is shown outside navigation and the like, without requests for JavaScript."""
    chrome = chrome_of(root, seen)
    return [each for each in seen if not chrome.covers(each.element) and not _asks(each)]


def _blank(root: HtmlElement, seen: Sequence[Block]) -> str:
    return "" if seen or _SHOWS_MORE(root) else "nothing is shown"


def _scripts(tree: HtmlElement) -> str:
    """The scripts that might fill the page, in words; empty: there are none."""
    scripts = [each for each in tree.iter("script") if _runs(each.get("type") or "")]
    sent = sum(1 for each in scripts if each.get("src"))
    inline = sum(len(each.text or "") for each in scripts if not each.get("src"))
    if sent:
        return f"{sent} script{'s' if sent > 1 else ''}"
    return f"{inline} characters of script" if inline >= _INLINE else ""


def _runs(kind: str) -> bool:
    kind = kind.strip().lower()
    return kind in ("", "module") or "javascript" in kind or "ecmascript" in kind


def _empty_root(tree: HtmlElement, seen: Sequence[Block]) -> str:
    """The element that an application is put into, if nothing is there but a word of waiting."""
    roots = cast("list[HtmlElement]", _ROOTS(tree))
    if not roots:
        return ""
    inside: dict[HtmlElement, list[Block]] = {each: [] for each in roots}
    for block in seen:
        for element in (block.element, *block.element.iterancestors()):
            if element in inside:
                inside[element].append(block)
    if any(map(_is_filled, inside.values())):
        return ""
    first = roots[0]
    name = f"#{first.get('id')}" if first.get("id") else f"<{first.tag}>"
    return f"{name} is empty" if not inside[first] else f"{name} is still to be filled"


def _is_filled(blocks: Sequence[Block]) -> bool:
    words = sum(count_words(each.text) for each in blocks if not _asks(each))
    return words > _WAITING or (words > 0 and not _waiting(blocks))


def _waiting(blocks: Iterable[Block]) -> str:
    """What asks a visitor to wait, if hardly anything else is said."""
    texts = [" ".join(each.text.split()) for each in blocks]
    if not texts or sum(map(count_words, texts)) > _WAITING:
        return ""
    return next((f"it says '{each[:60]}'" for each in texts if _WAITS.search(each)), "")
