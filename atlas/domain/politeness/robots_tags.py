"""What a page asks of crawlers: X-Robots-Tag and `<meta name=robots>`.

Both speak one language (Google's "Robots meta tag" specification; there is no RFC): rules by comma,
those that forbid add up. A header may name the crawler it speaks to, a meta element is named by it.
`unavailable_after` is a `noindex` from its moment on; one that names no date asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

CRAWLER = "atlas"
"""Atlas's product token, in lower case."""

_FORBIDS = {
    "noindex": frozenset(("noindex",)),
    "nofollow": frozenset(("nofollow",)),
    "none": frozenset(("noindex", "nofollow")),
}
# Rules with a value; any other word before a colon is the name of a crawler.
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
# A name begins with a letter: what does not is a part of a date (`unavailable_after: Wed, 15:00`).
_NAMED = re.compile(r"\s*([A-Za-z*][^\s:,]*)\s*:(.*)", re.DOTALL)
_TOKEN = re.compile(r"[a-z_-]*", re.IGNORECASE)
_UNTIL = re.compile(r"unavailable_after\s*[:=]\s*([^,;]*)([,;][^,;]*)?", re.IGNORECASE)
_LONGEST_DATE = 60  # characters


@dataclass(frozen=True, slots=True)
class RobotsTags:
    """What is asked of Atlas: to leave the page out of the index, not to follow its links."""

    noindex: bool = False
    nofollow: bool = False
    unavailable_after: datetime | None = None
    """The page is to be left out of the index from then on."""

    def __or__(self, other: RobotsTags) -> RobotsTags:
        return RobotsTags(
            self.noindex or other.noindex,
            self.nofollow or other.nofollow,
            earliest(self.unavailable_after, other.unavailable_after),
        )

    def __str__(self) -> str:
        """As `asked_by_header` reads it; empty when nothing is asked."""
        until = self.unavailable_after
        words = (
            ("noindex", self.noindex),
            ("nofollow", self.nofollow),
            (f"unavailable_after: {until.isoformat()}" if until else "", until is not None),
        )
        return ", ".join(word for word, asked in words if asked)

    def at(self, now: datetime) -> RobotsTags:
        """What holds at a moment: past its date, the page asks to be left out."""
        over = self.unavailable_after is not None and self.unavailable_after <= now
        return replace(self, noindex=True) if over else self


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of those that are set."""
    return min((moment for moment in moments if moment is not None), default=None)


NOTHING_ASKED = RobotsTags()


def asked_by_header(values: Iterable[str]) -> RobotsTags:
    """What the values of X-Robots-Tag, one a header line, ask of Atlas.

    A crawler's name holds for the rest of its line: `otherbot: noindex, nofollow` is not for us.
    """
    ours = [",".join(_words_for_us(value)) for value in values]
    return _asked((word for value in ours for word in value.split(",")), ours)


def asked_by_meta(values: Iterable[str]) -> RobotsTags:
    """What the contents of the meta elements named `robots` or `atlas` ask."""
    contents = list(values)
    words = (word for content in contents for word in re.split(r"[\s,;]+", content))
    return _asked(words, contents)


def is_meta_name(name: str) -> bool:
    """Whether a meta element of this name speaks to Atlas."""
    return name.strip().lower() in ("robots", CRAWLER)


def _words_for_us(value: str) -> Iterable[str]:
    ours = True
    for part in value.split(","):
        named = _NAMED.match(part)
        if named and named[1].lower() not in _VALUED:
            ours = _is_us(named[1].lower())
            part = named[2]
        if ours:
            yield part


def _is_us(name: str) -> bool:
    return name == "robots" or product_token(name) in ("*", CRAWLER)


def product_token(name: str) -> str:
    """The product token that a user-agent line or a tag names, in lower case: its letters, `_` and
    `-` up to anything else. `*` stands for everyone, and nothing is nobody's name."""
    stripped = name.strip()
    if stripped.split()[:1] == ["*"]:
        return "*"
    token = _TOKEN.match(stripped)
    return token[0].lower() if token else ""


def _asked(words: Iterable[str], values: Iterable[str]) -> RobotsTags:
    found: set[str] = set()
    for word in words:
        found |= _FORBIDS.get(word.strip().lower(), frozenset())
    dates = (_date(match) for value in values for match in _UNTIL.finditer(value))
    return RobotsTags("noindex" in found, "nofollow" in found, earliest(*dates))


def _date(found: re.Match[str]) -> datetime | None:
    """The date of one rule: up to a comma, or to the next one, since `Wed, 25 Jun` has one too."""
    alone = _moment(found[1])
    return alone if alone or not found[2] else _moment(found[1] + "," + found[2][1:])


def _midnight(day: str) -> datetime:
    return parsedate_to_datetime(f"{day} 00:00:00")


def _moment(text: str) -> datetime | None:
    """A date as ISO 8601, RFC 822 or RFC 850 write it; without a time, the end of that day; in UTC
    where no zone is named."""
    stripped = text.strip(" \t\"'")
    if not stripped or len(stripped) > _LONGEST_DATE:
        return None
    whole_day = timedelta(0) if ":" in stripped or "T" in stripped[8:] else timedelta(days=1)
    for read in (datetime.fromisoformat, parsedate_to_datetime, _midnight):
        try:
            moment = read(stripped)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC) + whole_day
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
