"""What an audit finds, and what it says of a repair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Repair = Literal[
    "",
    "process",
    "close_version",
    "remove_mark",
    "remove_prepared",
    "release_claim",
    "release_lease",
    "end_pages",
    "remove_leftovers",
    "index_again",
    "make_state",
    "note_blob",
    "tell_changes",
]
"""How a finding is repaired; empty: by nothing that the corpus holds."""

_DONE: dict[Repair, str] = {
    "": "nothing that the corpus holds can repair this",
    "process": "to be processed again from its stored body",
    "close_version": "version closed",
    "remove_mark": "mark removed",
    "remove_prepared": "prepared work removed",
    "release_claim": "claim released",
    "release_lease": "lease released",
    "end_pages": "pages recorded as skipped",
    "remove_leftovers": "rows removed",
    "index_again": "indexed again",
    "make_state": "state made; the page is due",
    "note_blob": "row made",
    "tell_changes": "change appended to the feed",
}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """Something that does not agree."""

    check: str
    key: str
    """What it is about: a page's number, a hash, a run."""
    detail: str
    repair: str = ""
    """What was done about it, or why nothing was."""
    repaired: bool = False


def says(repair: Repair) -> str:
    """What is said of a repair that was made."""
    return _DONE[repair]
