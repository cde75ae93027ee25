"""URLs of pages as people give them, checked before they are asked for."""

from __future__ import annotations

from atlas.domain.addresses.bucket_urls import folder_at, page_address
from atlas.domain.addresses.urls import InvalidUrl, canonicalize, is_bucket_url
from starter.errors import InvalidRequest


def source_url(url: str, field: str = "urls") -> str:
    """The canonical form of a URL of a source, which may be a folder or a bucket, or
    `InvalidRequest` that names the field."""
    try:
        return folder_at(url).url if is_bucket_url(url) else canonicalize(url)
    except InvalidUrl as error:
        raise InvalidRequest(f"{field}: {error}") from None


def canonical_url(url: str, field: str = "url") -> str:
    """The canonical form of a URL, or `InvalidRequest` that names the field."""
    try:
        return page_address(url)
    except InvalidUrl as error:
        raise InvalidRequest(f"{field}: {error}") from None
