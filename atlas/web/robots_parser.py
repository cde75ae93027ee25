"""A robots.txt is parsed in a child process: what goes there, and what the worker believes of it.

`parse_job` runs in the child, under its limits of time and memory. Its answer is plain fields,
checked one by one, because whatever reads hostile bytes may have been taken over by them.
"""

from __future__ import annotations

import math
from typing import Annotated, Protocol

from msgspec import Meta
from msgspec.msgpack import Decoder, encode

from atlas.domain.addresses.urls import MAX_URL_LENGTH
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.politeness.robots_rules import Rule, RuleSet
from atlas.domain.wire_fields import WireFields, canonical, check, decode
from atlas.web.robots_answer import MAX_SITEMAPS, PARSE_LIMIT, RobotsAnswer

LONG = 32 * 1024
"""An answer of more bytes is read, and rules of more states are asked, in a thread: the event loop
would wait for them."""

_SHORTEST = len("allow:/\n")
_Pattern = Annotated[str, Meta(max_length=2 * MAX_URL_LENGTH + 2)]
_Octets = Annotated[int, Meta(ge=0, le=PARSE_LIMIT)]
_Rules = Annotated[list[tuple[bool, _Pattern, _Octets]], Meta(max_length=PARSE_LIMIT // _SHORTEST)]
_Address = Annotated[str, Meta(max_length=MAX_URL_LENGTH)]


class _Fields(WireFields):
    rules: _Rules
    delay: Annotated[float, Meta(ge=0, le=3600)] | None
    sitemaps: Annotated[list[_Address], Meta(max_length=MAX_SITEMAPS)]


_FIELDS = Decoder(_Fields)


class RobotsTxt:
    """A robots.txt as it is asked."""

    def __init__(self, answer: RobotsAnswer) -> None:
        self._rules = RuleSet(answer.rules)
        self.crawl_delay = answer.delay
        """Seconds between requests that it asks for."""
        self.sitemaps = answer.sitemaps
        """Canonical URLs, each once."""

    @property
    def size(self) -> int:
        """What the rules take in memory, in the unit of `LONG`."""
        return self._rules.states

    def allows(self, url: str) -> bool:
        """Whether the rules permit `url`, a canonical URL of the file's origin."""
        return self._rules.allows(url)

    def line_against(self, url: str) -> str:
        """The line that forbids `url`, as in `Disallow: /private/`; "" if none does."""
        return self._rules.line_against(url)


NO_RULES = RobotsTxt(RobotsAnswer())
"""Of an origin that has no robots.txt."""


class ParseRobots(Protocol):
    """Parses a robots.txt that was read at `url`, somewhere it can do no harm.

    Raises PageError: it takes too much time or memory, crashes or answers nonsense
    (`robots_timeout`, `robots_memory`, `robots_crashed`, `robots_malformed`).
    """

    async def __call__(self, url: str, body: bytes) -> RobotsTxt: ...


async def unparsed(url: str, body: bytes) -> RobotsTxt:
    """Of a client that has no child to parse in: it parses nothing, and so fetches nothing."""
    raise unusable(url, "robots_malformed", "this process has no parser")


def unusable(url: str, code: str, why: str) -> PageError:
    """The failure of every page whose robots.txt cannot be parsed: not tried again in the run."""
    return PageError(ErrorClass.BLOCKED, code, f"{url} could not be parsed: {why}")


def parse_job(job: tuple[str, bytes]) -> bytes:
    """The answer that `read` takes, of a child that was given the URL and the body."""
    from atlas.web.robots_txt import parse_robots  # in the child only

    found = parse_robots(*job)
    return encode(_Fields([(*rule,) for rule in found.rules], found.delay, [*found.sitemaps]))


def warm_up() -> None:
    """Import the parser, so that children forked from this process have it."""
    parse_job(("https://warm.invalid/robots.txt", b"User-agent: *\nDisallow: /"))


def read(answer: bytes) -> RobotsTxt:
    """What a child answered. Raises MalformedAnswer."""
    fields = decode(_FIELDS, answer)
    rules = tuple(Rule(*rule) for rule in fields.rules)
    size = sum(len(rule.pattern) for rule in rules)
    check(size, size <= PARSE_LIMIT, "more rules than a file holds")
    check(fields.delay, math.isfinite(fields.delay or 0.0), "no number of seconds")
    for url in fields.sitemaps:
        canonical(url)
    return RobotsTxt(RobotsAnswer(rules, fields.delay, tuple(fields.sitemaps)))
