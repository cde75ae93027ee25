"""The title of a page: its headline as a reader sees it, without the name of the site.

No single tag says it. Title elements and og:title carry the site's name; a first heading may be the
logo, a JSON-LD headline the template's. So each puts its text forward, whole and cut at its
separators; what speaks for and against every text is weighed, and the heaviest is the title. The
weights are learnt and checked by host: `python -m benchmarks metadata`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from atlas.domain.texts import fold_blank, strip_unstorable
from atlas.text.blocks.blocks import is_hidden
from atlas.text.metadata.head import MAX_TITLE, Head, is_article_node, kinds_of, title_element
from atlas.text.metadata.learnt_weights import TITLES
from atlas.text.metadata.page_signs import PageSigns, names_of, text_of
from atlas.text.metadata.site_names import SiteNames, key_of
from atlas.text.metadata.weighed_answers import WeighedAnswer, best_of

_HEADINGS = 10  # that are looked at
_NAMES = 5  # objects of JSON-LD whose names are looked at
_CUTS = 8  # separators of one text
_SITE = 0.5  # likeness from which a part of a text is the site's name
_LONG = 80  # characters above which a title is too long
_SHORT = 12  # below which it is too short
_MANY = 3  # first headings of a page that has no single one
_AGREE = 4
_SEPARATOR = re.compile(
    r"\s+(?:[|¦‖·•∙»›>«‹/~\\]|::|[-–—―]{1,3})\s+|\s*[|¦‖｜]\s*|\s*[_＿]\s*(?=[^_＿]*$)"
    r"|:\s+|\s*：\s*|(?<=\S)[-–—]\s+|\s+[-–—](?=[^\s>])|\s+\((?=[^()]*\)$)"
)
_STRONG = re.compile(r"[|¦‖｜·•»›>«‹/~\\_＿]|::|[-–—―]")
_PIPE = re.compile(r"\s[|¦·•»]\s")
_ANCHOR = re.compile(r"[\s¶#§🔗\uf0c1]+$")
_GENERIC = frozenset((
    "home", "homepage", "welcome", "index", "untitled", "start", "startseite", "inicio", "accueil",
    "главная", "首页", "ホーム",
))  # fmt: skip
_AROUND = frozenset(("header", "nav", "footer", "aside", "dialog", "noscript"))
_CHROME = re.compile(
    r"logo|brand|site-?(?:title|name)|masthead|navbar|menu|modal|popup|cookie|consent|sr-only|"
    r"visually-?hidden|screen-reader|footer|sidebar|related|widget|comment",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:^|[\s_-])(?:label|badge|prefix|tags?|tooltip|sr-only|visually-?hidden|screen-reader-text|"
    r"permalink|headerlink|count|counter)(?:$|[\s_-])",
    re.IGNORECASE,
)
_TITLE_NAME = re.compile(r"title|headline|heading|name\b", re.IGNORECASE)
_BY_PAGE = frozenset(
    f"{kind}:{how}" for kind in ("og", "title", "h1") for how in ("whole", "first", "without site")
)
_HEAD = frozenset(
    f"{kind}:{how}"
    for kind in ("og", "title", "headline")
    for how in ("whole", "first", "without site", "without first", "without last", "before colon",
                "after colon")
)  # fmt: skip
_REPEATED = (
    _BY_PAGE - {"h1:whole", "h1:first", "h1:without site"}
    | {"headline:whole"}
    | {f"{kind}:before colon" for kind in ("og", "title", "headline")}
)
_NAMED = {
    "Product": "product",
    "ProductGroup": "product",
    "WebPage": "page",
    "CollectionPage": "page",
    "ItemPage": "page",
    "AboutPage": "page",
    "FAQPage": "page",
    "Course": "page",
    "Service": "page",
    "Recipe": "page",
}
"""What an object of JSON-LD that has a name is, if it is what the page is about."""
_SELDOM_WRONG = 3.0
"""What a mark counts that few pages have and that was right on all of them: the weights are held
small, so that one of 1 would be taken for chance."""
_SURELY_SITE = 0.7  # likeness from which a whole text is the site's name
_ENDS = (".", "!", "。", "！", "۔", "।")
_WIDE = re.compile(r"[\u1100-\u115f\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7af\uf900-\ufaff]")
"""Characters that say as much as two letters."""
_UNSPACED = re.compile(r"[\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LANGUAGE = re.compile(r"\w{2,3}")
_ROOTS = frozenset(("", "home", "index.html", "index.php"))


class _Said(NamedTuple):
    """What one tag says: its kind, by which it is weighed, and the tag as people write it."""

    kind: str
    tag: str
    text: str
    marks: tuple[str, ...] = ()


class _Cut(NamedTuple):
    how: str
    text: str


class _Spelling(NamedTuple):
    text: str
    tag: str


def title_of(tree: HtmlElement, head: Head, signs: PageSigns, url: str) -> tuple[str, str]:
    """The title and the tag that says it; two empty strings if no tag says anything."""
    best = best_of(title_answers(tree, head, signs, url), TITLES)
    return (best.value[:MAX_TITLE], best.tag) if best else ("", "")


def title_answers(
    tree: HtmlElement, head: Head, signs: PageSigns, url: str
) -> list[WeighedAnswer[str]]:
    """Every text that may be the title, once, with its marks."""
    said = list(_said(tree, head, signs))
    names = SiteNames(head, url)
    page = _Page(said, names, url)
    found: dict[str, WeighedAnswer[str]] = {}
    spelt: dict[str, dict[str, _Spelling]] = {}
    for each in said:
        for cut in _cuts(each.text, names):
            text = _ANCHOR.sub("", cut.text)
            if key := key_of(text) or text:
                answer = found.setdefault(key, WeighedAnswer(text, each.tag))
                answer.marks[f"{each.kind}:{cut.how}"] = 1.0
                if cut.how == "whole":
                    answer.marks.update(dict.fromkeys(each.marks, 1.0))
                spelt.setdefault(key, {}).setdefault(each.kind, _Spelling(text, each.tag))
    for key, answer in found.items():
        answer.value, answer.tag = _as_most_spell(list(spelt[key].values()))
        page.mark(key, answer)
    _compare(list(found.values()))
    _confirm(found)
    return list(found.values())


def _as_most_spell(ways: Sequence[_Spelling]) -> _Spelling:
    """As the page shows it first, unless another spelling is that of two kinds of tags more; of one
    more, where what is shown is in capitals, which are a matter of style."""
    votes = Counter(way.text for way in ways)
    first = ways[0].text
    votes[first] += not (first.isupper() and " " in first)
    most = max(votes, key=lambda text: votes[text])
    return next(way for way in ways if way.text == most)


def _compare(answers: Sequence[WeighedAnswer[str]]) -> None:
    """Add how each stands among all: in length, and in what it shares with the address."""
    longest = max((len(each.value) for each in answers), default=0)
    shared = [each.marks.get("slug found", 0) + each.marks.get("in slug", 0) for each in answers]
    most = max(shared, default=0)
    for each, share in zip(answers, shared, strict=True):
        each.marks["length"] = len(each.value) / longest
        each.marks["slug best"] = float(0 < share == most)


def _confirm(found: Mapping[str, WeighedAnswer[str]]) -> None:
    """A first heading that the head repeats, alone or before a colon, is no accident, and a part of
    it is not the title."""
    confirmed = [
        key
        for key, answer in found.items()
        if "h1:whole" in answer.marks and _REPEATED & answer.marks.keys()
    ]
    for key, answer in found.items():
        if key in confirmed:
            answer.marks["confirmed"] = 1.0
        elif any(f" {key} " in f" {each} " for each in confirmed):
            answer.marks["part of confirmed"] = 1.0


def _said(tree: HtmlElement, head: Head, signs: PageSigns) -> Iterator[_Said]:
    # The order decides which spelling of a title is kept: as shown first.
    yield from _headings(signs)
    for node in head.nodes:
        if is_article_node(node) and (text := _clean(node.get("headline"))):
            yield _Said("headline", "json-ld headline", text)
    for name in ("og:title", "twitter:title"):
        if text := _clean(head.metas.get(name)):
            yield _Said("og", f"meta {name}", text)
            break
    if text := _clean(title_element(tree)):
        yield _Said("title", "title", text)
    for element in signs.second[:1]:
        if text := text_of(element):
            yield _Said("h2", "h2", text)
    yield from islice(_names(head), _NAMES)


def _names(head: Head) -> Iterator[_Said]:
    for node in head.nodes:
        kinds = _NAMED.keys() & set(kinds_of(node))
        if kinds and not is_article_node(node) and (text := _clean(node.get("name"))):
            yield _Said(_NAMED[min(kinds)], "json-ld name", text)


def _clean(text: object) -> str:
    """As people read it: some write entities into JSON-LD, where they mean themselves."""
    return fold_blank(strip_unstorable(unescape(text)))[:MAX_TITLE] if isinstance(text, str) else ""


def _headings(signs: PageSigns) -> Iterator[_Said]:
    # A heading's labels (of a forum), buttons and words for screen readers are no part of it.
    shown = [
        (element, text)
        for element, _ in signs.headings
        if (text := text_of(element, _LABEL) or text_of(element))
    ]
    for at, (element, text) in enumerate(shown[:_HEADINGS]):
        marks = [f"h1:{min(at, 2)}"]
        above = [each for each in element.iterancestors() if isinstance(each.tag, str)]
        if any(map(is_hidden, (element, *above))):
            marks.append("h1:hidden")
        if any(each.tag in _AROUND for each in above):
            marks.append("h1:around")
        if any(_CHROME.search(names_of(each)) for each in (element, *above[:3])):
            marks.append("h1:chrome")
        if _TITLE_NAME.search(names_of(element)):
            marks.append("h1:named")
        if len(shown) == 1:
            marks.append("h1:only")
        elif len(shown) >= _MANY:
            marks.append("h1:many")
        yield _Said("h1", "h1", text, tuple(marks))


def _cuts(text: str, names: SiteNames) -> Iterator[_Cut]:
    """The whole text, and what is left of it without some of its parts."""
    yield _Cut("whole", text)
    marks = list(islice(_SEPARATOR.finditer(text), _CUTS))
    if not marks:
        return
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(text)]
    likes = [names.likeness(key_of(text[a:b])) for a, b in zip(starts, ends, strict=True)]
    first, last = 0, len(likes) - 1
    while first < last and likes[last] >= _SITE:
        last -= 1
    while first < last and likes[first] >= _SITE:
        first += 1
    if (first, last) != (0, len(likes) - 1):
        yield _Cut("without site", text[starts[first] : ends[last]].strip())
    strong = [at for at, mark in enumerate(marks) if _STRONG.search(mark[0])]
    weak = [at for at in range(len(marks)) if at not in strong]
    if strong:
        yield _Cut("first", text[: ends[strong[0]]].strip())
        yield _Cut("without first", text[starts[strong[0] + 1] :].strip())
        if len(strong) > 1:
            yield _Cut("without last", text[: ends[strong[-1]]].strip())
    if weak:
        yield _Cut("before colon", text[: ends[weak[0]]].strip())
        yield _Cut("after colon", text[starts[weak[0] + 1] :].strip())


class _Page:
    """What a text is compared with."""

    def __init__(self, said: Sequence[_Said], names: SiteNames, url: str) -> None:
        self._names = names
        path = urlsplit(url).path.strip("/")
        # A home page, also of one language: it is called what the site is called.
        self._home = path.lower() in _ROOTS or _LANGUAGE.fullmatch(path) is not None
        slug = re.sub(r"[-_+]|\.\w{2,5}$", " ", unquote(path.rpartition("/")[2]))
        self._slug = _words_of(key_of(slug))
        self._told = [
            key_of(each.text) for each in said if each.kind in ("headline", "og", "title")
        ]
        self._told_words = list(map(_words_of, self._told))
        self._headings = [key_of(each.text) for each in said if each.kind == "h1"]
        parts = next((_parts(each.text) for each in said if each.kind == "title"), [])
        self._front, self._tail = (parts[0], parts[-1]) if len(parts) > 1 else ("", "")

    def mark(self, key: str, answer: WeighedAnswer[str]) -> None:
        """Add what the text itself, its like and the address say of it."""
        marks = answer.marks
        by_tag = [mark for mark in marks if mark.endswith(":whole")]
        marks.update(self._by_site(key, answer.value))
        size = len(answer.value) + len(_WIDE.findall(answer.value))
        marks["long"] = max(0, size - _LONG) / 40
        marks["short"] = max(0, _SHORT - size) / _SHORT
        words = _words_of(key)
        marks["one word"] = float(len(words) == 1)
        if self._slug:
            both = len(words & self._slug)
            marks["slug found"], marks["in slug"] = (
                both / len(self._slug),
                both / max(1, len(words)),
            )
        told = self._told
        marks["inside"] = min(_AGREE, sum(f" {key} " in f" {each} " for each in told)) / _AGREE
        marks["starts"] = min(_AGREE, sum(each.startswith(key) for each in told)) / _AGREE
        marks["agree"] = min(_AGREE, len(by_tag)) / _AGREE
        within = any(f" {key} " in f" {each} " and each != key for each in self._headings)
        marks["in h1"] = float(within)
        marks["front"], marks["tail"] = float(key == self._front), float(key == self._tail)
        if "h1:whole" in marks:
            marks["h1:alone"] = float(bool(told) and not marks["inside"])
            like = 0.0 if self._home else self._names.likeness(key)
            marks["h1:is site"] = float(like >= _SURELY_SITE)
            # A book in its bar, too. Elsewhere a title may end with what the page is about.
            ends = key == self._tail and self._names.likeness(self._front) < _SITE
            named = like == 1 or (ends and not self._home and "h1:chrome" in marks)
            # Unless the address says that the page is about what has the name.
            if named and marks.get("in slug", 0) < 1:
                marks["h1:is a name"] = _SELDOM_WRONG
            if not _HEAD & marks.keys():
                marks["h1:sentence"] = float(answer.value.endswith(_ENDS))
                marks["h1:like"] = max(
                    (_alike(words, each) for each in self._told_words), default=0
                )
        for mark in [each for each in marks if each in _BY_PAGE]:
            if self._home:
                marks[f"home {mark}"] = 1.0
            if not self._headings:
                marks[f"no h1 {mark}"] = 1.0

    def _by_site(self, key: str, text: str) -> Iterator[tuple[str, float]]:
        like = self._names.likeness(key)
        if like:
            yield ("home site" if self._home else "site" if like == 1 else "site part"), like
        if key in _GENERIC:
            yield "generic", 1.0
        parts = _parts(text)
        if len(parts) > 1:
            yield "parts", 1.0
            if any(self._names.likeness(part) >= _SITE for part in parts):
                yield ("home holds site" if self._home else "holds site"), 1.0
            if _PIPE.search(text):
                yield "pipe", 1.0


def _words_of(key: str) -> set[str]:
    """The words of a key; where they are not parted by blanks, its characters."""
    return set(_UNSPACED.sub(r" \g<0> ", key).split())


def _alike(one: set[str], other: set[str]) -> float:
    """The share of the words of both that they have in common."""
    return len(one & other) / max(1, len(one | other))


def _parts(text: str) -> list[str]:
    return [key_of(part) for part in _SEPARATOR.split(text, maxsplit=_CUTS)]
