"""What a page asks of crawlers: X-Robots-Tag and `<meta name=robots>`.

Both speak one language (Google's "Robots meta tag" specification; there is no RFC): rules by comma,
those that forbid add up. A header may name the crawler it speaks to, a meta element is named by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class RobotsTags:
    """What is asked of Atlas: to leave the page out of the index, not to follow its links."""

    noindex: bool = False
    nofollow: bool = False

    def __or__(self, other: RobotsTags) -> RobotsTags:
        return RobotsTags(self.noindex or other.noindex, self.nofollow or other.nofollow)

    def __str__(self) -> str:
        """As `asked_by_header` reads it; empty when nothing is asked."""
        words = (("noindex", self.noindex), ("nofollow", self.nofollow))
        return ", ".join(word for word, asked in words if asked)


NOTHING_ASKED = RobotsTags()


def asked_by_header(values: Iterable[str]) -> RobotsTags:
    """What the values of X-Robots-Tag, one a header line, ask of Atlas.

    A crawler's name holds for the rest of its line: `otherbot: noindex, nofollow` is not for us.
    """
    return _asked(word for value in values for word in _words_for_us(value))


def asked_by_meta(values: Iterable[str]) -> RobotsTags:
    """What the contents of the meta elements named `robots` or `atlas` ask."""
    return _asked(word for value in values for word in re.split(r"[\s,;]+", value))


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


def _asked(words: Iterable[str]) -> RobotsTags:
    found: set[str] = set()
    for word in words:
        found |= _FORBIDS.get(word.strip().lower(), frozenset())
    return RobotsTags("noindex" in found, "nofollow" in found)
