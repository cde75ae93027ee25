"""The parts of an export: the pages of one, and what is recorded when it is finished."""

from __future__ import annotations

from dataclasses import dataclass

MANIFEST = "manifest.json"
"""Names the parts; an export is complete when it is there."""


class TargetRefused(Exception):
    """An export cannot be written there; the message names the place and the fix."""


@dataclass(frozen=True, slots=True)
class PartRange:
    """The pages of one part: those after one page, up to another."""

    after: int
    last: int
    pages: int
    """How many of them were chosen."""


@dataclass(frozen=True, slots=True)
class FinishedPart:
    """One part as it is in the target."""

    number: int
    """Counts from 0."""
    name: str
    range: PartRange
    documents: int
    bytes: int
    sha256: str
