"""The one parser of robots.txt: what of it is for Atlas (RFC 9309, 2.2). It runs in a child.

Lines are read once, in order, and each costs its length. What is kept is bounded: rules that no
address can match and repeated ones are left out.
"""

import math
from dataclasses import dataclass, field

from atlas.domain.addresses.urls import MAX_URL_LENGTH, InvalidUrl, canonicalize
from atlas.domain.politeness.robots_rules import Rule, in_order, rule_of
from atlas.domain.politeness.robots_tags import CRAWLER, product_token
from atlas.web.robots_answer import MAX_SITEMAPS, PARSE_LIMIT, RobotsAnswer

_LONGEST_DELAY = 3600.0  # seconds of Crawl-delay that are believed
_BOM = b"\xef\xbb\xbf"

# As they are written in the wild, misspellings included: a rule that is misspelt is still meant.
_FIELDS = {
    b"user-agent": "agent",
    b"user agent": "agent",
    b"useragent": "agent",
    b"allow": "allow",
    b"disallow": "disallow",
    b"dissallow": "disallow",
    b"dissalow": "disallow",
    b"disalow": "disallow",
    b"diasllow": "disallow",
    b"disallaw": "disallow",
    b"crawl-delay": "delay",
    b"crawl delay": "delay",
    b"sitemap": "sitemap",
    b"sitemaps": "sitemap",
    b"site-map": "sitemap",
}


@dataclass(slots=True)
class _Group:
    """What all groups say together that name one crawler."""

    rules: dict[Rule, None] = field(default_factory=dict)
    delay: float | None = None


def parse_robots(url: str, body: bytes) -> RobotsAnswer:
    """The rules for Atlas in a file that was read at `url`, and the sitemaps it names: canonical
    URLs, each once."""
    groups: dict[str, _Group] = {}
    sitemaps: dict[str, None] = {}
    named: set[str] = set()  # of the group's names only the two that matter: there may be thousands
    ruled = False
    for line in _lines(body):
        name, value = _parted(line)
        if name == "agent":
            token = product_token(value.decode("latin-1"))
            named = (set() if ruled else named) | {token} & {CRAWLER, "*"}
            ruled = False
            for each in named:
                groups.setdefault(each, _Group())
        elif name == "sitemap":
            _note_sitemap(sitemaps, value, url)
        elif name:
            ruled = ruled or name != "delay"  # other lines part no groups (2.2.4)
            for each in named:
                _add(groups[each], name, value)
    ours = groups.get(CRAWLER) or groups.get("*") or _Group()
    return RobotsAnswer(tuple(in_order(ours.rules)), ours.delay, tuple(sitemaps))


def _lines(body: bytes) -> list[bytes]:
    """The lines within the limit, without comments. One that the limit cuts says something else
    than was written, and is left out."""
    lines = body[:PARSE_LIMIT].removeprefix(_BOM).splitlines()  # of octets: CR, LF and CRLF only
    if len(body) >= PARSE_LIMIT and body[PARSE_LIMIT - 1] not in b"\r\n":
        lines.pop()
    return [line.partition(b"#")[0].strip() for line in lines]


def _parted(line: bytes) -> tuple[str, bytes]:
    """Field and value. A missing colon is forgiven; an unknown field is ""."""
    key, _, value = line.partition(b":")
    if name := _FIELDS.get(key.strip().lower()):
        return name, value.strip()
    for words in (1, 2):
        parts = line.split(None, words)
        if name := _FIELDS.get(b" ".join(parts[:words]).lower()):
            return name, b"".join(parts[words:])
    return "", b""


def _add(group: _Group, name: str, value: bytes) -> None:
    if name == "delay":
        group.delay = _longer(group.delay, _delay(value))
        return
    rule = rule_of(name == "allow", _path(value))
    if rule and len(rule.pattern.replace("*", "")) <= MAX_URL_LENGTH:
        group.rules[rule] = None


def _path(value: bytes) -> bytes:
    """A rule that holds a whole URL means its path."""
    if value[:8].lower().startswith((b"http://", b"https://")):
        return b"/" + value.partition(b"://")[2].partition(b"/")[2]
    return value


def _delay(value: bytes) -> float | None:
    try:
        seconds = float(value[:40])
    except ValueError:
        return None
    return min(seconds, _LONGEST_DELAY) if math.isfinite(seconds) and seconds >= 0 else None


def _longer(one: float | None, other: float | None) -> float | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _note_sitemap(sitemaps: dict[str, None], value: bytes, base: str) -> None:
    if len(sitemaps) >= MAX_SITEMAPS or len(value) > 4 * MAX_URL_LENGTH:
        return
    try:
        sitemaps[canonicalize(value.decode("utf-8", "replace"), base)] = None
    except InvalidUrl:
        return
