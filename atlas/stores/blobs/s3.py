"""Blobs in S3, or in a server that speaks it; the vendor library stays in this file.

Nothing here relies on conditional writes, which several servers ignore: a put is one PutObject,
atomic by itself, and two puts of one name carry the same body.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, timedelta
from functools import cache
from typing import Any, BinaryIO, cast

from atlas.domain.blob import (
    BlobCorrupt,
    BlobInfo,
    BlobMissing,
    BlobRef,
    BlobStoreError,
    Leftover,
    checked_digest,
    checked_shard,
)
from atlas.domain.errors import ErrorClass
from atlas.stores.blobs.access import S3Access
from atlas.stores.blobs.files import in_thread
from atlas.stores.blobs.port import Blobs, BlobWriter
from atlas.stores.blobs.probe import round_trip
from atlas.stores.blobs.writer import SlotWriter, put_whole
from atlas.stores.blobs.zstd_frame import decode, max_stored

_IN_MEMORY = 4 * 1024 * 1024  # a larger frame waits in a temp file, not in memory
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_SOURCES = ", ".join(("ATLAS_S3_ENDPOINT", *_ENDPOINTS))
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_NO_KEY = {"NoSuchKey", "404", "NotFound"}
_EVERYTHING = "get, put, delete and list"
_MENDS = {
    "NoSuchBucket": "Create the bucket, or correct ATLAS_BLOBS",
    "404": "Create the bucket, or correct ATLAS_BLOBS or ATLAS_S3_ENDPOINT",
    "AccessDenied": f"Allow these credentials to {_EVERYTHING} in the bucket",
    "403": f"Allow these credentials to {_EVERYTHING} in the bucket",
    "InvalidAccessKeyId": "Correct ATLAS_S3_ACCESS_KEY or AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "Correct ATLAS_S3_SECRET_KEY or AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "Renew the credentials",
    "PermanentRedirect": "Set ATLAS_S3_REGION to the bucket's region",
    "AuthorizationHeaderMalformed": "Set ATLAS_S3_REGION to the bucket's region",
}


@asynccontextmanager
async def open_s3(
    bucket: str, prefix: str, max_body: int, access: S3Access
) -> AsyncIterator[Blobs]:
    """The blobs under `prefix` of `bucket`, over one client that stays open meanwhile."""
    async with s3_client(bucket, access) as client:
        yield S3Blobs(client, bucket, prefix, max_body)


@asynccontextmanager
async def s3_client(bucket: str, access: S3Access) -> AsyncIterator[Any]:
    """A client of the vendor's library. Defaults of `access`: endpoint AWS_ENDPOINT_URL_S3, else
    AWS_ENDPOINT_URL, else Amazon's; credentials and region as the AWS tools find them."""
    import aioboto3  # 0.9 s: paid by those who keep their blobs in S3
    from aiobotocore.session import get_session

    endpoint = access.endpoint or _first(_ENDPOINTS)
    with translated(bucket):
        core = get_session()
        core.register_component("data_loader", _models(core.get_config_variable("data_path")))
        session = aioboto3.Session(
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            botocore_session=core,
        )
        manager = session.client(
            "s3",
            endpoint_url=endpoint,
            # Other servers do not care, but no signature is made without a region.
            region_name=access.region or session.region_name or _first(_REGIONS) or "us-east-1",
            config=_config(path_style=endpoint is not None),
        )
        client = await manager.__aenter__()
    try:
        yield client
    finally:
        await manager.__aexit__(None, None, None)


@cache
def _models(path: str | None) -> Any:
    """What the library knows of Amazon's services, read once in a process: for each client anew, it
    kept the event loop busy for a tenth of a second."""
    from botocore.loaders import create_loader

    return create_loader(path)


def _first(names: Sequence[str]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _config(*, path_style: bool) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=32,
        # The newer default adds trailing checksums that servers other than Amazon's refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if path_style else "auto"},
    )


class S3Blobs:
    """The `Blobs` of one bucket and prefix, keys `<prefix>/aa/bb/<digest>.zst`."""

    def __init__(self, client: Any, bucket: str, prefix: str, max_body: int) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._max_body = max_body

    def writer(self) -> BlobWriter:
        return SlotWriter(_S3Slot(self), self._max_body)

    async def put(self, body: bytes) -> BlobRef:
        return await put_whole(self.writer(), body)

    async def get(self, digest: str) -> bytes:
        stored = await self._fetch(checked_digest(digest))
        return await in_thread(decode, stored, digest, self._max_body)

    async def exists(self, digest: str) -> bool:
        key = self.key(checked_digest(digest))
        with translated(self._bucket):
            try:
                await self._client.head_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.ClientError as error:
                if _code(error) not in _NO_KEY:
                    raise
                # HEAD has no body to tell a missing key from a missing bucket.
                await self._client.head_bucket(Bucket=self._bucket)
                return False
        return True

    async def delete(self, digest: str) -> None:
        key = self.key(checked_digest(digest))
        with translated(self._bucket):
            await self._client.delete_object(Bucket=self._bucket, Key=key)

    async def list(self, shard: str = "") -> AsyncIterator[BlobInfo]:
        prefix = f"{self._prefix}{checked_shard(shard)}/" if shard else self._prefix
        pages = self._client.get_paginator("list_objects_v2")
        with translated(self._bucket):
            async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    with suppress(ValueError):  # not one of ours
                        yield self._info(entry)

    async def leftovers(self, age: timedelta) -> AsyncIterator[Leftover]:
        nothing: tuple[Leftover, ...] = ()  # a put is one request: it is there, or it is not
        for leftover in nothing:
            yield leftover

    async def remove_leftover(self, name: str) -> None:
        """Nothing is ever left over."""

    async def check(self) -> None:
        await round_trip(self)

    def key(self, digest: str) -> str:
        """The key of a blob."""
        return f"{self._prefix}{digest[:2]}/{digest[2:4]}/{digest}.zst"

    async def upload(self, digest: str, frame: bytes | BinaryIO, size: int) -> None:
        """Make a frame of `size` bytes visible under its name."""
        with translated(self._bucket):
            await self._client.put_object(
                Bucket=self._bucket,
                Key=self.key(digest),
                Body=frame,
                ContentLength=size,
                ContentType="application/zstd",
            )

    async def _fetch(self, digest: str) -> bytes:
        with translated(self._bucket):
            try:
                answer = await self._client.get_object(Bucket=self._bucket, Key=self.key(digest))
            except self._client.exceptions.NoSuchKey as error:
                raise BlobMissing(digest) from error
            async with answer["Body"] as stream:
                if answer["ContentLength"] > max_stored(self._max_body):
                    raise BlobCorrupt(digest, f"its object is too large for {self._max_body} bytes")
                return cast(bytes, await stream.read())

    def _info(self, entry: dict[str, Any]) -> BlobInfo:
        digest = checked_digest(entry["Key"].rpartition("/")[2].removesuffix(".zst"))
        if entry["Key"] != self.key(digest):
            raise ValueError(entry["Key"])
        return BlobInfo(digest, entry["Size"], entry["LastModified"].astimezone(UTC))


class _S3Slot:
    def __init__(self, blobs: S3Blobs) -> None:
        self._blobs = blobs
        self._file: BinaryIO | None = None
        self._size = 0
        self._published = False

    def open(self) -> BinaryIO:
        self._file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        return self._file

    def seal(self) -> None:
        assert self._file is not None
        self._size = self._file.tell()
        self._file.seek(0)

    async def publish(self, ref: BlobRef) -> None:
        assert self._file is not None
        if self._published:
            return
        small = self._size <= _IN_MEMORY
        await in_thread(self._file.seek, 0)
        frame = await in_thread(self._file.read) if small else self._file
        await self._blobs.upload(ref.digest, frame, self._size)
        self._published = True

    def discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


@contextmanager
def translated(
    bucket: str, named_by: str = "ATLAS_BLOBS", needs: str = _EVERYTHING
) -> Iterator[None]:
    """Vendor errors to BlobStoreError, without credentials or signed addresses in the text.
    `named_by`: where a wrong bucket name is to be corrected, as the message says; `needs`: what
    credentials must be allowed to."""
    from aiohttp import ClientError as HttpError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = _code(error)
        mend = _MENDS.get(code, "Check the store; the work is tried again")
        mend = mend.replace("ATLAS_BLOBS", named_by).replace(_EVERYTHING, needs)
        # A failure with a fix of its own does not pass without it.
        lasts = ErrorClass.BLOCKED if code in _MENDS else ErrorClass.TRANSIENT
        raise BlobStoreError(
            f"S3 bucket {bucket!r}: {code} on {error.operation_name}", mend, lasts
        ) from error
    except (BotoCoreError, HttpError, TimeoutError, ValueError) as error:
        raise _unreached(bucket, error) from error


def _unreached(bucket: str, error: Exception) -> BlobStoreError:
    name = type(error).__name__
    lasts = ErrorClass.BLOCKED
    if name in {"NoCredentialsError", "PartialCredentialsError"}:
        mend = "Set ATLAS_S3_ACCESS_KEY and ATLAS_S3_SECRET_KEY, their files, or an AWS profile"
    elif isinstance(error, ValueError):
        mend = f"Correct the endpoint ({_SOURCES})"
    else:
        mend, lasts = f"Check that its endpoint ({_SOURCES}) answers", ErrorClass.TRANSIENT
    return BlobStoreError(f"S3 bucket {bucket!r} cannot be used: {name}", mend, lasts)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
