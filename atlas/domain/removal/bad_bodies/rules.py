"""Whether a body is the page or something in its place: points for evidence, against it, and why.

Evidence comes from independent sides: what title and heading say, what the text says, how the page
is built (forms, products' marks, a status code, names of classes), how little it shows. One side
alone never suffices, and what only pages of substance have (sections, code, an author) counts
against it. So a manual of logins and an article about error 404 stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from atlas.domain.removal.bad_bodies.kinds import BodyKind, BodyVerdict
from atlas.domain.removal.bad_bodies.look import TOO_LONG, PageLook
from atlas.domain.removal.bad_bodies.phrases import (
    articles,
    block,
    challenge,
    consent,
    login,
    maintenance,
    missing_page,
    server_error,
)
from atlas.domain.removal.bad_bodies.words import Phrases, count_words, fold

ENOUGH = 5.0
"""Points from which a body is not the page."""
ENOUGH_OF_WORDS = 5.5
"""The same, where nothing but words speaks for it."""
_WORDS = frozenset(("title", "heading", "text", "size"))
POSSIBLE = 3.5
"""Points from which it may not be, if most of the text before is gone."""
_ALL_OF_IT, _MUCH_OF_IT = 0.6, 0.35  # shares of a title or heading
_TINY, _SHORT, _BRIEF, _LONG = 25, 40, 120, 260  # words shown
_NO_MENU = 12
"""Words around the text up to which a page has no navigation."""

_PHRASES = {
    BodyKind.LOGIN: login.PHRASES,
    BodyKind.CHALLENGE: challenge.PHRASES,
    BodyKind.BLOCK: block.PHRASES,
    BodyKind.CONSENT: consent.PHRASES,
    BodyKind.MISSING: missing_page.PHRASES,
    BodyKind.MAINTENANCE: maintenance.PHRASES,
    BodyKind.ERROR: server_error.PHRASES,
}
_NAMES = {  # of classes, ids and folders
    BodyKind.LOGIN: r"log-?in|sign-?in|signon|sso|auth|password-?protected|members?-only",
    BodyKind.CHALLENGE: r"captcha|challenge|robot-?check|human|interstitial|bot-?check|verify",
    BodyKind.BLOCK: r"access-?denied|blocked|forbidden|error-?403|denied|page-?403",
    BodyKind.CONSENT: r"cookie-?wall|consent|gdpr|cmp|privacy-?wall|tcf",
    BodyKind.MISSING: r"error-?404|page-?404|not-?found|404(?:-?page)?|error-?page|notfound",
    BodyKind.MAINTENANCE: r"maintenance|offline|coming-?soon|under-?construction|down",
    BodyKind.ERROR: r"error-?5\d\d|error-?page|server-?error|5\d\d|exception|page-?500|errors?",
}
_CODES = {
    BodyKind.LOGIN: r"401",
    BodyKind.BLOCK: r"40[1369]|42[39]|45[01]|10[0-2]\d",
    BodyKind.MISSING: r"404|410",
    BodyKind.MAINTENANCE: r"503",
    BodyKind.ERROR: r"5\d\d|400|408|419",
}
_RUN_IN = re.compile(r"\W*(?:error|http|status|code|\W)*")
"""What may stand before a status code that a line begins with."""
_PARTS = re.compile(r"[.!?…。！？]+(?:\s|$)|\s[-–—|·•»›/:]+\s|[|•»›]|::|(?<=\w):\s")


@dataclass
class _Case:
    """What speaks for one kind."""

    points: float = 0.0
    sides: set[str] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)

    def add(self, points: float, side: str, why: str) -> None:
        self.points += points
        self.sides.add(side)
        self.evidence.append(why)


@dataclass(frozen=True, slots=True)
class _Table:
    head: Phrases
    weak: Phrases
    text: Phrases
    accept: Phrases
    words: Phrases


@lru_cache
def _tables() -> dict[BodyKind, _Table]:
    return {
        kind: _Table(
            Phrases(rows["head"]),
            Phrases(rows["weak"]),
            Phrases(rows["head"], rows["body"]),
            Phrases(rows.get("accept", {})),
            Phrases(rows.get("words", {})),
        )
        for kind, rows in _PHRASES.items()
    }


@lru_cache
def _articles() -> tuple[Phrases, Phrases]:
    return Phrases(articles.TOPICS), Phrases(articles.SPEAKS_ABOUT)


class _Page:
    """A look with its words folded once."""

    def __init__(self, look: PageLook) -> None:
        self.look = look
        self.title = [each for each in map(fold, _PARTS.split(look.title)) if each]
        self.headings = [each for each in map(fold, look.headings) if each]
        self.heading_parts = [
            part for each in look.headings for part in map(fold, _PARTS.split(each)) if part
        ]
        self.text = fold(look.text)
        self.tokens = " ".join(look.own)


def recognise(look: PageLook | None) -> BodyVerdict | None:
    """What the body is instead of the page, with the evidence; None: it is the page, or nothing
    shows that it is not."""
    if look is None or look.words > TOO_LONG:
        return None
    page = _Page(look)
    against = _against(page)
    cases = [(kind, _case(kind, page)) for kind in BodyKind]
    kind, best = max(cases, key=lambda each: each[1].points)
    points = best.points - against
    if points < POSSIBLE or len(best.sides) < 2 or not best.sides - {"size", "text"}:
        return None
    enough = ENOUGH if best.sides - _WORDS else ENOUGH_OF_WORDS
    return BodyVerdict(kind, tuple(best.evidence), certain=points >= enough)


def _case(kind: BodyKind, page: _Page) -> _Case:
    case = _Case()
    _names_itself(kind, page, case)
    _status(kind, page, case)
    _speaks(kind, page, case)
    _products(kind, page, case)
    if kind in _SPECIAL:
        _SPECIAL[kind](page, case)
    if case.points:
        _bare(kind, page, case)
    return case


def _names_itself(kind: BodyKind, page: _Page, case: _Case) -> None:
    """Title and heading."""
    table = _tables()[kind]
    for where, parts in (("title", page.title), ("heading", page.headings + page.heading_parts)):
        points, words = max((_naming(table, part) for part in parts), default=(0.0, ""))
        if points:
            case.add(points, where, f"{where} says '{words}'")


def _naming(table: _Table, part: str) -> tuple[float, str]:
    """Points for a title or heading that says nothing else; fewer, if it mostly says that."""
    head, weak = table.head.found_in(part), table.weak.found_in(part)
    if head and head.share + weak.share >= _ALL_OF_IT:
        return 2.0, head.phrases[0]
    if weak and weak.share >= _ALL_OF_IT:
        return 1.0, weak.phrases[0]
    if head and head.share >= _MUCH_OF_IT:
        return 1.0, head.phrases[0]
    return 0.0, ""


def _status(kind: BodyKind, page: _Page, case: _Case) -> None:
    codes = _CODES.get(kind)
    if not codes:
        return
    pattern = re.compile(rf"(?<!\d)(?:{codes})(?!\d)")
    lines = [fold(line) for line in page.look.text.split("\n")[:3]]
    points, shown = 0.0, ""
    for parts in (page.title, page.heading_parts, lines):
        best, part = max(((_coded(pattern, part), part) for part in parts), default=(0.0, ""))
        shown = shown if points else part
        points = min(3.0, points + best) if best else points
    if points:
        case.add(points, "code", f"status code in '{shown}'")


def _coded(pattern: re.Pattern[str], part: str) -> float:
    """What a short line with a status code says: most, if it has nothing else; little, if the
    number comes after other words, as in the name of a room, a bus or a chapter."""
    found = pattern.search(part)
    if found is None or count_words(part) > 6:
        return 0.0
    rest = re.sub(rf"\W|{found[0]}|error|http|status|code", "", part)
    if not rest:
        return 2.0
    return 1.0 if _RUN_IN.fullmatch(part[: found.start()]) else 0.3


def _speaks(kind: BodyKind, page: _Page, case: _Case) -> None:
    said = _tables()[kind].text.found_in(page.text)
    if not said:
        return
    distinct = len(said.phrases)
    points = 1.0 + 0.5 * min(distinct - 1, 3)
    if said.share < 0.02:
        points = min(points, 0.5)
    elif page.look.words <= _TINY and page.look.around <= _NO_MENU:
        heads = _tables()[kind].head.found_in(page.text)
        points = max(points, 3.0) if heads.share >= 0.2 else points  # there is nothing else
    named = "', '".join(said.phrases[:3])
    case.add(points, "text", f"text says '{named}'")


def _products(kind: BodyKind, page: _Page, case: _Case) -> None:
    names = [
        name for each in page.look.markers for which, name in [each.split(":", 1)] if which == kind
    ]
    if names and page.look.words <= _LONG:
        case.add(3.0, "product", f"page of {', '.join(names)}")
    token = re.search(rf"(?<![a-z])(?:{_NAMES[kind]})(?![a-z])", page.tokens)
    if token:
        case.add(1.0, "names", f"class or id '{token[0]}'")
    folder = re.search(
        rf"/(?:[\w-]*[-_.])?(?:{_NAMES[kind]})(?:[-_./][\w.-]*)?/?$", page.look.path.lower()
    )
    if folder:
        case.add(0.5, "address", f"address {page.look.path[:80]}")


def _bare(kind: BodyKind, page: _Page, case: _Case) -> None:
    look = page.look
    words = max(0, look.words - look.fields)
    if kind is BodyKind.CONSENT:
        words = look.words // 2  # they explain themselves at length
    if words <= _SHORT:
        case.add(1.5, "size", f"shows {look.words} words")
    elif words <= _BRIEF:
        case.add(1.0, "size", f"shows {look.words} words")
    if look.around <= _NO_MENU and look.words <= _BRIEF:
        case.add(0.5, "bare", "no navigation")
    if look.noindex:
        # An ordinary page that asks for it never was in the corpus, and is not looked at.
        case.add(1.0, "meta", "asks to be left out of the index")
    if look.refreshes and kind in (BodyKind.CHALLENGE, BodyKind.MAINTENANCE, BodyKind.ERROR):
        case.add(0.5, "meta", "reloads itself")


def _against(page: _Page) -> float:
    """What only pages of substance have."""
    look = page.look
    topics, speaks = _articles()
    titled = [*page.title, *page.headings]
    points = 2.5 if any(topics.found_in(part) for part in titled) else 0.0
    about = speaks.found_in(page.text)
    points += min(2.0, 1.5 * len(about.phrases)) if about else 0.0
    points += 2.0 if look.article else 0.0
    points += max(0.0, look.sections - 2) * 0.5
    points += max(0, look.paragraphs - 2) * 0.5
    points += min(1.5, look.code * 0.75)
    points += max(0, look.points - 4) * 0.25
    if look.words > _LONG:
        points += 1.5
    return points


def _login(page: _Page, case: _Case) -> None:
    look = page.look
    beside = look.words - look.fields
    if look.passwords and beside <= _LONG:
        points = 3.0 if beside <= _SHORT else 2.5 if beside <= _BRIEF else 1.5
        case.add(points, "form", f"password form, {max(beside, 0)} words beside it")
    elif look.names and beside <= _BRIEF:
        case.add(1.5, "form", "form that asks who one is")
    elif look.doors and look.words <= _BRIEF and "heading" in case.sides:
        case.add(1.0, "form", "links to sign in")


def _challenge(page: _Page, case: _Case) -> None:
    look = page.look
    if look.widgets and look.words <= _BRIEF and not look.passwords:
        case.add(1.5, "form", f"human check ({look.widgets[0]})")


def _consent(page: _Page, case: _Case) -> None:
    """The text is about consent, all of it, and there is a button to give it."""
    table = _tables()[BodyKind.CONSENT]
    lines = [line for line in page.look.text.split("\n") if line.strip()]
    rest = sum(count_words(line) for line in lines if not _of_consent(table, line, page))
    pressed = [each for each in page.look.buttons if table.accept.found_in(fold(each)).share >= 0.6]
    if not pressed or rest > 40 or rest > 0.5 * page.look.words or not case.points:
        case.points = min(case.points, 2.0)
        return
    case.add(2.0, "form", f"button '{pressed[0]}', and {rest} words of anything else")


def _of_consent(table: _Table, line: str, page: _Page) -> bool:
    folded = fold(line)
    return bool(table.words.found_in(folded)) or line in page.look.buttons


def _missing(page: _Page, case: _Case) -> None:
    """A form that asks for a password is no sign of a page that is not there."""
    if page.look.passwords:
        case.points -= 1.5


_SPECIAL = {
    BodyKind.LOGIN: _login,
    BodyKind.CHALLENGE: _challenge,
    BodyKind.CONSENT: _consent,
    BodyKind.MISSING: _missing,
}
