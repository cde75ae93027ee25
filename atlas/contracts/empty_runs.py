"""Runs that came to nothing because of what was asked for: they fail in Temporal as well, so that
`temporal workflow execute` ends with an exit code that says so."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from atlas.contracts.models import Message

MEANT_NOTHING = (
    *("unknown_source", "source_paused", "unknown_page", "nothing_selected"),
    "target_refused",
)
"""Outcomes of a request that named nothing that could be worked on, or no place to write to."""


def meant_nothing(outcome: str, message: str, result: Message) -> ApplicationError:
    """The failure of such a run. Its type is the outcome, its details are the result, which
    Atlas's client gives as if it had been returned."""
    return ApplicationError(
        message,
        result,
        type=outcome,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
