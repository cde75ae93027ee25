"""Crawler traps, found by the shape of addresses: pure rules.

A trap is a part of a site that has no end (a calendar's next month, a relative link that lengthens
its own path) or that shows the same pages under endless addresses (session ids, combinations of
filters). Some shapes are a trap by themselves; the others become one by their number, counted over
all addresses of one *family*, those that differ in nothing but the date, the page number, the
session or the values of filters.

What is chosen depends on the sets of addresses alone, never on the order in which they came:
`choose` sees all links of a level at once, and all pages of the levels above it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

Traps = Literal["stop", "follow"]

Reason = Literal[
    "trap_calendar",
    "trap_repeating_path",
    "trap_session_id",
    "trap_facets",
    "trap_pagination",
    "trap_growing_query",
]

CALENDAR_VIEWS = 366
"""Views of one calendar: a year of days, thirty years of months."""
PAGES_OF_A_LISTING = 1000
FACETS = 200
"""Combinations of filters of one listing."""
YEARS = range(1700, 2101)
"""A date outside them is no date of a document, only a calendar that went on."""

_LONGEST_PATH = 40
_MOST_PARAMETERS = 40
_SAME_PAIR = 3
_FACET_NAMES = 3
_FACET_RATIO = 3

# Looked for as plain words, since most addresses have none: patterns take ten times as long.
_CALENDARS = (
    "calend",
    "kalend",
    "agenda",
    "event",
    "termine",
    "veranstalt",
    "schedule",
    "evenement",
)
_PAGED = ("page", "seite", "pg=", "offset", "start", "skip")
_SESSIONS = ("sess", "sid=", "?s=", "&s=", "cfid", "cftoken", "zenid", "/(")
MAY_COUNT = "&|" + "|".join(map(re.escape, (*_CALENDARS, *_PAGED, *_SESSIONS)))
"""A pattern, ignoring case, of all addresses that `counts`."""

_YEAR = re.compile(r"\d{4}")
_SMALL = re.compile(r"\d{1,2}")
_MONTH = r"(?:0[1-9]|1[0-2])"
_DATE = re.compile(rf"(\d{{4}})-\d{{1,2}}(?:-\d{{1,2}})?|(\d{{4}}){_MONTH}(?:[0-2]\d|3[01])?")
# Without a word that names a calendar, four digits are as often a number as a year.
_PLAIN = re.compile(rf"/(\d{{4}})/{_MONTH}(?:/(?:[0-2]\d|3[01]))?/?")
_VIEW = re.compile(r"(?:month|week|day|list|year|index|default)(?:\.[a-z]{2,5})?", re.I)
_DATE_NAME = re.compile(
    r"(?:.*[-_\[])?(?:date|day|week|month|year|yr|mon|mo|ym|jahr|monat|tag|woche|annee|mois)\]?",
    re.I,
)
_PAGE_NAME = re.compile(
    r"page|paged|pg|pagenum(?:ber)?|page[-_]?(?:no|num|number|index|id)|currentpage|offset|start|"
    r"startindex|skip|seite",
    re.I,
)
_PAGE_SEGMENT = re.compile(r"(page|seite|p)([-_]?)(\d+)", re.I)
_SESSION_NAME = re.compile(
    r"(?:php|j|asp|cf|os|zen|xtc)?_?sess(?:ion)?_?id|phpsessid|jsessionid|aspsessionid\w*|cfid|"
    r"cftoken|oscsid|zenid|xtcsid",
    re.I,
)
_SID = re.compile(r"(?=.*\d)[0-9a-z]{16,}", re.I)
_SESSION_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#;]*", re.I)
_SESSION_FOLDER = re.compile(r"/\([A-Za-z]\([0-9a-z]{20,32}\)(?:[A-Za-z]\([^)]*\))*\)(?=/)")


@dataclass(frozen=True, slots=True)
class Trap:
    """What an address belongs to."""

    reason: Reason
    family: str
    """What its addresses have in common; the parts that vary are `*`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a crawl takes of a level's links."""

    taken: tuple[str, ...] = ()
    stopped: Mapping[Trap, tuple[str, ...]] = field(default_factory=dict)


def choose(links: Iterable[str], above: Iterable[str], held: Collection[str] = ()) -> Choice:
    """Which of a level's `links` a crawl takes. `above`: the pages of the levels above it (those
    that `counts` suffice); `held`: those of the links that the source has held before, which go
    first and are never stopped, so that no page of the corpus is lost."""
    found = sorted(set(links))
    before = list(above)
    stops: dict[str, Trap] = {}
    for url in found:
        if trap := endless(url):
            stops[url] = trap
    rest = [url for url in found if url not in stops]
    budgets: dict[Trap, int] = {}
    families: dict[Trap, list[str]] = defaultdict(list)
    facets = _facet_traps([*before, *rest])
    for url in rest:
        for trap, budget in _families(url, facets):
            budgets[trap] = budget
            families[trap].append(url)
    spent = Counter(trap for url in before for trap, _ in _families(url, facets))
    bare = {*before, *rest}
    for trap in sorted(families, key=lambda trap: (trap.reason, trap.family)):
        room = budgets[trap] - spent[trap]
        if trap.reason == "trap_session_id" and trap.family in bare:
            room = 0
        # The plainest first: a listing before its combinations, page 2 before page 10.
        wanted = [url for url in families[trap] if url not in stops]
        wanted.sort(key=lambda url: (url not in held, url.count("&"), len(url), url))
        for url in wanted[max(0, room) :]:
            stops[url] = trap
    stopped: dict[Trap, list[str]] = defaultdict(list)
    for url, trap in stops.items():
        if url not in held:
            stopped[trap].append(url)
    gone = {url for urls in stopped.values() for url in urls}
    return Choice(
        tuple(url for url in found if url not in gone),
        {trap: tuple(sorted(urls)) for trap, urls in sorted(stopped.items(), key=_by_name)},
    )


def suspects(links: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those of the links that may belong to a trap, and the plain addresses of those that carry a
    session."""
    found = [url for url in links if counts(url) or endless(url)]
    bare = {
        trap.family
        for url in found
        for trap, _ in _families(url, frozenset())
        if trap.reason == "trap_session_id"
    }
    return found, sorted(bare)


def counts(url: str) -> bool:
    """Whether an address of the levels above makes a difference to what is chosen below them."""
    return bool(_families(url, frozenset())) or "&" in url


def endless(url: str) -> Trap | None:
    """The trap that an address shows by itself."""
    parts = urlsplit(url)
    segments = [each for each in parts.path.split("/") if each]
    where = f"{parts.scheme}://{parts.netloc}/"
    if repeated := _repeated(segments):
        return Trap("trap_repeating_path", f"{where}*/{repeated}/{repeated}/*")
    if len(segments) > _LONGEST_PATH:
        return Trap("trap_repeating_path", f"{where}{segments[0]}/*")
    pairs = parts.query.split("&") if parts.query else []
    again = Counter(pair for pair in pairs if pair)
    grown = len(pairs) > _MOST_PARAMETERS or (again and max(again.values()) >= _SAME_PAIR)
    if grown or _nested(parts.query):
        return Trap("trap_growing_query", f"{where.rstrip('/')}{parts.path}?*")
    plain = _PLAIN.fullmatch(parts.path)
    year = int(plain[1]) if plain else _calendar(url, parts, segments)
    if year is not None and year not in YEARS:
        return Trap("trap_calendar", _without_digits(url))
    return None


def _nested(query: str) -> bool:
    """Whether a parameter holds an address that has it, too, and so on: as logins lead on to
    themselves."""
    if "%25" not in query:  # of an address within another, the percent sign is encoded
        return False
    names = {pair.partition("=")[0] for pair in query.split("&") if "=" in pair}
    for _ in range(_SAME_PAIR):
        query = unquote(query)
    return any(
        len(re.findall(rf"(?:^|[?&]){re.escape(name)}=", query)) >= _SAME_PAIR for name in names
    )


def _has(url: str, words: tuple[str, ...]) -> bool:
    return any(word in url for word in words)


def _by_name(item: tuple[Trap, object]) -> tuple[str, str]:
    return item[0].reason, item[0].family


def _families(url: str, facets: Collection[str]) -> list[tuple[Trap, int]]:
    """The families of an address, and how many of each are taken."""
    parts = urlsplit(url)
    found: list[tuple[Trap, int]] = []
    low = url.lower()
    if _has(low, _SESSIONS) and (bare := _without_session(url, parts)) != url:
        found.append((Trap("trap_session_id", bare), 1))
    if _calendar(url, parts, [each for each in parts.path.split("/") if each]) is not None:
        found.append((Trap("trap_calendar", _without_digits(url)), CALENDAR_VIEWS))
    elif _has(low, _PAGED) and (listing := _listing(parts)) is not None:
        found.append((Trap("trap_pagination", listing), PAGES_OF_A_LISTING))
    if (place := _place(parts)) in facets and len(_filters(parts)) >= 2:
        found.append((Trap("trap_facets", f"{place}?*"), FACETS))
    return found


# Paths


def _repeated(segments: list[str]) -> str | None:
    """What follows itself in the path: a folder four times, several folders three times. Numbers
    alone do not count: /2011/11/11/11 is a date."""
    if len(set(segments)) + 2 > len(segments):
        return None
    for size in range(1, 5):
        times = 4 if size == 1 else 3
        for start in range(len(segments) - size * times + 1):
            block = segments[start : start + size]
            if all(each.isdecimal() for each in block):
                continue
            if segments[start : start + size * times] == block * times:
                return "/".join(block)
    return None


# Dates


def _calendar(url: str, parts: SplitResult, segments: list[str]) -> int | None:
    """The year, if the address names a calendar and shows a date of it: nothing follows that."""
    if not _has(url[len(parts.scheme) + 3 + len(parts.netloc) :].lower(), _CALENDARS):
        return None
    while segments and _VIEW.fullmatch(segments[-1]):
        segments = segments[:-1]
    if segments and (year := _dated(segments)) is not None:
        return year
    named = [pair.partition("=") for pair in parts.query.split("&") if "=" in pair]
    dated = [value for name, _, value in named if _DATE_NAME.fullmatch(unquote_plus(name))]
    for value in dated:
        if match := _DATE.fullmatch(value):
            return int(match[1] or match[2])
    years = [value for value in dated if _YEAR.fullmatch(value)]
    return int(years[0]) if years and len(dated) > 1 else None


def _dated(segments: list[str]) -> int | None:
    if (match := _DATE.fullmatch(segments[-1])) and len(segments[-1]) != 6:
        return int(match[1] or match[2])
    for length in (2, 3):
        tail = segments[-length:]
        small = all(_SMALL.fullmatch(each) and int(each) <= 53 for each in tail[1:])
        if len(tail) == length and small and _YEAR.fullmatch(tail[0]):
            return int(tail[0])
    return None


def _without_digits(url: str) -> str:
    return re.sub(r"\d+", "*", url)


# Listings and their pages


def _listing(parts: SplitResult) -> str | None:
    """The listing that an address shows a page of."""
    path, query, numbered = parts.path, parts.query, False
    pairs = query.split("&") if query else []
    for at, pair in enumerate(pairs):
        name, _, value = pair.partition("=")
        if value.isdecimal() and _PAGE_NAME.fullmatch(name):
            pairs[at], numbered = f"{name}=*", True
    segments = path.split("/")
    for at, each in enumerate(segments):
        match = _PAGE_SEGMENT.fullmatch(each)
        if match and match[1].lower() != "p":
            segments[at], numbered = f"{match[1]}{match[2]}*", True
        elif at and each.isdecimal() and segments[at - 1].lower() in ("page", "seite"):
            segments[at], numbered = "*", True
    if not numbered:
        return None
    listing = f"{parts.scheme}://{parts.netloc}{'/'.join(segments)}"
    return f"{listing}?{'&'.join(pairs)}" if pairs else listing


# Combinations of filters


def _place(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _filters(parts: SplitResult) -> dict[str, str]:
    """Parameters and values, without those that number pages."""
    if "=" not in parts.query:
        return {}
    named = (pair.partition("=") for pair in parts.query.split("&") if "=" in pair)
    return {name: value for name, _, value in named if not _PAGE_NAME.fullmatch(name)}


def _facet_traps(urls: Iterable[str]) -> frozenset[str]:
    """Places whose addresses combine filters: many more combinations than there are values. An
    identifier has a value of its own in each address, so a forum or a shop's products are none."""
    combined: dict[str, set[frozenset[tuple[str, str]]]] = defaultdict(set)
    for url in urls:
        if "&" in url:
            parts = urlsplit(url)
            filters = _filters(parts)
            if len(filters) >= 2:
                combined[_place(parts)].add(frozenset(filters.items()))
    return frozenset(place for place, found in combined.items() if _is_product(found))


def _is_product(found: Collection[frozenset[tuple[str, str]]]) -> bool:
    if len(found) <= FACETS:
        return False
    values: dict[str, set[str]] = defaultdict(set)
    for combination in found:
        for name, value in combination:
            values[name].add(value)
    absent = {name for name in values if any(name not in dict(each) for each in found)}
    varying = [name for name in values if len(values[name]) > 1 or name in absent]
    total = sum(len(each) for each in values.values())
    return len(varying) >= _FACET_NAMES and len(found) > _FACET_RATIO * total


# Sessions


def _without_session(url: str, parts: SplitResult) -> str:
    """The address without the session that it carries."""
    path = _SESSION_FOLDER.sub("", _SESSION_PATH.sub("", parts.path))
    pairs = parts.query.split("&") if parts.query else []
    kept = [pair for pair in pairs if not _is_session(pair)]
    if path == parts.path and len(kept) == len(pairs):
        return url
    return parts._replace(path=path or "/", query="&".join(kept)).geturl()


def _is_session(pair: str) -> bool:
    name, _, value = pair.partition("=")
    if _SESSION_NAME.fullmatch(name):
        return bool(value)
    return name.lower() in ("sid", "s") and _SID.fullmatch(value) is not None
