"""What a body that is not the page can be. Plain values: stores and workers load no rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BodyKind(StrEnum):
    """What a body is instead of the page: the code of the page in the run and in the ledger."""

    LOGIN = "login_page"
    CHALLENGE = "challenge_page"
    BLOCK = "block_page"
    CONSENT = "consent_wall"
    MISSING = "soft_404"
    MAINTENANCE = "maintenance_page"
    ERROR = "error_page"


MAX_EVIDENCE = 200
"""Pieces, and characters of each, that a record may hold."""

SAYS = {
    BodyKind.LOGIN: "a login form",
    BodyKind.CHALLENGE: "a check for humans",
    BodyKind.BLOCK: "a refusal of access",
    BodyKind.CONSENT: "a consent wall",
    BodyKind.MISSING: "'not found', with status 200",
    BodyKind.MAINTENANCE: "a maintenance page",
    BodyKind.ERROR: "an error page, with status 200",
}
"""Each in words, after `answered with`."""


@dataclass(frozen=True, slots=True)
class BodyVerdict:
    """What a body seems to be, and why. `certain`: by itself; otherwise only if it also took most
    of a longer text's place."""

    kind: BodyKind
    evidence: tuple[str, ...]
    certain: bool = True

    @property
    def says(self) -> str:
        """Kind and evidence in one line."""
        return f"{SAYS[self.kind]} ({'; '.join(self.evidence)})"
