"""A source: what to watch and by which rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Kind = Literal["urls", "feed", "sitemap", "site"]
Deletion = Literal["careful", "prompt", "keep"]

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """The declared rules of one source; times in seconds unless typed."""

    name: str
    kind: Kind
    urls: tuple[str, ...]
    prefix: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    delay: float = 1.0
    parallel: int = 1
    max_pages: int | None = None
    max_depth: int | None = None
    cadence: timedelta = field(default=timedelta(days=1))
    deletion: Deletion = "careful"
    paused: bool = False


class InvalidSource(ValueError):
    """A declared rule cannot be used; the message names field, value and mend."""


def check_source(spec: SourceSpec) -> SourceSpec:
    """Return `spec`, or raise `InvalidSource`."""
    rules: tuple[tuple[bool, str], ...] = (
        (
            NAME.fullmatch(spec.name) is not None,
            f"name: {spec.name!r} refused: use up to 63 of a-z, 0-9, '_', '.', '-', "
            "beginning with a letter or digit",
        ),
        (bool(spec.urls), "urls: none given; a source needs at least one URL"),
        (0 <= spec.delay <= 3600, f"delay: {spec.delay} refused: give 0 to 3600 seconds"),
        (1 <= spec.parallel <= 64, f"parallel: {spec.parallel} refused: give 1 to 64"),
        (
            spec.max_pages is None or spec.max_pages > 0,
            f"max_pages: {spec.max_pages} refused: give 1 or more, or leave it out",
        ),
        (
            spec.max_depth is None or 0 <= spec.max_depth <= 1000,
            f"max_depth: {spec.max_depth} refused: give 0 to 1000, or leave it out",
        ),
        (
            timedelta(minutes=1) <= spec.cadence <= timedelta(days=366),
            f"cadence: {spec.cadence} refused: give one minute to one year",
        ),
    )
    for holds, message in rules:
        if not holds:
            raise InvalidSource(message)
    return spec
