"""When a page was published: the date that its tags, its byline or its address name, or none.

Declared dates are often a template's (a shop, a service, a manual), and the first date one sees may
be that of an update, a comment or a teaser. So every date is weighed, and against all of them the
answer "this page has none", by what the page is. The weights are learnt and checked by host:
`python -m benchmarks metadata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from atlas.text.languages.date_words import date_in_path, dates_in, moment_in, stated_moment
from atlas.text.metadata.head import Head, declared_language, is_article_node, kinds_of
from atlas.text.metadata.learnt_weights import DATES
from atlas.text.metadata.page_signs import DateSpot, PageSigns, names_of, text_of
from atlas.text.metadata.weighed_answers import WeighedAnswer, best_of

_META_PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time",
)  # fmt: skip
_META_DATE = (
    "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.issued",
    "citation_publication_date", "ms.date", "parsely-pub-date", "sailthru.date", "pubdate",
)  # fmt: skip
_META_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "last-modified",
    "dcterms.modified", "revised",
)  # fmt: skip
_LD_PUBLISHED = ("datePublished", "dateCreated", "uploadDate")
_LD_KINDS = {
    "ld page": frozenset(("WebPage", "CollectionPage", "ItemPage", "FAQPage", "AboutPage")),
    "ld review": frozenset(("Review",)),
    "ld comment": frozenset(("Comment", "Answer")),
    "ld question": frozenset(("Question", "QAPage")),
    "ld media": frozenset(("VideoObject", "ImageObject", "AudioObject")),
}
_DECLARED = frozenset(("ld article", "ld page", "ld question", "meta published", "meta date"))
_SURE = frozenset(("ld article", "meta published", "meta date", "itemprop"))
_KINDS_OF_PAGE = ("path of a shop", "path of a blog", "path of a forum", "path of a manual", "list")
"""A date of a shop, a manual or a list is often that of its template, or of one item."""
_PROSE = 5  # paragraphs from which a page is written text
_FIRM = frozenset((*_DECLARED, "itemprop", "time:0", "text:0", "path"))
_MODIFIED = frozenset(("ld modified", "meta modified"))
_NOT_THE_PAGE = frozenset(("ld comment", "ld review", "ld media"))
_PRODUCTS = frozenset(("Product", "ProductGroup", "Offer"))
_MOST_SAID = 1_000  # times that a date is named
_MOST = 20  # dates of one page that are weighed
_NEAR = (-25, 60)  # elements from the first heading within which a byline stands
_FAR = 400
_MANY = 6  # dates of a kind from which the page is a list, or a thread
_ABOVE = 8  # elements around a date whose names say what it belongs to
_PUBLISHED = re.compile(
    r"publi|posted|post-?date|entry-date|created|added|written|\bon\b|erschienen|veröffentlicht|"
    r"veroeffentlicht|gepubliceerd|opublikowan|pubblicat|yayın|julkaistu|publicerad|опубликован|"
    r"発行|公開|投稿|发布|發布|게시|đăng|นำเสนอ|نشر|פורסם",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"updat|modif|revis|edited|last reviewed|reviewed|aktualisiert|geändert|mis à jour|actualizad|"
    r"aggiornat|atualizad|bijgewerkt|aktualizac|zaktualizowan|uppdaterad|päivitetty|güncellen|"
    r"обновлен|更新|수정|cập nhật|تحديث|עודכן",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"date|time|publish|posted|byline|meta\b|stamp", re.IGNORECASE)
_BESIDE = re.compile(
    r"comment|reply|replies|related|sidebar|widget|recent|footer|popular|card|teaser|archive|"
    r"calendar|event",
    re.IGNORECASE,
)
_SEEN = re.compile(r"(?:time|text):")
_PATHS = {
    "blog": r"blog|news|article|post|stor(?:y|ies)|magazine|journal|/20\d\d/|press|resources|guide",
    "forum": r"forum|thread|topic|/t/|questions|community|viewtopic|/r/|comments|discussion",
    "shop": r"product|shop|store|collections?|categor|/p/|/c/|/dp/|services?|tag|docs?/",
    "manual": r"docs?[./]|/docs?|manual|reference|/api|wiki",
}
_PATH_OF = {name: re.compile(pattern) for name, pattern in _PATHS.items()}


class _Dated(NamedTuple):
    """A date that one tag names, the tag as people write it, and the marks that this gives."""

    moment: datetime
    tag: str
    marks: dict[str, float]


def published_of(
    tree: HtmlElement, head: Head, signs: PageSigns, url: str
) -> tuple[datetime | None, str]:
    """The date of publication in UTC and the tag that names it; None, "": there is none."""
    best = best_of(date_answers(tree, head, signs, url), DATES)
    return (best.value, best.tag) if best else (None, "")


def modified_of(head: Head) -> tuple[datetime | None, str]:
    """The last change that the page declares, in UTC, and the tag that names it."""
    nodes = sorted(head.nodes, key=lambda node: not is_article_node(node))
    told = [(node.get("dateModified"), "json-ld dateModified") for node in nodes]
    told += [(head.metas.get(name), f"meta {name}") for name in _META_MODIFIED]
    for value, tag in told:
        if isinstance(value, str) and (moment := moment_in(value)):
            return moment, tag
    return None, ""


def date_answers(
    tree: HtmlElement, head: Head, signs: PageSigns, url: str
) -> list[WeighedAnswer[datetime | None]]:
    """Every day that is named, once, with its marks; and before them "none"."""
    language = declared_language(tree, head) or ""
    found: dict[date, WeighedAnswer[datetime | None]] = {}
    every = list(islice(_dated(head, signs, url, language), _MOST_SAID))
    abroad = {each.moment: each.moment.date() for each in every if each.moment.utcoffset()}
    for dated in every:
        day = abroad.get(dated.moment, dated.moment.date())
        if day not in found and len(found) >= _MOST:
            break
        answer = found.setdefault(day, WeighedAnswer(_on_day(dated.moment, day), dated.tag))
        for mark, value in dated.marks.items():
            answer.marks[mark] = max(value, answer.marks.get(mark, 0.0))
    _compare({day: answer.marks for day, answer in found.items()})
    found = {day: each for day, each in found.items() if "change of declared" not in each.marks}
    if signs.paragraphs >= _PROSE:
        for answer in found.values():
            answer.marks["declared with prose"] = float(bool(_SURE & answer.marks.keys()))
    nothing = WeighedAnswer[datetime | None](None, "", dict(_of_page(head, signs, url)))
    _of_kind([answer.marks for answer in found.values()], nothing.marks)
    return [nothing, *found.values()]


def _dated(head: Head, signs: PageSigns, url: str, language: str) -> Iterator[_Dated]:
    # The order decides which tag is named as the one that says it, and which time of the day.
    for node in head.nodes:
        yield from _in_node(node, language)
    for names, mark in (
        (_META_PUBLISHED, "meta published"),
        (_META_DATE, "meta date"),
        (_META_MODIFIED, "meta modified"),
    ):
        for name in names:
            if moment := stated_moment(head.metas.get(name, ""), language):
                yield _Dated(moment, f"meta {name}", {mark: 1.0})
    for element in signs.marked:
        said = element.get("datetime") or element.get("content") or text_of(element)
        if moment := stated_moment(said, language):
            yield _Dated(moment, f"itemprop {element.get('itemprop')}", {"itemprop": 1.0})
    spots = _Spots(signs)
    for spot in signs.times:
        if moment := stated_moment(spot.text, language):
            yield _Dated(moment, "time", spots.marks(spot, "time"))
    for spot in signs.texts:
        for written in dates_in(spot.text, language)[:1]:
            marks = spots.marks(spot, "text") | _of_text(spot, written.end - written.start)
            yield _Dated(_midnight(written.day), "visible text", marks)
    if day := date_in_path(urlsplit(url).path):
        yield _Dated(_midnight(day), "path of the address", {"path": 1.0})


def _on_day(moment: datetime, day: date) -> datetime:
    """In UTC; midnight where it is another day there than the one that the page's readers see."""
    utc = moment.astimezone(UTC)
    return utc if utc.date() == day else _midnight(day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _in_node(node: dict[str, Any], language: str) -> Iterator[_Dated]:
    name = next((name for name in _LD_PUBLISHED if isinstance(node.get(name), str)), "")
    if name and (moment := stated_moment(node[name], language)):
        yield _Dated(moment, f"json-ld {name}", {_ld_mark(node): 1.0})
    changed = node.get("dateModified")
    if isinstance(changed, str) and (moment := stated_moment(changed, language)):
        yield _Dated(moment, "json-ld dateModified", {"ld modified": 1.0})


def _ld_mark(node: dict[str, Any]) -> str:
    if is_article_node(node):
        return "ld article"
    kinds = set(kinds_of(node))
    return next((mark for mark, those in _LD_KINDS.items() if kinds & those), "ld other")


class _Spots:
    """Where the dates of one page stand."""

    def __init__(self, signs: PageSigns) -> None:
        self._heading = signs.headings[0][1] if signs.headings else None
        self._many = {
            "time": len(signs.times) >= _MANY,
            "text": len(signs.texts) >= _MANY,
        }

    def marks(self, spot: DateSpot, kind: str) -> dict[str, float]:
        element = spot.element
        above = [element, *element.iterancestors()]
        around = " ".join(map(names_of, above[:_ABOVE]))
        beside = _BESIDE.search(around) is not None or any(
            each.tag in ("footer", "aside", "nav") for each in above
        )
        parent = element.getparent()
        says = "" if parent is None else text_of(parent)[:200]
        named = " ".join(map(names_of, above[:4]))
        marks = {
            f"{kind}:{'0' if spot.number == 0 else 'later'}": True,
            f"{kind}:beside": beside,
            f"{kind}:in main": any(each.tag in ("article", "main") for each in above),
            f"{kind}:item": any(each.tag == "li" for each in above[:6]),
            f"{kind}:many": self._many[kind],
            "class published": _PUBLISHED.search(named) is not None,
            "says published": _PUBLISHED.search(says) is not None,
            "says updated": _UPDATED.search(f"{named} {says}") is not None,
        }
        if self._heading is not None:
            distance = spot.place - self._heading
            marks[f"{kind}:near"] = _NEAR[0] <= distance <= _NEAR[1] and not beside
            marks[f"{kind}:before"] = distance < _NEAR[0]
            marks[f"{kind}:far"] = distance > _FAR
        return {mark: 1.0 for mark, holds in marks.items() if holds}


def _of_text(spot: DateSpot, length: int) -> dict[str, float]:
    marks = {"text:share": length / len(spot.text)}
    parent = spot.element.getparent()
    named = names_of(spot.element) + ("" if parent is None else names_of(parent))
    if _BYLINE.search(named):
        marks["text:byline"] = 1.0
    if "©" in spot.text or "opyright" in spot.text:
        marks["text:copyright"] = 1.0
    return marks


def _compare(days: dict[date, dict[str, float]]) -> None:
    """Add what the dates of a page say of each other."""
    declared = {day for day, marks in days.items() if _DECLARED & marks.keys()}
    modified = {day for day, marks in days.items() if _MODIFIED & marks.keys()}
    ours = [day for day, marks in days.items() if not marks.keys() <= _NOT_THE_PAGE]
    oldest = min(ours, default=None)
    for day, marks in days.items():
        changed = day in modified or "says updated" in marks
        if marks.keys() <= _MODIFIED:
            marks["only modified"] = 1.0
        if day in modified and _FIRM & marks.keys():
            marks["also modified"] = 1.0
        marks["agree"] = min(4, len(_FIRM & marks.keys())) / 4
        if day in declared:
            marks["declared alone"] = float(day not in modified)
        elif declared:
            marks["another declared"] = 1.0
            after = any(each < day for each in declared)
            marks["after declared"] = float(after)
            if after and changed:  # whatever else speaks for it
                marks["change of declared"] = 1.0
        if oldest is None or day <= oldest:
            marks["oldest"] = 1.0


def _of_kind(days: list[dict[str, float]], page: dict[str, float]) -> None:
    """Add which day a reader sees first, and what a declared day, and one that is not, mean on a
    page of its kind."""
    seen = (marks for marks in days if any(map(_SEEN.match, marks)))
    for marks in islice(seen, 1):
        marks["first seen"] = 1.0
        marks["first seen, near"] = float(bool({"text:near", "time:near"} & marks.keys()))
        marks["first seen, beside"] = float(bool({"text:beside", "time:beside"} & marks.keys()))
    kinds = [each for each in _KINDS_OF_PAGE if page[f"none: {each}"]]
    for marks in days:
        if _DECLARED & marks.keys():
            marks.update((f"declared, {each}", 1.0) for each in kinds)
        elif "itemprop" not in marks:
            marks["undeclared"] = 1.0
            marks.update((f"undeclared, {each}", 1.0) for each in kinds)


def _of_page(head: Head, signs: PageSigns, url: str) -> Iterator[tuple[str, float]]:
    """What speaks for the answer that a page has no date."""
    yield "none", 1.0
    parts = urlsplit(url)
    where = f"{parts.hostname or ''}{parts.path}"
    for name, pattern in _PATH_OF.items():
        yield f"none: path of a {name}", float(pattern.search(where) is not None)
    last = parts.path.rstrip("/").rpartition("/")[2]
    kinds = {kind for node in head.nodes for kind in kinds_of(node)}
    kind = head.metas.get("og:type", "").lower()
    articles = any(map(is_article_node, head.nodes))
    yield "none: home page", float(not last)
    yield "none: many words", float(len(re.findall(r"[^\W\d_]+", last)) >= 4)
    yield "none: .html", float(parts.path.endswith((".html", ".htm")))
    yield "none: og article", float(kind == "article")
    yield "none: og website", float(kind == "website")
    yield "none: article", float(articles)
    yield "none: page alone", float("WebPage" in kinds and not articles)
    yield "none: product", float("product" in kind or bool(kinds & _PRODUCTS))
    yield "none: thread", float(bool(kinds & {"DiscussionForumPosting", "QAPage", "Question"}))
    yield "none: author", float("author" in head.metas or "article:author" in head.metas)
    yield "none: prose", signs.paragraphs / 20
    yield "none: little prose", float(signs.paragraphs < _PROSE)
    yield "none: list", float(signs.articles >= 4)
