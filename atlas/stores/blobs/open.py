"""From the setting `ATLAS_BLOBS` to an open blob store."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from atlas.stores.blobs.access import S3Access
from atlas.stores.blobs.local import FolderBlobs
from atlas.stores.blobs.port import MAX_BODY, Blobs

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MEND = "give an absolute folder such as /var/lib/atlas/blobs, or s3://bucket/prefix"


def open_blobs(
    location: str, max_body: int = MAX_BODY, *, s3: S3Access | None = None
) -> AbstractAsyncContextManager[Blobs]:
    """`async with open_blobs(location) as blobs`; `max_body` in bytes bounds every read and write.

    `s3`: how to reach a bucket, beyond what the AWS tools find.

    Raises:
        ValueError: the location is neither a folder (`/path`, `~/path`, `file:///path`) nor
            `s3://bucket/prefix`; raised before anything is opened.
        BlobStoreError: on entering, when the folder cannot be made or the client cannot start.
    """
    if location.startswith("s3://"):
        return _s3(location, max_body, s3 or S3Access())
    return _folder(_folder_of(location), max_body)


def _s3(location: str, max_body: int, access: S3Access) -> AbstractAsyncContextManager[Blobs]:
    from atlas.stores.blobs.s3 import open_s3  # slow to import: see there

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket) or re.search(r"[?#\\\s]|//|(^|/)\.{1,2}(/|$)", prefix):
        raise _refusal(location)
    return open_s3(bucket, prefix, max_body, access)


def _folder_of(location: str) -> Path:
    path = location
    if location.startswith("file://"):
        parts = urlsplit(location)
        path = unquote(parts.path) if parts.netloc in {"", "localhost"} else ""
    folder = Path(path).expanduser() if path.startswith("~") else Path(path)
    if "\0" in path or not folder.is_absolute():
        raise _refusal(location)
    return folder


@asynccontextmanager
async def _folder(root: Path, max_body: int) -> AsyncIterator[Blobs]:
    blobs = FolderBlobs(root, max_body)
    await blobs.prepare()
    yield blobs


def _refusal(location: str) -> ValueError:
    shown = re.sub(r"//[^/@]*@", "//…@", location)
    return ValueError(f"ATLAS_BLOBS: {shown!r} names no blob store; {_MEND}")
