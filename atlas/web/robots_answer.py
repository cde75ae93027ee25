"""What is read of a robots.txt: by the parser in its child, and by the worker that asked."""

from __future__ import annotations

from typing import NamedTuple

from atlas.domain.politeness.robots_rules import Rule

PARSE_LIMIT = 500 * 1024
"""Bytes of a robots.txt that are read (RFC 9309, 2.5)."""

MAX_SITEMAPS = 1000
"""Sitemaps of one file."""


class RobotsAnswer(NamedTuple):
    """The rules for Atlas, how many seconds they ask to leave between requests, and the sitemaps
    of the whole file."""

    rules: tuple[Rule, ...] = ()
    delay: float | None = None
    sitemaps: tuple[str, ...] = ()
