"""Weeks that pass within a test: business time runs ahead of the database's as the test says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from atlas.stores.postgres.clock import DatabaseClock
from atlas.worker import resources


class Calendar:
    """How far ahead the workers' clock is."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def pass_by(self, **spans: float) -> None:
        """Let time pass: `pass_by(days=1)`."""
        self.ahead += timedelta(**spans)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    """A calendar of the test's own for workers in this process."""
    ours = Calendar()

    class Ahead(DatabaseClock):
        def __call__(self) -> datetime:
            return super().__call__() + ours.ahead

    monkeypatch.setattr(resources, "DatabaseClock", Ahead)
    return ours
