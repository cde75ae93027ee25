"""The lifecycle of a page, and when one that vanished leaves the corpus: pure rules.

    discovered ──settled──▶ live ──gone, held──▶ suspect ──removed──▶ tombstoned ──expired──▶ purged
         │                   ▲ ◀─answered, accepted─ │                   │
         └──poisoned──▶ quarantined ◀──────────────poisoned─────────┘

Settling a document makes any page live again, but a suspect one: it may be settled from a body
stored before, and only an answer takes the suspicion away. A source removed with `--purge` purges
any page. A page whose body was held (`suspicious_bodies.py`) is suspect too, for the reason beside
that body; accepting it makes the page live. The stores build their statements from this table
(`stores/postgres/lifecycle_sql.py`).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from atlas.domain.sources import Deletion


class Lifecycle(StrEnum):
    """Where a page is."""

    DISCOVERED = "discovered"  # known, and nothing of it in the corpus
    LIVE = "live"  # its document can be found
    SUSPECT = "suspect"  # its document can be found, but the page answered 404, 410 or a held body
    TOMBSTONED = "tombstoned"  # gone: its documents are history
    PURGED = "purged"  # gone, its documents with it
    QUARANTINED = "quarantined"  # its body kills or hangs the extractor, and nothing of it is live


class Evidence(StrEnum):
    """What happened to a page."""

    ANSWERED = "answered"  # a body or 304 came
    SETTLED = "settled"  # its document was committed
    GONE = "gone"  # 404 or 410
    HELD = "held"  # a body came that is not the page, and was held
    ACCEPTED = "accepted"  # a held body was made the page's, by a person or by three looks
    REMOVED = "removed"  # its sources' policies let it go: gone, absent, or leading elsewhere
    POISONED = "poisoned"  # extraction failed for good
    RELEASED = "released"  # another body came, which has not failed as often
    EXPIRED = "expired"  # its tombstone is older than what is kept
    ERASED = "erased"  # its source was removed with --purge


_D, _L, _S, _T, _P, _Q = Lifecycle
_TRANSITIONS: dict[Evidence, dict[Lifecycle, Lifecycle]] = {
    Evidence.ANSWERED: {_S: _L},
    Evidence.SETTLED: dict.fromkeys((_D, _L, _T, _P, _Q), _L),
    Evidence.GONE: {_L: _S},
    Evidence.HELD: {_L: _S},
    Evidence.ACCEPTED: dict.fromkeys((_D, _L, _S, _T, _P, _Q), _L),
    Evidence.REMOVED: dict.fromkeys((_D, _L, _S, _Q), _T),
    Evidence.POISONED: {_D: _Q, _T: _Q},
    Evidence.RELEASED: {_Q: _D},
    Evidence.EXPIRED: {_T: _P},
    Evidence.ERASED: dict.fromkeys(Lifecycle, _P),
}

FINDABLE = frozenset((Lifecycle.LIVE, Lifecycle.SUSPECT))
"""States of pages whose document a search finds."""


def after(state: Lifecycle, evidence: Evidence) -> Lifecycle:
    """Where a page is after `evidence`; what does not apply to its state changes nothing."""
    return _TRANSITIONS[evidence].get(state, state)


GONE_SPACING = timedelta(hours=1)
"""Two observations of 404 are two pieces of evidence only if so far apart, or if two runs of one
source made them."""


MOVED_SPACING = timedelta(days=1)
"""The same of two observations of a permanent redirect: a server in the middle of maintenance
answers 301 for hours, and a page that moved is not in a hurry."""


def counts_as_gone(
    *,
    last: datetime | None,
    same_run: bool,
    same_source: bool,
    now: datetime,
    spacing: timedelta = GONE_SPACING,
) -> bool:
    """Whether a 404 or 410 adds to the evidence of those before, the last of them counted at
    `last`; with the `spacing` of moves, whether a permanent redirect does.

    Sources that share a page ask for it within minutes; that is one look at the page, not two. A
    later run of the same source is another look however soon it comes: a schedule keeps them a
    cadence apart, and a person who syncs twice means to look twice. One run looks once.
    """
    if last is None:
        return True
    if same_run:
        return False
    return same_source or now - last >= spacing


# Consecutive runs that must have seen the page gone, by policy and by what the server said.
_GONE_RUNS: dict[Deletion, dict[int, int]] = {
    "prompt": {404: 1, 410: 1},
    "careful": {404: 2, 410: 1},
}
_MOVED_LOOKS = 2
"""Looks in a row that must have found a permanent redirect to the same page, whatever the policy:
one is made by mistake, and cached by all who saw it, more easily than a 404."""
# Complete listings in a row that the page must be missing from.
_ABSENT_LISTINGS: dict[Deletion, int] = {"prompt": 1, "careful": 3}

_CAREFULNESS: tuple[Deletion, ...] = ("keep", "careful", "prompt")

BRAKE_SHARE = 0.1
BRAKE_FLOOR = 2
_SUSPICIOUS_FLOOR = 3

PERMANENT = frozenset((301, 308))
"""Redirects that say a page moved for good (RFC 9110, 15.4); the others say nothing of it."""

# Where a page leads that wants something else first, or has nothing to show.
_NOT_A_PAGE = re.compile(
    r"/(?:log-?in|log-?on|sign-?in|sign-?up|signin|auth|sso|oauth2?|saml|account|session|consent|"
    r"captcha|challenge|blocked|denied|error|errors|maintenance|unavailable|offline|"
    r"not-?found|40[0-9]|50[0-9])(?:[./?]|$)",
    re.IGNORECASE,
)
_INDEX = re.compile(r"(?:index|default|home)\.[a-z]{2,5}", re.IGNORECASE)


def most_careful(policies: list[Deletion]) -> Deletion:
    """The policy that wins when several sources hold a page; without any, prompt."""
    return min(policies, key=_CAREFULNESS.index, default="prompt")


def gone_long_enough(policy: Deletion, status: int, runs: int) -> bool:
    """Whether `runs` counted answers of `status` (404 or 410) in a row suffice to remove a page."""
    if policy == "keep":
        return False
    return runs >= _GONE_RUNS[policy].get(status, 2)


def moved_long_enough(policy: Deletion, runs: int) -> bool:
    """Whether `runs` counted looks in a row at one permanent redirect suffice to remove a page."""
    return policy != "keep" and runs >= _MOVED_LOOKS


def is_move(url: str, target: str, *, leads_there: int) -> bool:
    """Whether a permanent redirect from one canonical URL to another can mean that the page moved.

    A login, an error page and the home page are no page's new address, unless the page was the
    home page under its file's name; nor is an address that `leads_there` > 1 live pages lead to.
    """
    there, here = urlsplit(target), urlsplit(url)
    if leads_there > 1 or _NOT_A_PAGE.search(f"{there.path}?{there.query}"):
        return False
    return there.path not in ("", "/") or here.path in ("", "/") or _is_index(here.path)


def _is_index(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return not folder and _INDEX.fullmatch(name) is not None


def absences_needed(policy: Deletion, kind: str) -> int | None:
    """Complete listings without the page after which its source releases it; None: never.

    A feed shows only its newest items, so absence from it says nothing.
    """
    if policy == "keep" or kind == "feed":
        return None
    return _ABSENT_LISTINGS[policy]


def brake(leaving: int, live: int) -> bool:
    """Whether so many of a source's live pages show evidence of leaving in one run that a mistake
    of the site is likelier: a tenth of them, whatever the size of the source, and two at least."""
    return leaving >= BRAKE_FLOOR and leaving > BRAKE_SHARE * live


def too_many(pages: int, of: int) -> bool:
    """Whether so many of the live pages that a run asked changed or led elsewhere in one suspicious
    way that a bad day of the site is likelier: a tenth of them, and three at least."""
    return pages >= _SUSPICIOUS_FLOOR and pages > BRAKE_SHARE * of
