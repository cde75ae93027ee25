"""Failures that Temporal retries: typed by their class; expected ones raise no alarm."""

from __future__ import annotations

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from atlas.domain.errors import PageError, handling


def once_more(error: PageError, pause: float) -> ApplicationError:
    """The failure of an attempt after which there is to be another in `pause` seconds."""
    expected = handling(error.error_class).expected
    return ApplicationError(
        error.message,
        type=error.error_class.value,
        next_retry_delay=timedelta(seconds=pause) if pause else None,
        category=ApplicationErrorCategory.BENIGN
        if expected
        else ApplicationErrorCategory.UNSPECIFIED,
    )
