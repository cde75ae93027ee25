"""The lifecycle of a page: pure rules. When one that vanished leaves is in `removal_rules.py`.

    discovered ──settled──▶ live ──gone, held──▶ suspect ──removed──▶ tombstoned ──expired──▶ purged
         │                   ▲ ◀─answered, accepted─ │                   │
         └──poisoned──▶ quarantined ◀──────────────poisoned─────────┘

Settling a document makes any page live again, but a suspect one: it may be settled from a body
stored before, and only an answer takes the suspicion away. A source removed with `--purge` purges
any page. A restore, which settles an earlier version, takes the suspicion away as well. A page
whose body was held (`suspicious_bodies.py`) is suspect too, for the reason beside that body;
accepting it makes the page live. The stores build their statements from this table
(`stores/postgres/lifecycle_sql.py`).
"""

from __future__ import annotations

from enum import StrEnum


class Lifecycle(StrEnum):
    """Where a page is."""

    DISCOVERED = "discovered"
    LIVE = "live"
    SUSPECT = "suspect"
    TOMBSTONED = "tombstoned"
    PURGED = "purged"
    QUARANTINED = "quarantined"


class Evidence(StrEnum):
    """What happened to a page."""

    ANSWERED = "answered"
    SETTLED = "settled"
    RESTORED = "restored"
    GONE = "gone"
    HELD = "held"
    ACCEPTED = "accepted"
    REMOVED = "removed"
    POISONED = "poisoned"
    RELEASED = "released"
    EXPIRED = "expired"
    ERASED = "erased"


_D, _L, _S, _T, _P, _Q = Lifecycle
_TRANSITIONS: dict[Evidence, dict[Lifecycle, Lifecycle]] = {
    Evidence.ANSWERED: {_S: _L},
    Evidence.SETTLED: dict.fromkeys((_D, _L, _T, _P, _Q), _L),
    Evidence.RESTORED: {_S: _L},
    Evidence.GONE: {_L: _S},
    Evidence.HELD: {_L: _S},
    Evidence.ACCEPTED: dict.fromkeys((_D, _L, _S, _T, _P, _Q), _L),
    Evidence.REMOVED: dict.fromkeys((_D, _L, _S, _Q), _T),
    Evidence.POISONED: {_D: _Q, _T: _Q},
    Evidence.RELEASED: {_Q: _D},
    Evidence.EXPIRED: {_T: _P},
    Evidence.ERASED: dict.fromkeys(Lifecycle, _P),
}

MEANINGS: dict[Lifecycle | Evidence, str] = {
    Lifecycle.DISCOVERED: "known, and nothing of it is in the corpus",
    Lifecycle.LIVE: "its document can be found",
    Lifecycle.SUSPECT: "its document can be found, but the page answered 404, 410 or a held body",
    Lifecycle.TOMBSTONED: "gone: its documents are history",
    Lifecycle.PURGED: "gone, and its documents with it",
    Lifecycle.QUARANTINED: "its body kills or hangs the extractor, and nothing of it is live",
    Evidence.ANSWERED: "a body or 304 came",
    Evidence.SETTLED: "its document was committed",
    Evidence.RESTORED: "a person brought a version back, which settled it",
    Evidence.GONE: "404 or 410",
    Evidence.HELD: "a body came that is not the page, and was held",
    Evidence.ACCEPTED: "a held body was made the page's, by a person or by three looks",
    Evidence.REMOVED: "the rules below let it go, or a person approved that",
    Evidence.POISONED: "extraction failed for good",
    Evidence.RELEASED: "another body came, which has not failed as often",
    Evidence.EXPIRED: "its tombstone is older than what is kept",
    Evidence.ERASED: "a person erased it (`atlas purge`), or its source with `--purge`",
}
"""Each state and each kind of evidence in words, for `docs/state-machine.md`."""

FINDABLE = frozenset((Lifecycle.LIVE, Lifecycle.SUSPECT))
"""States of pages whose document a search finds."""


def after(state: Lifecycle, evidence: Evidence) -> Lifecycle:
    """Where a page is after `evidence`; what does not apply to its state changes nothing."""
    return _TRANSITIONS[evidence].get(state, state)
