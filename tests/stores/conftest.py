"""Fixtures of the stores' tests."""

import asyncpg
import pytest

from tests.stores.drive import Drive


@pytest.fixture
def drive(database: "asyncpg.Pool[asyncpg.Record]") -> Drive:
    return Drive(database)
