"""The client that a command works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from starter.client import AtlasClient


def connected() -> AbstractAsyncContextManager[AtlasClient]:
    """Atlas as the environment names it, for `async with`."""
    from starter.client import AtlasClient  # half a second, which a page of help does without

    return AtlasClient.connect()
