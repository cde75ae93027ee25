"""URLs of pages as people give them, checked before they are asked for."""

from __future__ import annotations

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from starter.errors import InvalidRequest


def canonical_url(url: str, field: str = "url") -> str:
    """The canonical form of a URL, or `InvalidRequest` that names the field."""
    try:
        return canonicalize(url)
    except InvalidUrl as error:
        raise InvalidRequest(f"{field}: {error}") from None
