"""The one reader of a robots.txt: what of it is for Atlas (RFC 9309, 2.2).

The parser picks a group where its name is found anywhere at the start of a word, so a group for
`a` would win over `*`, and one for `Atlas/0.3` would not be ours. So the groups are chosen here,
and the parser is given ours alone.
"""

import math
import re

from protego import Protego

from atlas.domain.robots_tags import CRAWLER, product_token
from atlas.domain.urls import InvalidUrl, canonicalize

PARSE_LIMIT = 500 * 1024
"""Bytes of a robots.txt that are read (RFC 9309, 2.5)."""

LONG = 16 * 1024
"""Bytes from which on a file is parsed, and asked, beside the event loop."""

_LONGEST_DELAY = 3600.0  # seconds of Crawl-delay that are believed
_MAX_SITEMAPS = 1000
_NAME = re.compile(r"\s*user[- ]?agent\s*(?:[:\s]\s*(.*)|$)", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:allow|dis?s?all?[oa]w|diasllow)\s*(?:[:\s]|$)", re.IGNORECASE)
_SITEMAP = re.compile(r"\s*site-?maps?\s*(?:[:\s])", re.IGNORECASE)


class RobotsTxt:
    """The rules for Atlas in the file `body`, and the sitemaps that it names: canonical URLs,
    each once. `url` is where it was read."""

    def __init__(self, body: bytes, url: str) -> None:
        text = body[:PARSE_LIMIT].decode("utf-8-sig", "replace")  # RFC 9309, 2.3
        self._parsed = Protego.parse(lines_for(CRAWLER, text))
        self.long = len(body) > LONG
        self.crawl_delay = _delay(self._parsed.crawl_delay(CRAWLER))
        self.sitemaps = _sitemaps(self._parsed, url)

    def allows(self, url: str) -> bool:
        """Whether the rules permit `url`, a URL of the file's origin."""
        return bool(self._parsed.can_fetch(url, CRAWLER))


def lines_for(crawler: str, text: str) -> str:
    """`text` with the one group of the product token `crawler` (in lower case): the rules of all
    groups that name it, else of those for everyone, in order. Sitemaps belong to no group and all
    stay."""
    found: dict[str, list[str]] = {}
    sitemaps: list[str] = []
    named: set[str] = set()  # of the group's names only the two that matter: there may be thousands
    ruled = False
    for raw in text.splitlines():
        line = raw.partition("#")[0]
        if name := _NAME.match(line):
            named = (set() if ruled else named) | {product_token(name[1] or "")} & {crawler, "*"}
            ruled = False
            found.update({each: found.get(each, []) for each in named})
        elif _SITEMAP.match(line):
            sitemaps.append(line)
        else:
            ruled = ruled or bool(_RULE.match(line))  # other lines part no groups (2.2.4)
            for each in named:
                found[each].append(line)
    ours = found.get(crawler, found.get("*", []))
    return "\n".join([f"User-agent: {crawler}", *ours, *sitemaps])


def _delay(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, _LONGEST_DELAY)


def _sitemaps(parsed: Protego, url: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for line in parsed.sitemaps:
        try:
            found[canonicalize(line, url)] = None
        except InvalidUrl:
            continue
        if len(found) == _MAX_SITEMAPS:
            break
    return tuple(found)
