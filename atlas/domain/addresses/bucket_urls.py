"""Addresses of files: `file:///srv/docs/a.pdf` below a folder, `s3://bucket/docs/a.pdf` below a
prefix. They name pages as web addresses do, and nothing but a source of kind `bucket` makes one:
`canonicalize`, through which all that comes from the web goes, refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from atlas.domain.addresses.urls import (
    MAX_URL_LENGTH,
    InvalidUrl,
    canonicalize,
    is_bucket_url,
)

_FILE = "file://"
_S3 = "s3://"
_SAFE = "/!$&'()*+,;=:@~"
"""What a path keeps as it is, beside letters, digits and `-._` (RFC 3986, 3.3)."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DOTS = frozenset((b".", b".."))


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A file, or the folder or prefix that files lie below (it ends in a slash)."""

    bucket: str
    """Of S3; "" for a path of the worker's."""
    key: bytes
    """The path, or the key: names are bytes, and may be no UTF-8."""

    @property
    def url(self) -> str:
        """Its one spelling. Raises InvalidUrl for one that is too long to be kept."""
        path = quote(self.key, safe=_SAFE)
        url = f"{_S3}{self.bucket}/{path}" if self.bucket else f"{_FILE}{path}"
        if len(url) > MAX_URL_LENGTH:
            raise InvalidUrl(url, f"is too long: {len(url)} characters, at most {MAX_URL_LENGTH}")
        return url

    def below(self, name: bytes) -> BucketPlace:
        """The file or folder of that relative name."""
        return BucketPlace(self.bucket, self.key + name)

    def holds(self, other: BucketPlace) -> bool:
        """Whether the other lies below this folder or prefix, or is it."""
        return self.bucket == other.bucket and other.key.startswith(self.key)


def place_of(url: str) -> BucketPlace:
    """The place that an address names. Raises InvalidUrl."""
    if url[: len(_S3)].lower() == _S3:
        bucket, _, path = url[len(_S3) :].partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise InvalidUrl(url, "names no bucket; write s3://bucket/prefix/")
    elif url[: len(_FILE)].lower() == _FILE:
        bucket = ""
        host, slash, path = url[len(_FILE) :].partition("/")
        if host not in ("", "localhost") or not slash:
            raise InvalidUrl(url, "names no path; write file:///srv/docs/, with three slashes")
        path = f"/{path}"
    else:
        raise InvalidUrl(
            url, "is no folder or bucket; write file:///srv/docs/ or s3://bucket/docs/"
        )
    key = unquote_to_bytes(path)
    if b"\0" in key or _DOTS & set(key.split(b"/")):
        raise InvalidUrl(url, "has a part '.' or '..', or a NUL; write the path without")
    return BucketPlace(bucket, key)


def folder_at(url: str) -> BucketPlace:
    """The folder or prefix that an address names, with or without its last slash. Raises
    InvalidUrl."""
    found = place_of(url)
    if found.key.endswith(b"/") or (found.bucket and not found.key):
        return found
    return found.below(b"/")


def page_address(url: str) -> str:
    """The one spelling of the address of a page, whichever kind of source has it. Raises
    InvalidUrl."""
    return place_of(url).url if is_bucket_url(url) else canonicalize(url)


def lies_below(url: str, folders: Iterable[str]) -> bool:
    """Whether the address of a page is that of a file below one of the folders or prefixes."""
    return is_bucket_url(url) and any(
        folder_at(each).holds(place_of(url)) for each in folders if is_bucket_url(each)
    )
