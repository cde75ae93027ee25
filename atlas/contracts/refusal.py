"""The failure of a run whose input cannot be used: at once, not retried, no alarm."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


def invalid_input(message: str) -> ApplicationError:
    """`message` names the field, the value and the fix."""
    return ApplicationError(
        message,
        type="InvalidInput",
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


def missing_input(workflow_type: str, example: str) -> ApplicationError:
    """The input was left out."""
    return invalid_input(f"{workflow_type} needs an input, for example: {example}")


def too_late(message: str) -> ApplicationError:
    """A run is ending, and nothing can be added to it any more."""
    return ApplicationError(
        message,
        type="RunEnding",
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
