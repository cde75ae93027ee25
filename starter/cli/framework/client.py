"""The client that commands use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from starter.client import AtlasClient


def connected() -> AbstractAsyncContextManager[AtlasClient]:
    """A client for the Atlas that the environment names."""
    from starter.client import AtlasClient  # takes half a second, which help does not need

    return AtlasClient.connect()
