"""Near-duplicate sketches: MinHash bands that find candidates, a signature that verifies them.

A text becomes a sequence of units: words, single characters of Han and kana, and every three
neighbouring characters of Thai, Lao, Khmer and Burmese, which are alphabets without spaces: their
single characters make any two texts alike. 80 minhashes over its 3-unit shingles, in 40 bands of 2,
find candidates: two texts that share one band are compared. 128 minhashes over its 2-unit shingles,
kept to 16 bits each, then estimate how much they share. What that finds of edited texts, and what
it confuses: `python -m benchmarks near_duplicates`.

Nothing here is salted: the same text gives the same sketch on every machine and Python version,
until `SKETCH_VERSION` is raised. The version is mixed into the bands, so sketches of two versions
never meet in a bucket.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from atlas.domain.similarity.likeness import THRESHOLD, ComparedText, are_copies
from atlas.domain.similarity.sketches import BANDS, SIGNATURE_HASHES, Sketch
from atlas.domain.versions import SKETCH_VERSION

ROWS = 2  # minhashes per band

_CROWD = 2_000
"""Texts up to which all are compared with each other: a third of a second."""
_PIVOTS = 256

_CANDIDATE_SHINGLE = 3
_VERIFY_SHINGLE = 2
_CHUNK = 4096  # shingles hashed at once: bounds the matrix to 4 MB whatever the text's length

# Scripts written without spaces between words: one sign a unit, or an alphabet.
_SIGNS = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_LETTERS = r"\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u109f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
_UNIT = re.compile(rf"[{_SIGNS}]|[{_LETTERS}]+|[^\W_{_SIGNS}{_LETTERS}]+")
_UNSPACED_WORD = re.compile(rf"[{_LETTERS}]+")
_LETTERS_AT_ONCE = 3

_Hashes = NDArray[np.uint64]


def sketch(text: str) -> Sketch:
    """Sketch a text. Case, punctuation, spacing and compatibility forms do not count.

    A text with fewer units than a shingle is one shingle; a text without any unit has no bands
    and so is nobody's near-duplicate.
    """
    units = _units(text)
    if not len(units):
        return Sketch(bands=(), signature=b"")
    coarse = _minhashes(_shingles(units, _CANDIDATE_SHINGLE), _COARSE)
    fine = _minhashes(_shingles(units, _VERIFY_SHINGLE), _FINE)
    return Sketch(
        bands=tuple(_bands(coarse).view(np.int64).tolist()),
        signature=(fine & np.uint64(0xFFFF)).astype("<u2").tobytes(),
    )


def similarities(left: Sequence[bytes], right: Sequence[bytes]) -> list[float]:
    """Estimate, pair by pair, the Jaccard similarity of two texts' word pairs (0 to 1).

    Both sequences have the same length and hold signatures of `SIGNATURE_BYTES` bytes.
    """
    a = np.frombuffer(b"".join(left), dtype="<u2").reshape(-1, SIGNATURE_HASHES)
    b = np.frombuffer(b"".join(right), dtype="<u2").reshape(-1, SIGNATURE_HASHES)
    equal: list[float] = (a == b).mean(axis=1).tolist()
    return equal


def copies_among(
    text: ComparedText, others: Sequence[ComparedText], least: float = THRESHOLD
) -> dict[bytes, float]:
    """Which of the others are copies of a text and share at least so much with it; by hash."""
    if not text.signature or not others:
        return {}
    others = [other for other in others if other.signature]
    shares = similarities([text.signature] * len(others), [each.signature for each in others])
    return {
        other.text_hash: share
        for other, share in zip(others, shares, strict=True)
        if share >= least and are_copies(text, other, share)
    }


def copies_within(texts: Sequence[ComparedText], least: float) -> dict[tuple[bytes, bytes], float]:
    """The pairs of copies among texts that share at least so much, the smaller hash first: all of
    them, or, in a crowd, each text's with the `_PIVOTS` first that are no copies of each other."""
    found: dict[tuple[bytes, bytes], float] = {}
    pivots: list[ComparedText] = []
    for text in sorted(texts, key=lambda each: each.text_hash):
        copies = copies_among(text, pivots, least)
        found |= {(other, text.text_hash): share for other, share in copies.items()}
        if len(texts) <= _CROWD or (not copies and len(pivots) < _PIVOTS):
            pivots.append(text)
    return found


def _units(text: str) -> _Hashes:
    folded = unicodedata.normalize("NFKC", text).casefold()
    found = _UNIT.findall(folded)
    if _UNSPACED_WORD.search(folded):
        found = [unit for run in found for unit in _of_letters(run)]
    crc = zlib.crc32
    # crc32 is stable and in C; collisions of single words are diluted by the shingles.
    codes = [crc(unit.encode("utf-8", "surrogatepass")) for unit in found]
    return np.array(codes, dtype=np.uint64)


def _of_letters(run: str) -> list[str]:
    """A run of an alphabet without spaces in pieces that overlap; anything else as it is."""
    if len(run) <= _LETTERS_AT_ONCE or not _UNSPACED_WORD.match(run):
        return [run]
    return [run[at : at + _LETTERS_AT_ONCE] for at in range(len(run) - _LETTERS_AT_ONCE + 1)]


def _mix(values: _Hashes) -> _Hashes:
    """Finish a 64-bit hash (splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shingles(units: _Hashes, size: int) -> _Hashes:
    """Hash every run of `size` units; each distinct run counts once."""
    size = min(size, len(units))
    count = len(units) - size + 1
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        total = _mix(total * np.uint64(0x9E3779B97F4A7C15) + units[offset : offset + count])
    return np.unique(total)


def _family(count: int, seed: int) -> tuple[_Hashes, _Hashes]:
    """`count` hash functions h -> a*h + b modulo 2**64 (a odd), fixed by `seed` and the version."""
    start = np.arange(1, 2 * count + 1, dtype=np.uint64)
    stream = _mix((start + np.uint64(seed * 4096)) * np.uint64(0x9E3779B97F4A7C15))
    return (stream[:count] | np.uint64(1))[:, None], stream[count:][:, None]


def _minhashes(shingles: _Hashes, family: tuple[_Hashes, _Hashes]) -> _Hashes:
    factor, addend = family
    best = np.full(len(factor), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), _CHUNK):
        hashed = factor * shingles[start : start + _CHUNK] + addend
        # Without this second step the minima are correlated: four times the false candidates.
        hashed = (hashed ^ (hashed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
        best = np.minimum(best, hashed.min(axis=1))
    return best


def _bands(minhashes: _Hashes) -> _Hashes:
    rows = minhashes.reshape(BANDS, ROWS)
    salt = np.arange(BANDS, dtype=np.uint64) + np.uint64(SKETCH_VERSION * 1000)
    total = _mix(salt)
    for row in range(ROWS):
        total = _mix(total * np.uint64(0x9E3779B97F4A7C15) + rows[:, row])
    return total


_COARSE = _family(BANDS * ROWS, seed=1)
_FINE = _family(SIGNATURE_HASHES, seed=2)
