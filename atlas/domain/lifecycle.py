"""When a page that vanished leaves the corpus: pure rules."""

from __future__ import annotations

from atlas.domain.sources import Deletion

# Consecutive runs that must have seen the page gone, by policy and by what the server said.
_GONE_RUNS: dict[Deletion, dict[int, int]] = {
    "prompt": {404: 1, 410: 1},
    "careful": {404: 2, 410: 1},
}
# Complete listings in a row that must have lacked the page.
_ABSENT_LISTINGS: dict[Deletion, int] = {"prompt": 1, "careful": 3}

_CAREFULNESS: tuple[Deletion, ...] = ("keep", "careful", "prompt")

BRAKE_SHARE = 0.3
BRAKE_FLOOR = 10


def most_careful(policies: list[Deletion]) -> Deletion:
    """The policy that wins when several sources hold a page; without any, prompt."""
    return min(policies, key=_CAREFULNESS.index, default="prompt")


def gone_long_enough(policy: Deletion, status: int, runs: int) -> bool:
    """Whether `runs` consecutive answers of `status` (404 or 410) suffice to remove a page."""
    if policy == "keep":
        return False
    return runs >= _GONE_RUNS[policy].get(status, 2)


def absences_needed(policy: Deletion, kind: str) -> int | None:
    """Complete listings without the page after which its source lets go of it; None: never.

    A feed shows only its newest items, so absence from it says nothing.
    """
    if policy == "keep" or kind == "feed":
        return None
    return _ABSENT_LISTINGS[policy]


def brake(removals: int, held: int) -> bool:
    """Whether so many of a source's pages would go at once that a mistake is likelier."""
    return removals > max(BRAKE_FLOOR, BRAKE_SHARE * held)
