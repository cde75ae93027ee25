"""Which version of a page a restore brings back, and why it brings back none: pure rules.

Three questions lead to a version: the one before the page left or changed (a URL), the one that a
run replaced or ended (`--run`), the one that was live at a moment (`--since`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["restored", "unchanged", "failed", "skipped"]

REASONS = {
    "purged": "the page left so long ago that its texts are past their retention, or was erased",
    "version_expired": "the version that was live then is past its retention",
    "version_unknown": "the page has no version of that number; `atlas docs history` lists them",
    "no_text": "no text of this page was ever kept",
    "changed_since": "the page says something newer than what the run left, which stays",
}
"""Code → why a page is not restored."""


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """One version of a page, as a restore looks at it."""

    seq: int
    text: bytes
    """Its hash."""
    valid_from: datetime
    valid_to: datetime | None
    opened_by: str | None
    """The run that brought it."""
    closed_by: str | None
    """The run that replaced or ended it."""
    restored: bool = False
    """Whether a restore brought it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; without `run`, `since` and `version`: what the page said before."""

    run: str | None = None
    since: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreChoice:
    """What becomes of one page: `seq` is to be brought back, or nothing is, for the reason `code`.

    An empty code without a version: the page says already what it said, nothing is to be done.
    """

    seq: int | None = None
    code: str = ""

    @property
    def failed(self) -> bool:
        """Whether what was asked for cannot be had."""
        return bool(self.code) and self.code != "changed_since"


NOTHING = RestoreChoice()


def choose(versions: list[KeptVersion], wanted: Wanted, *, purged: bool) -> RestoreChoice:
    """The version of a page to bring back; `versions` are in their order."""
    if not versions:
        return RestoreChoice(code="purged" if purged else "no_text")
    now = versions[-1] if versions[-1].valid_to is None else None
    if wanted.version is not None:
        found = _numbered(versions, wanted.version)
    elif wanted.run is not None:
        found = _replaced_by(versions, now, wanted.run)
    elif wanted.since is not None:
        found = _live_at(versions, now, wanted.since)
    else:
        found = _before(versions, now)
    if found.seq is None or now is None:
        return found
    target = next(version for version in versions if version.seq == found.seq)
    return NOTHING if target.text == now.text else found


def _numbered(versions: list[KeptVersion], number: int) -> RestoreChoice:
    if any(version.seq == number for version in versions):
        return RestoreChoice(number)
    return RestoreChoice(code="version_expired" if number < versions[0].seq else "version_unknown")


def _replaced_by(versions: list[KeptVersion], now: KeptVersion | None, run: str) -> RestoreChoice:
    first = next((version for version in versions if version.closed_by == run), None)
    if first is None:
        return NOTHING
    # A page that came back by itself, or changed again, says what its site wants it to say now.
    if now is not None and now.opened_by != run and now.text != first.text:
        return NOTHING if now.restored else RestoreChoice(code="changed_since")
    return RestoreChoice(first.seq)


def _live_at(
    versions: list[KeptVersion], now: KeptVersion | None, moment: datetime
) -> RestoreChoice:
    for version in versions:
        if version.valid_from <= moment and (version.valid_to is None or moment < version.valid_to):
            return RestoreChoice(version.seq)
    expired = versions[0].seq > 1 and versions[0].valid_from > moment
    if now is None:  # it came and left since, or its text of then is gone: the last is the best
        left = versions[-1].valid_to
        return RestoreChoice(versions[-1].seq) if left and left > moment else NOTHING
    return RestoreChoice(code="version_expired") if expired and not now.restored else NOTHING


def _before(versions: list[KeptVersion], now: KeptVersion | None) -> RestoreChoice:
    if now is None:
        return RestoreChoice(versions[-1].seq)
    if now.restored:
        return NOTHING
    earlier = [version.seq for version in versions if version.text != now.text]
    if earlier:
        return RestoreChoice(earlier[-1])
    return RestoreChoice(code="version_expired") if versions[0].seq > 1 else NOTHING
