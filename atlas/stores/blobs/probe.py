"""The start check of a blob store: a round trip with a probe nobody else uses."""

import os

from atlas.domain.blob import BlobError, BlobStoreError
from atlas.stores.blobs.port import Blobs


async def round_trip(blobs: Blobs) -> None:
    """Write, read, list and delete a probe.

    Raises:
        BlobStoreError: a step failed, or the store gave back something else.
    """
    body = b"atlas probe " + os.urandom(16)
    ref = await blobs.put(body)
    try:
        await blobs.get(ref.digest)
        await _listed(blobs, ref.digest)
    except BlobStoreError:
        raise
    except BlobError as error:
        raise BlobStoreError(
            f"the blob store took a probe and did not give it back ({error})",
            "Check that ATLAS_BLOBS names one store, not several behind one address",
        ) from error
    finally:
        await blobs.delete(ref.digest)


async def _listed(blobs: Blobs, digest: str) -> None:
    """Check that listing is allowed: the clean-up needs it. One entry is enough."""
    async for _ in blobs.list(digest[:2]):
        return
    raise BlobStoreError(
        "the blob store took a probe and does not list it",
        "Check that ATLAS_BLOBS names one store, not several behind one address",
    )
