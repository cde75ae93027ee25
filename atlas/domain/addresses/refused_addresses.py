"""Addresses that a listing names or pages link to and that their source does not take, by the rule
that refused them.

What is kept is bounded, whatever a listing holds: how many there were of each rule, and of all
rules together MOST addresses, so many of each that a rule which refuses millions does not hide the
others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

MOST = 1000
"""Addresses that are remembered of a source."""
LONGEST_RULE = 300
"""Characters of a rule that are kept: a pattern may be longer."""

NO_PAGE = "not a page"
"""Of a link whose name says that it is an image, a script, an archive, a feed …"""
NO_DOCUMENT = "not a document"
"""Of a file whose name says that it is none that Atlas reads."""
RUN_LIMIT = "the run's own limits"
"""Of links that a run had no pages, bytes or minutes left for."""


def max_pages(pages: int) -> str:
    """The rule of a source that may have so many pages in a run."""
    return f"max_pages {pages}"


def max_depth(links: int) -> str:
    """The rule of a source that goes so many links deep."""
    return f"max_depth {links}"


@dataclass(slots=True)
class RefusedAddresses:
    """What was refused of one listing, or of the links to one level."""

    counts: dict[str, int] = field(default_factory=dict)
    """Rule → how many addresses; one that a listing repeats counts each time."""
    _kept: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, rule: str, urls: Iterable[str], *, more: int = 0) -> None:
        """Note that a rule refused `urls`, the first of them, and `more` beside them."""
        rule = rule[:LONGEST_RULE]
        kept = self._kept.setdefault(rule, {})
        seen = more
        for url in urls:
            seen += 1
            if len(kept) < MOST:
                kept[url] = None
        if seen:
            self.counts[rule] = self.counts.get(rule, 0) + seen

    def example(self, rule: str) -> str:
        """The first address that a rule refused."""
        return next(iter(self._kept.get(rule, ())), "")

    def addresses(self) -> dict[str, str]:
        """Address → rule: MOST at most, the rules taking turns."""
        turns = zip_longest(*([(url, rule) for url in urls] for rule, urls in self._kept.items()))
        fair = (each for each in chain.from_iterable(turns) if each is not None)
        return dict(islice(fair, MOST))
