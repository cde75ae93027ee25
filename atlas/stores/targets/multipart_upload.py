"""Large files to S3 in several requests. What is not completed is invisible, but is stored and paid
for until it is aborted: so an upload that fails is, and so are those that a killed worker left."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, BinaryIO

from atlas.shielded_work import to_its_end
from atlas.stores.blobs.files import in_thread

LARGE = 64 * 1024 * 1024
"""Bytes of a file from which it is sent in pieces; a single put may have 5 GB, and begins anew when
the connection breaks."""
PIECE = 16 * 1024 * 1024
"""Bytes of one of them, and of memory."""
_MOST = 10_000
"""Pieces of an upload (Amazon's limit)."""
_CANNOT = ("AccessDenied", "403", "NotImplemented", "MethodNotAllowed")
"""A server, or a policy, that does not let uploads be listed: no reason to fail an export."""


async def upload_large(client: Any, bucket: str, key: str, file: BinaryIO, size: int) -> None:
    """Put a file under a key, whole or not at all. Raises the vendor's errors."""
    await abort_uploads(client, bucket, key)  # of an attempt that was killed
    named = {"Bucket": bucket, "Key": key}
    upload = (await client.create_multipart_upload(**named))["UploadId"]
    try:
        piece = max(PIECE, -(-size // _MOST))
        parts = []
        for number in range(1, -(-size // piece) + 1):
            body = await in_thread(file.read, piece)
            answer = await client.upload_part(
                **named, UploadId=upload, PartNumber=number, Body=body
            )
            parts.append({"ETag": answer["ETag"], "PartNumber": number})
        await client.complete_multipart_upload(
            **named, UploadId=upload, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        # Also when it is cancelled: shielded, or the abort would be cancelled with it.
        with suppress(Exception):
            await to_its_end(client.abort_multipart_upload(**named, UploadId=upload))
        raise


async def abort_uploads(client: Any, bucket: str, prefix: str) -> None:
    """Abort the uploads below a prefix that nobody completed. Raises the vendor's errors."""
    found = []
    try:
        pages = client.get_paginator("list_multipart_uploads")
        async for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            found += page.get("Uploads", ())
    except client.exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _CANNOT:
            raise
    for each in found:
        with suppress(client.exceptions.NoSuchUpload):  # another attempt was faster
            await client.abort_multipart_upload(
                Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"]
            )
