"""Starting Atlas's work: `AtlasClient` for Python programs, `atlas` for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starter.client import AtlasClient
    from starter.errors import AtlasError

__all__ = ["AtlasClient", "AtlasError"]


def __getattr__(name: str) -> object:
    # The client costs 0.5 s to import; `atlas --help` passes through here.
    if name == "AtlasClient":
        from starter.client import AtlasClient

        return AtlasClient
    if name == "AtlasError":
        from starter.errors import AtlasError

        return AtlasError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
