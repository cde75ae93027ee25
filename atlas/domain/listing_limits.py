"""How much of a listing is read: the one table of limits, which a source may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from atlas.domain.errors import ErrorClass, PageError


class ListingLimit(NamedTuple):
    """A limit: its default, the bounds of what a source may declare, and what it counts."""

    default: int
    least: int
    most: int
    counts: str


_MIB = 1024 * 1024

BYTES = ListingLimit(50 * _MIB, 1024, 512 * _MIB, "bytes of a file, uncompressed")  # sitemaps.org
ENTRIES = ListingLimit(50_000, 1, 1_000_000, "entries of a file")  # sitemaps.org
FILES = ListingLimit(1_000, 1, 100_000, "files of a listing")
ADDRESSES = ListingLimit(1_000_000, 1, 50_000_000, "addresses of a listing")
# The parsers of feeds recurse: deeper than the default they lose entries without an error.
DEPTH = ListingLimit(500, 10, 500, "levels of nesting")
PROLOG = ListingLimit(64 * 1024, 256, _MIB, "characters before the first element")

LIMITS = {
    "listing_bytes": BYTES,
    "listing_entries": ENTRIES,
    "listing_files": FILES,
    "listing_addresses": ADDRESSES,
    "listing_depth": DEPTH,
    "listing_prolog": PROLOG,
}
"""By the rule of a source that changes it."""

PARSER_VERSION = 1
"""Of the parsers of listings: raise it when they read what they failed on before, and what was
quarantined is tried again."""

ELEMENTS_PER_ENTRY = 100
"""Tags, or brackets, texts and commas of JSON, that a file may have for each entry allowed."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What is read of one file of a listing."""

    bytes: int = BYTES.default
    entries: int = ENTRIES.default
    depth: int = DEPTH.default
    prolog: int = PROLOG.default

    @property
    def elements(self) -> int:
        """Tags, or brackets, texts and commas of JSON."""
        return self.entries * ELEMENTS_PER_ENTRY


DEFAULTS = FileLimits()

Cut = Literal["", "entries", "elements", "depth"]
"""The limit beyond which a file was not read, after its first entries."""


def cut_at(cut: Cut, url: str, limits: FileLimits) -> PageError:
    """The failure of a file whose first entries are taken. `cut` is not empty."""
    if cut == "elements":
        return too_many("listing_too_long", url, "elements", limits)
    if cut == "depth":
        return over("listing_too_deep", url, "listing_depth", limits.depth)
    return over("listing_too_long", url, "listing_entries", limits.entries)


def too_many(code: str, url: str, what: str, limits: FileLimits) -> PageError:
    """The failure of a file with too many elements."""
    told = (
        f"{url} has more than {limits.elements:,} {what}, {ELEMENTS_PER_ENTRY} for each of the "
        f"{limits.entries:,} entries that are read; if they are wanted, raise --listing-entries of "
        "the source with `atlas sources edit`"
    )
    return PageError(ErrorClass.QUOTA, code, told)


def over(code: str, url: str, rule: str, limit: int) -> PageError:
    """The failure of a listing that goes beyond a limit, with the rule that raises it."""
    option = f"--{rule.replace('_', '-')}"
    told = (
        f"{url} has more than {limit:,} {LIMITS[rule].counts}; "
        f"if they are wanted, raise {option} of the source with `atlas sources edit`"
    )
    return PageError(ErrorClass.QUOTA, code, told)
