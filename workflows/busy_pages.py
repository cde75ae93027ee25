"""How long a run waits for pages that another run holds, before it asks for them again."""

from __future__ import annotations


def next_pause(wait: float, waited: float, longest: float, *, shortest: float = 0.5) -> float:
    """Seconds until the next question: `wait`, as the claim says, and longer the longer the run has
    `waited`, since each question is a piece of history; never more than `longest`."""
    return min(max(wait, shortest, waited / 4), longest)
