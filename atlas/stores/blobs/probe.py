"""The start check of a blob store: a round trip with a probe nobody else uses."""

import os

from atlas.domain.blob import BlobError, BlobStoreError
from atlas.stores.blobs.port import Blobs


async def round_trip(blobs: Blobs) -> None:
    """Write, read and delete a probe.

    Raises:
        BlobStoreError: a step failed, or the store gave back something else.
    """
    body = b"atlas probe " + os.urandom(16)
    ref = await blobs.put(body)
    try:
        await blobs.get(ref.digest)
    except BlobStoreError:
        raise
    except BlobError as error:
        raise BlobStoreError(
            f"the blob store took a probe and did not give it back ({error})",
            "Check that ATLAS_BLOBS names one store, not several behind one address",
        ) from error
    finally:
        await blobs.delete(ref.digest)
