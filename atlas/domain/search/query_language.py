"""The language of queries: words and phrases, what must not occur, and where to look.

    backup -tape "exit code" site:example.org/docs lang:de title:restore after:2025-06

Pure, and forgiving: what is no operator with a value is a word, so that no query is refused for
looking like one. Only a date that is none is refused, with the fix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_PIECE = re.compile(
    r"""
    (?P<not>(?<!\S)[-\u2212](?=[^\s-]))?
    (?:(?<![^\s\u2212-])(?P<operator>site|source|lang|title|after|before):(?=\S))?
    (?P<value>
        "[^"]*" | [“„][^“”„]*[”“] | «[^«»]*» | ＂[^＂]*＂ | 「[^「」]*」 | 『[^『』]*』
      | [^\s"“„«＂「『]+ | \S
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTES = '"“”„«»＂「」『』'
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class QueryParts:
    """A query taken apart."""

    words: str = ""
    """What is looked for and ranked: words, and phrases in their quotation marks; the title's if
    there are no others."""
    either: tuple[tuple[str, ...], ...] = ()
    """Of each group of phrases, one must occur; their words are ranked as others are."""
    without: tuple[str, ...] = ()
    """Words and phrases of which none may occur."""
    titles: tuple[str, ...] = ()
    """Words and phrases that the title must have, all of them."""
    sites: tuple[str, ...] = ()
    """Hosts, each with the beginning of a path if one was given; a page is in one of them."""
    not_sites: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    after: datetime | None = None
    """Published at this moment or later."""
    before: datetime | None = None
    """Published before this moment."""


def parse_query(query: str) -> QueryParts:
    """Take a query apart. Raises ValueError, with the fix, for a date that is none."""
    words: list[str] = []
    lists: dict[str, list[str]] = {
        name: [] for name in ("without", "title", "site", "-site", "source", "lang")
    }
    dates: dict[str, datetime] = {}
    groups: list[list[int]] = []
    joins = False
    end = 0
    for piece in _PIECE.finditer(query):
        blank, end = query[end : piece.start()], piece.end()
        operator, value = (piece["operator"] or "").lower(), piece["value"]
        bare = value.strip(_QUOTES)
        key = ("-" if piece["not"] else "") + operator
        if key in ("after", "before") and bare:
            dates[key] = _moment(key, bare)
        elif key in lists and bare:
            lists[key].append(bare if key != "title" else value)
        elif key == "-":
            lists["without"].append(value)
        elif piece[0] == "OR":
            joins = bool(words)
            continue
        else:
            words.append(blank + piece[0])
            if joins:
                _join(groups, len(words) - 1)
        joins = False
    either = [[words[at].strip() for at in group] for group in groups]
    either = [group for group in either if any(each[0] in _QUOTES for each in group)]
    for at in (at for group in groups for at in group):
        words[at] = " " + words[at].strip().strip(_QUOTES)
    return QueryParts(
        words="".join(words).strip() or " ".join(lists["title"]),
        either=tuple(map(tuple, either)),
        without=tuple(lists["without"]),
        titles=tuple(lists["title"]),
        sites=tuple(map(_site, lists["site"])),
        not_sites=tuple(map(_site, lists["-site"])),
        sources=tuple(lists["source"]),
        langs=tuple(each.lower() for each in lists["lang"]),
        after=dates.get("after"),
        before=dates.get("before"),
    )


def _join(groups: list[list[int]], place: int) -> None:
    """Put a piece into one group with the piece before it."""
    if groups and groups[-1][-1] == place - 1:
        groups[-1].append(place)
    else:
        groups.append([place - 1, place])


def _site(value: str) -> str:
    """A host and the beginning of a path, as an address has them."""
    return re.sub(r"^(?:[a-z][a-z0-9+.-]*:)?//|^\*\.", "", value.lower()).rstrip("/")


def _moment(operator: str, value: str) -> datetime:
    """`after:2025` is from 2025 on, `before:2025` until it begins; so with months and days."""
    found = _DATE.fullmatch(value)
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part or 1) for part in found.groups())
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise ValueError(
            f"{operator}: {value[:40]!r} is no date; use 2025, 2025-06 or 2025-06-30."
        ) from None
