"""The lifecycle's table as SQL: each statement that changes a state is made from the pure rule."""

from __future__ import annotations

from atlas.domain.removal.lifecycle import Evidence, Lifecycle, after


def becomes(evidence: Evidence) -> str:
    """An expression for `page_state.lifecycle` after `evidence`."""
    moves = [(state, after(state, evidence)) for state in Lifecycle]
    cases = " ".join(f"when '{old}' then '{new}'" for old, new in moves if new is not old)
    return f"case page_state.lifecycle {cases} else page_state.lifecycle end"
