"""What a sketch of a text is, without numpy, which makes it and compares many (`near_duplicates`).

A worker takes sketches over from its extraction children and stores them; only a text that shares a
bucket with others is compared.
"""

from dataclasses import dataclass

BANDS = 40
SIGNATURE_HASHES = 128
SIGNATURE_BYTES = SIGNATURE_HASHES * 2


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of one text to find its near-duplicates.

    `bands`: 40 signed 64-bit bucket hashes (none when the text has no word at all);
    `signature`: 256 bytes, 128 hashes of 16 bits, or empty with `bands`.
    """

    bands: tuple[int, ...]
    signature: bytes
