"""Pages to learn from, in 17 languages: real ones have too few languages, and nearly all have class
names that say what an element is for. Here order, elements, classes and what stands around the text
are drawn anew for each page. The words are those of `generated_pages`, whose templates are kept for
judging.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.generated_pages import languages
from benchmarks.page_sets import KnownPage

_NICKS = ("arno", "Bessie_M", "c4rl", "Dorota", "eli", "F. Okafor", "小林", "Гена", "هند", "Ioanna")
_WORDS = {
    "text": ("entry-content", "article-body", "story", "post", "content", "body-text"),
    "card": ("card", "item", "teaser", "product-item", "grid-item", "col"),
    "around": ("related", "sidebar", "widget", "recommendations", "carousel", "more"),
    "small": ("meta", "byline", "info", "author", "post-info", "date"),
    "share": ("share", "social", "tools", "actions", "buttons"),
    "top": ("header", "topbar", "site-nav", "menu", "masthead"),
}


class _PracticePage:
    """One page under way: its HTML, and the lines of it that are its text."""

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng = rng
        self.words = languages()[language]
        self.html: list[str] = []
        self.wanted: list[str] = []
        self._style = rng.choice(("named", "named", "hashed", "bare"))
        self._classes: dict[str, str] = {}
        self._plain = rng.random() < 0.5
        self.day = (
            f"{rng.randrange(2009, 2027)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        )

    def maybe(self, chance: float, add: Callable[[], None]) -> None:
        if self.rng.random() < chance:
            add()

    def add(self, tag: str, text: str, kind: str = "", *, wanted: bool = False) -> None:
        self.html.append(f"<{tag}{self._class(kind)}>{text}</{tag}>")
        if wanted:
            self.wanted.append(text)

    def open(self, kind: str, *tags: str) -> str:
        """Open an element, and say how to close it."""
        tag = self.rng.choice(tags) if tags and not self._plain else "div"
        self.html.append(f"<{tag}{self._class(kind)}>")
        return f"</{tag}>"

    def _class(self, kind: str) -> str:
        if not kind or self._style == "bare":
            return ""
        if kind not in self._classes:
            named = self._style == "named"
            hashed = f"css-{self.rng.randrange(16**6):06x}"
            self._classes[kind] = self.rng.choice(_WORDS[kind]) if named else hashed
        return f' class="{self._classes[kind]}"'

    def sentences(self, least: int, most: int) -> str:
        blank = "" if self.words is languages()["zh"] or self.words is languages()["ja"] else " "
        chosen = self.rng.sample(self.words["sentences"], self.rng.randint(least, most))
        return blank.join(each.format(n=self.rng.randrange(1_001, 9_999)) for each in chosen)

    def headline(self) -> str:
        name = self.rng.choice(_NICKS)
        return str(self.rng.choice(self.words["headlines"])).format(
            name=name, n=self.rng.randrange(1_001, 9_999)
        )

    def chrome(self, at: int) -> str:
        return str(self.words["chrome"][at])

    def links(self, texts: list[str], kind: str) -> None:
        end = self.open(kind, "ul", "nav", "div")
        tag = "li" if end == "</ul>" else self.rng.choice(("div", "span"))
        self.html += [f"<{tag}><a href='/{at}'>{text}</a></{tag}>" for at, text in enumerate(texts)]
        self.html.append(end)

    def byline(self) -> None:
        by = self.words["by"].format(author=self.rng.choice(_NICKS))
        published = self.words["published"].format(date=self.day)
        end = self.open("small", "p", "header", "div")
        parts = [
            [f"{by} · {published}"],
            [f"<span>{by}</span> <time>{self.day}</time>"],
            [f"<a href='/who'>{by}</a>", f"<div>{self.day}</div>"],
            [f"{self.day.replace('-', '.')} | {self.chrome(self.rng.randrange(3))}"],
        ]
        self.html += [*self.rng.choice(parts), end]

    def share(self) -> None:
        self.links(
            self.rng.sample(["Facebook", "X", "Telegram", "LINE", "WeChat", "1"], 3), "share"
        )

    def cards(self, kind: str, count: int, *, wanted: bool) -> None:
        end = self.open(kind, "section", "aside", "ul")
        level = self.rng.choice(("h2", "h3", "div"))
        if not wanted:
            self.add(level, self.chrome(6))
        teaser, priced, more = (self.rng.random() < 0.6 for _ in range(3))
        tag = "li" if end == "</ul>" else self.rng.choice(("div", "article"))
        for at in range(count):
            title = self.headline()
            self.html.append(f"<{tag}{self._class('card')}><{level}><a href='/{at}'>{title}</a>")
            self.html.append(f"</{level}>")
            said = [title]
            if teaser or wanted:
                said.append(self.sentences(1, 2))
                self.add("p", said[-1])
            if priced:
                said.append(f"{self.rng.randrange(5, 900)} €")
                self.add("span", said[-1])
            if more:
                self.html.append(f"<div><a href='/{at}'>{self.chrome(5)}</a></div>")
            self.html.append(f"</{tag}>")
            self.wanted += said if wanted else []
        self.html.append(end)


def practice_pages(each: int = 3, seed: int = 7) -> Iterator[KnownPage]:
    """So many pages of each kind in each language."""
    for language in languages():
        for kind, body in _KINDS.items():
            for number in range(each):
                page = _PracticePage(random.Random(f"{language}{kind}{number}{seed}"), language)
                html = _whole(page, body, language)
                url = f"https://practice{language}{kind}{number}.example/{kind}"
                yield KnownPage(url, kind, url, html, "\n".join(page.wanted))


def _whole(page: _PracticePage, body: Callable[[_PracticePage], None], language: str) -> str:
    title = page.headline()
    names = [page.chrome(at) for at in range(4)]
    page.maybe(0.9, lambda: page.links(names, "top"))
    page.maybe(0.4, lambda: page.links([names[0], page.chrome(6), title], "small"))
    aside_first = page.rng.random() < 0.3
    if aside_first:
        _aside(page)
    end = page.open("text", "main", "article", "section")
    above = page.rng.random() < 0.3
    if above:
        page.byline()
    page.add(page.rng.choice(("h1", "h1", "h2")), title, wanted=True)
    page.maybe(0.1 if above else 0.8, page.byline)
    page.maybe(0.4, page.share)
    body(page)
    page.maybe(0.4, page.share)
    page.html.append(end)
    page.maybe(0.6, lambda: page.cards("around", page.rng.randint(3, 8), wanted=False))
    if not aside_first:
        page.maybe(0.5, lambda: _aside(page))
    page.links([*names, page.chrome(7)], "top")
    page.add("p", f"{page.chrome(7)}. {page.chrome(3)}, {page.chrome(2)}: {page.chrome(4)}.")
    return (
        f"<html lang='{language}'><head><title>{title}</title></head><body>"
        + "\n".join(page.html)
        + "</body></html>"
    )


def _aside(page: _PracticePage) -> None:
    end = page.open("around", "aside", "section")
    page.add("h3", page.chrome(6))
    page.links([page.headline() for _ in range(page.rng.randint(3, 9))], "around")
    page.add("div", page.chrome(4))
    page.html.append(end)


def _article(page: _PracticePage) -> None:
    for number in range(page.rng.randint(3, 9)):
        page.maybe(0.2, lambda: page.add("h2", page.headline(), wanted=True))
        page.add("p", page.sentences(2, 4), wanted=True)
        if number == 1:
            page.maybe(0.5, lambda: page.html.append(
                f"<p><a href='/more'>{page.chrome(5)}: {page.headline()}</a></p>"))  # fmt: skip


def _thread(page: _PracticePage) -> None:
    for number in range(page.rng.randint(3, 9)):
        nick = page.rng.choice(_NICKS)
        end = page.open("card", "li", "article")
        page.add("div", f"<a href='/u/{number}'>{nick}</a>", "small")
        page.maybe(0.6, lambda: page.add("div", page.day, "small"))
        page.add("div", page.sentences(1, 4), "text", wanted=True)
        page.html.append(f"<div><a href='#p{number}'>#{number}</a></div>")
        page.maybe(0.5, lambda: page.links([page.chrome(5), page.chrome(2)], "share"))
        page.html.append(end)


def _product(page: _PracticePage) -> None:
    page.add("div", f"{page.rng.randrange(5, 900)} €", "small")
    page.html.append(f"<button>{page.chrome(2)}</button>")
    for _ in range(page.rng.randint(1, 4)):
        page.add(page.rng.choice(("p", "li")), page.sentences(1, 3), wanted=True)
    if page.rng.random() < 0.5:
        rows = [(page.headline(), str(page.rng.randrange(900))) for _ in range(4)]
        cells = "".join(f"<tr><td>{one}</td><td>{other}</td></tr>" for one, other in rows)
        page.html.append(f"<table>{cells}</table>")
        page.wanted += [text for row in rows for text in row]


def _listing(page: _PracticePage) -> None:
    page.maybe(0.6, lambda: page.add("p", page.sentences(1, 3), wanted=True))
    page.cards("card", page.rng.randint(5, 16), wanted=True)


_KINDS: dict[str, Callable[[_PracticePage], Any]] = {
    "article": _article, "thread": _thread, "product": _product, "listing": _listing,
}  # fmt: skip
