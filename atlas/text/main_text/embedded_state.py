"""The text of a page whose scripts get it as data: the state that Next.js, Nuxt, Discourse, Inertia
and their like write into the page, or JSON-LD that says what a page is about.

Asked only of pages that show nothing themselves (`app_shell.py`). Out of the data comes what reads
like a text: strings of markup, sentences, the runs of rich text, each below the heading of its
object. Where one object holds most of it, that is the article, and the rest is of other pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from typing import Any, cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.domain.errors import PageError
from atlas.domain.removal.bad_bodies.words import count_words
from atlas.text.blocks.blocks import Block, blocks_of, word_key
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import Head, kinds_of

_LEAST = 300  # word characters of a text that may stand for the page
_LARGEST = 8_000_000  # characters of one piece of data that are read
_MOST_HTML = 4_000_000  # characters of what is found
_MOST_NODES = 300_000
_MOST_STATES = 50  # assignments of one script that are read
_NODES = 200  # objects of JSON-LD that are asked
_DEPTH = 80
_WORDS = 12  # of a string that is prose, not a label
_TITLE = 40  # words of a heading at most
_MAIN = 0.5  # share of all prose from which one object is the article
_PLAIN = 0.75  # share of letters and blanks in prose

_ATTRIBUTES = ("data-page", "data-preloaded", "data-props", "data-react-props", "data-state")
_WITH_DATA = XPath(f"descendant::*[{' or '.join(f'@{name}' for name in _ATTRIBUTES)}]")
_STATE_IDS = ("__next_data__", "__nuxt_data__", "__nuxt__", "ng-state", "serverapp-state")
_ASSIGNED = re.compile(
    r"(?<![\w$])(?:(?:window|self|globalThis)\s*(?:\.|\[\s*[\"']))?"
    r"(?:__[A-Z][A-Z0-9_]*__|__[a-z]\w*State|INITIAL_STATE|initialState|preloadedState)"
    r"(?:[\"']\s*\])?\s*=\s*(?P<parsed>JSON\.parse\(\s*)?(?=[{\[\"'])"
)
_SUBJECTS = frozenset(
    "Question Answer DiscussionForumPosting Comment JobPosting Product Recipe HowTo HowToStep "
    "Event Course Book Movie Article NewsArticle BlogPosting TechArticle Review".split()
)
_OTHERS = re.compile(
    r"^_|^env|^seo|^script|scripts|i18n|translat|locale|cookie|consent|gdpr|privacy|banner|config"
    r"|setting|flags|footer|^nav|navigation|menu|sidebar|breadcrumb|related|recommend|suggested"
    r"|similar|^meta|opengraph|tracking|analytic|advert|^ads?$|style|^css|svg|icon|image|query"
    r"|schema|error|modal|popup|newsletter|legal",
    re.IGNORECASE,
)
_HEADINGS = ("title", "headline", "heading", "name", "question", "fancy_title")
_KINDS = ("nodeType", "_type", "type", "tag", "style", "name", "object")
_HEADING = re.compile(r"\bh[1-6]\b|heading", re.IGNORECASE)
_INLINE = re.compile(r"^$|text|span|link|\ba\b|strong|bold|em\b|italic|code$|mark|break", re.I)
_MARKUP = re.compile(
    r"</?(?:p|div|br|h[1-6]|li|ul|ol|section|article|blockquote|table)\b[^<>]*>", re.I
)
_TAG = re.compile(r"<[^<>]*>")
_CODE = re.compile(
    r"^\s*(?:[{\[<(]|function\b|https?:|data:|import\b|var\b|@media)|[{};]\s*[\n}]|=>"
)
_LETTERS = re.compile(r"[^\W\d_]|\s")


@dataclass(slots=True)
class _Piece:
    html: str
    letters: int
    owner: int
    heading: bool = False


def embedded_blocks(tree: HtmlElement, head: Head) -> list[Block]:
    """The text that the page's data holds, as blocks; none, if there is too little."""
    found = _Prose()
    all_data = [*_data_in(tree), *_described(head)]
    for data in all_data:
        found.walk(data)
    pieces = found.pieces
    total = sum(each.letters for each in pieces if not each.heading)
    if total < _LEAST:
        return []
    by_owner: dict[int, int] = {}
    for each in pieces:
        by_owner[each.owner] = by_owner.get(each.owner, 0) + each.letters * (not each.heading)
    main, most = max(by_owner.items(), key=lambda each: each[1])
    if most >= _MAIN * total:
        pieces = [each for each in pieces if each.owner == main]
    try:
        page = parse_html(f"<html><body>{''.join(each.html for each in pieces)}</body></html>")
    except PageError:
        return []
    blocks = [each for each in blocks_of(page) if not each.hidden and not each.scriptless]
    return blocks if sum(len(each.key) for each in blocks) >= _LEAST else []


def _described(head: Head) -> Iterator[Any]:
    """Objects of JSON-LD that are what a page is about."""
    return (node for node in head.nodes[:_NODES] if _SUBJECTS.intersection(kinds_of(node)))


def _data_in(tree: HtmlElement) -> Iterator[Any]:
    """What the page's scripts and elements hold as JSON, decoded."""
    for script in tree.iter("script"):
        text = script.text or ""
        if len(text) > _LARGEST:
            continue
        named = (script.get("id") or "").lower()
        if "json" in (script.get("type") or ""):
            if named in _STATE_IDS or "data-nuxt-data" in script.attrib:
                yield _page_props(_decoded(text))
        else:
            yield from _assigned(text)
    for element in cast("list[HtmlElement]", _WITH_DATA(tree)):
        for name in _ATTRIBUTES:
            text = element.get(name) or ""
            if text[:1] in ("{", "[") and len(text) <= _LARGEST:
                yield _decoded(text)


def _assigned(script: str) -> Iterator[Any]:
    """The states that a script is given by name, as far as they are plain JSON."""
    for found in islice(_ASSIGNED.finditer(script), _MOST_STATES):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(script, found.end())
        except (ValueError, RecursionError):
            continue
        yield _decoded(value) if found["parsed"] and isinstance(value, str) else value


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _page_props(data: Any) -> Any:
    """Of Next.js the part that is the page's; Nuxt's data with its references followed."""
    if isinstance(data, list):
        return _hydrated(data)
    if isinstance(data, dict) and isinstance(props := data.get("props"), dict):
        return props.get("pageProps", props)
    return data


def _hydrated(flat: list[Any]) -> Any:
    """The first value of a list whose arrays and objects name their parts by place (devalue)."""
    made: list[Any] = [
        {} if isinstance(each, dict) else [] if isinstance(each, list) else each for each in flat
    ]

    def at(place: Any) -> Any:
        whole = isinstance(place, int) and not isinstance(place, bool)
        return made[place] if whole and 0 <= place < len(made) else None

    for value, into in zip(flat, made, strict=True):
        if isinstance(value, dict):
            into.update((key, at(place)) for key, place in value.items())
        elif isinstance(value, list):  # of a wrapper, ["Reactive", 2], the name is no place
            into.extend(at(place) for place in value)
    return made[0] if made else None


@dataclass(slots=True)
class _Prose:
    """Collects what reads like a text, in the order of the data, each text once."""

    pieces: list[_Piece] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _walked: set[int] = field(default_factory=set)
    """Lists and objects: Nuxt's refer to each other, in circles too."""
    _decoded: list[Any] = field(default_factory=list)
    """Kept, since what is walked is known by its place in memory."""
    _nodes: int = 0
    _size: int = 0

    def walk(self, value: Any, owner: int = 0, depth: int = 0) -> None:
        """Add what a value holds; `owner` is the number of the object that has it."""
        self._nodes += 1
        if depth > _DEPTH or self._nodes > _MOST_NODES or self._size > _MOST_HTML:
            return
        if isinstance(value, (list, dict)):
            if id(value) in self._walked:
                return
            self._walked.add(id(value))
        if isinstance(value, str):
            self._string(value, owner, depth)
        elif isinstance(value, list):
            for each in value:
                self.walk(each, owner, depth + 1)
        elif isinstance(value, dict):
            self._object(value, owner, depth)

    def _object(self, value: dict[str, Any], owner: int, depth: int) -> None:
        if (runs := _rich_text(value)) is not None:
            heading = any(_HEADING.search(str(value.get(name, ""))) for name in _KINDS)
            self._add(
                f"<h2>{escape(runs)}</h2>" if heading else f"<p>{escape(runs)}</p>", runs, owner
            )
            return
        rich = any(isinstance(value.get(name), str) for name in _KINDS[:3]) and any(
            isinstance(value.get(name), list) for name in ("content", "children")
        )
        mine = owner if rich and owner else self._nodes
        before = len(self.pieces)
        for name, each in value.items():
            if name not in _HEADINGS and not _is_other(name, each):
                self.walk(each, mine, depth + 1)
        if len(self.pieces) > before and (title := _title(value)):
            self._title(title, mine, before)

    def _title(self, title: str, owner: int, place: int) -> None:
        key = word_key(title)
        if key not in self._known:
            self._known.add(key)
            html = f"<h2>{escape(title)}</h2>"
            self.pieces.insert(place, _Piece(html, len(key), owner, heading=True))

    def _string(self, value: str, owner: int, depth: int) -> None:
        if len(value) > 100 and value.lstrip()[:2] in ('{"', "[{"):
            self._decoded.append(_decoded(value))
            self.walk(self._decoded[-1], owner, depth + 1)
        elif _MARKUP.search(value):
            shown = _TAG.sub(" ", value)
            if count_words(shown) >= _WORDS:
                self._add(f"<div>{value}</div>", shown, owner)
        elif count_words(value) >= _WORDS and _is_prose(value):
            lines = (line.strip() for line in value.splitlines())
            self._add("".join(f"<p>{escape(line)}</p>" for line in lines if line), value, owner)

    def _add(self, html: str, shown: str, owner: int) -> None:
        key = word_key(shown)
        if key and key not in self._known:
            self._known.add(key)
            self._size += len(html)
            self.pieces.append(_Piece(html, len(key), owner))


def _is_other(name: str, value: Any) -> bool:
    """Whether a part of the data is by its name no text of the page; `messages` by name are those
    of the program."""
    return _OTHERS.search(name) is not None or (name == "messages" and isinstance(value, dict))


def _title(value: dict[str, Any]) -> str:
    named = (value.get(name) for name in _HEADINGS)
    titles = (" ".join(_TAG.sub(" ", each).split()) for each in named if isinstance(each, str))
    return next((each for each in titles if 0 < count_words(each) <= _TITLE), "")


def _is_prose(text: str) -> bool:
    if _CODE.search(text):
        return False
    return len(_LETTERS.findall(text)) >= _PLAIN * len(text)


def _rich_text(value: dict[str, Any]) -> str | None:
    """The words of a paragraph or heading of rich text (Contentful, Sanity, Slate, ProseMirror),
    which are runs in a list; None: it is none."""
    runs = value.get("content") if "content" in value else value.get("children")
    if not isinstance(runs, list) or not runs:
        return None
    parts = [_run(each, 0) for each in runs]
    if any(each is None for each in parts):
        return None
    joined = "".join(each or "" for each in parts)
    return joined if joined.strip() else None


def _run(value: Any, depth: int) -> str | None:
    if not isinstance(value, dict) or depth > 8:
        return None
    kind = next((str(value[name]) for name in _KINDS[:4] if isinstance(value.get(name), str)), "")
    if not _INLINE.search(kind):
        return None
    text = next(
        (value[name] for name in ("text", "value") if isinstance(value.get(name), str)), None
    )
    if text is not None:
        return str(text)
    runs = value.get("content") if "content" in value else value.get("children")
    if not isinstance(runs, list):
        return None
    parts = [_run(each, depth + 1) for each in runs]
    return None if any(each is None for each in parts) else "".join(each or "" for each in parts)
