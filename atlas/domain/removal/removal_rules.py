"""When a page may leave the corpus, and when a new text may replace it: one table of pure rules.

What happens to a page is a `RemovalSign`. A sign never removes a page by itself: looks at it are
counted (`weigh`), the policy of the page's sources says how many are needed (`RULES`), and the end
of a run asks the `brake` before anything leaves. `docs/state-machine.md` is drawn from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from atlas.domain.sources import Deletion


class RemovalSign(StrEnum):
    """What speaks for a page having left, or for its text being another one."""

    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410
    NOINDEX = "noindex"  # it asks to be left out of the index
    MOVED = "moved"  # a permanent redirect to one other page
    ABSENT = "absent"  # missing from a complete listing of its source
    WITHDRAWN = "withdrawn"  # whoever pushed it says that it is gone
    EMPTIED = "emptied"  # a body without a text, where there was one
    SUSPICIOUS = "suspicious"  # a text that looks like a login, a block or an error page


@dataclass(frozen=True, slots=True)
class RemovalRule:
    """How many looks in a row a sign needs under each policy; None: it never suffices."""

    careful: int | None
    prompt: int | None
    seen: str
    """What a look must have seen."""
    resets: str
    """What makes the count begin anew."""
    then: str
    """What happens once there are enough."""

    def needed(self, policy: Deletion) -> int | None:
        """Looks that the policy asks for. `keep` lets nothing go."""
        return {"careful": self.careful, "prompt": self.prompt, "keep": None}[policy]


_ANSWER = "any answer with a body, or a redirect"
_LEAVES = "the page leaves; its versions stay as history"
RULES: dict[RemovalSign, RemovalRule] = {
    RemovalSign.NOT_FOUND: RemovalRule(
        careful=3,
        prompt=1,
        seen="404, or a mix of 404 and 410",
        resets=_ANSWER,
        then=_LEAVES,
    ),
    RemovalSign.GONE: RemovalRule(
        careful=2, prompt=1, seen="410 each time", resets=_ANSWER, then=_LEAVES
    ),
    RemovalSign.NOINDEX: RemovalRule(
        careful=3,
        prompt=1,
        seen="a body that says `noindex`, or a header that does",
        resets="a body that does not say so, 404, 410, a redirect",
        then="the page leaves; its links still lead a crawl on",
    ),
    RemovalSign.MOVED: RemovalRule(
        careful=3,
        prompt=1,
        seen="301 or 308 at every hop, to one page of the source that has a text and that no "
        "other live page leads to; no login, error page or home page",
        resets="any answer with a body, 404, 410, another target, a redirect for a while",
        then=_LEAVES,
    ),
    RemovalSign.ABSENT: RemovalRule(
        careful=3,
        prompt=1,
        seen="a complete listing of the source without the page; never a feed",
        resets="a listing that has the page",
        then="the page is visited: it leaves if it answers with one of the signs above; if it "
        "answers with a text, or not at all, its source goes on holding it",
    ),
    RemovalSign.WITHDRAWN: RemovalRule(
        careful=1,
        prompt=1,
        seen="a withdrawal of a [pushed](push.md) document",
        resets="a body that is put there",
        then=_LEAVES,
    ),
    RemovalSign.EMPTIED: RemovalRule(
        careful=None,
        prompt=None,
        seen="a body without a text",
        resets="any text",
        then="the look counts as failed, and the text from before stays",
    ),
    # Also under `prompt`, which says how soon pages leave: this is how soon a text is overwritten.
    RemovalSign.SUSPICIOUS: RemovalRule(
        careful=3,
        prompt=3,
        seen="the same suspicious text, or nearly",
        resets="another text, or any other answer",
        then="the new text takes the place of the old one",
    ),
}

SPACING = timedelta(hours=24)
"""Two looks are two pieces of evidence only if so far apart, or made by two scheduled runs of one
source: a site's bad hour, seen ten times by an impatient person, is one bad hour."""

COUNTING = (
    f"Two looks count as two if they are at least {SPACING.total_seconds() / 3600:.0f} hours apart,"
    " or if two scheduled runs of one source made them, since a schedule keeps its runs apart. Runs"
    " that people start, and those of other sources that share the page, are one look as long as"
    " they are within that time, however many they are. One run looks once. A scheduled look soon"
    " after one by hand takes its place, so that the order of the two makes no difference."
)
"""`weigh` in words."""


class Weight(StrEnum):
    """What a look adds to those before it."""

    COUNTS = "counts"
    STANDS_IN = "stands_in"  # the scheduled look takes the place of one that a person asked for
    REPEATS = "repeats"


def weigh(
    *,
    last: datetime | None,
    now: datetime,
    same_run: bool,
    same_source: bool,
    scheduled: bool,
    last_scheduled: bool,
) -> Weight:
    """What a look adds, when the last one that counted was at `last` (None: there was none).

    A schedule keeps its runs apart, so each is a look. Runs that people start, and those of other
    sources that share the page, are one look as long as they are within a day. A scheduled look
    soon after one by hand takes its place, so that the next scheduled one counts, whichever of
    them came first.
    """
    if last is None:
        return Weight.COUNTS
    if same_run:
        return Weight.REPEATS
    if now - last >= SPACING:
        return Weight.COUNTS
    if not (same_source and scheduled):
        return Weight.REPEATS
    return Weight.COUNTS if last_scheduled else Weight.STANDS_IN


POLICIES: tuple[Deletion, ...] = ("careful", "prompt", "keep")
_CAREFULNESS: tuple[Deletion, ...] = ("keep", "careful", "prompt")


def most_careful(policies: list[Deletion]) -> Deletion:
    """The policy that wins when several sources hold a page; without any, prompt."""
    return min(policies, key=_CAREFULNESS.index, default="prompt")


def enough(policy: Deletion, sign: RemovalSign, looks: int) -> bool:
    """Whether so many counted looks in a row suffice."""
    needed = RULES[sign].needed(policy)
    return needed is not None and looks >= needed


def absences_needed(policy: Deletion, kind: str) -> int | None:
    """Complete listings without the page after which it is visited and may leave; None: never.

    A feed shows only its newest items, so absence from it says nothing; what is pushed is on no
    list.
    """
    return None if kind in ("feed", "push") else RULES[RemovalSign.ABSENT].needed(policy)


def absence_confirmed(visit: Collection[RemovalSign]) -> bool:
    """Whether what the page itself shows confirms that it is absent because it left."""
    return not {
        RemovalSign.NOT_FOUND,
        RemovalSign.GONE,
        RemovalSign.NOINDEX,
        RemovalSign.MOVED,
    }.isdisjoint(visit)


# The brake

BRAKE_SHARE = 0.1
BRAKE_FLOOR = 2
BRAKE_PAGES = 50


def large_share(part: int, whole: int) -> bool:
    """Whether it is more than a tenth, and at least 2."""
    return part >= BRAKE_FLOOR and part > BRAKE_SHARE * whole


def brake(pages: int, live: int) -> bool:
    """Whether so many of a source's live pages would leave, or change in one suspicious way, in one
    run that a bad day of the site is likelier."""
    return pages > BRAKE_PAGES or large_share(pages, live)


WITHDRAWALS_COUNT = timedelta(days=1)
"""How long a withdrawal counts together with later ones: a program that takes back documents by
mistake is as likely to name them one by one."""


# Redirects

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
