"""Blob stores: one port, a folder and S3 behind it."""

from atlas.stores.blobs.open import open_blobs
from atlas.stores.blobs.port import MAX_BODY, Blobs, BlobWriter

__all__ = ["MAX_BODY", "BlobWriter", "Blobs", "open_blobs"]
