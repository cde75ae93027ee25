"""Sites on loopback for browsers."""

from collections.abc import AsyncIterator

import pytest

from tests.origin import Origin


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server
