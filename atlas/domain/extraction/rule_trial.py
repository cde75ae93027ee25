"""Rules tried on one body: its text without them and by them, and what each of them found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.domain.extraction.extraction_rules import RuleMatch


@dataclass(frozen=True, slots=True)
class TriedText:
    """What a body says by some rules."""

    title: str
    author: str | None
    """Where the rules say how to know."""
    published: datetime | None
    """The date of publication that the page states."""
    lang: str | None
    """ISO 639 code; None when it could not be determined."""
    text: str
    """Plain text."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """One body, extracted twice."""

    without: TriedText
    """By no rules."""
    by_rules: TriedText
    """By the rules that were tried."""
    matches: tuple[RuleMatch, ...]
    """What each rule found, in the order of kinds, then as declared."""
    fell_back: str | None
    """Which rules were not followed because nothing would be left; None: all were."""
    compared: str | None
    """Hash of what counts as a change; None: nothing is ignored, so all does."""
