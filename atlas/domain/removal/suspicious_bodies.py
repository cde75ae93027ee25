"""Bodies that look like a site's bad day, not like its pages: pure rules.

A login form, a human check, a consent wall, a maintenance page or a soft 404 that answers 200 for
every URL, and bodies that end in the middle, would take the place of every live text. One page
alone cannot tell; the pages of a run can. So a new text that hardly resembles the live one waits
until the run has seen all its pages (`waits`); then they are looked at together (`held`): few, or
different from each other, they are edits; many with one text, or cut short, they are held, and
the live versions stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from atlas.domain.removal.removal_rules import brake
from atlas.domain.similarity.sketches import SIGNATURE_BYTES, SIGNATURE_HASHES

ORDINARY = 0.6
"""Share of common word pairs with the live text from which on a new text is an ordinary edit."""
ALIKE = 0.45
"""Share from which on two new texts are one text but for a token, a date or a title."""
CLOSER = 0.2
"""By how much two new texts must share more than the texts before them: pages of one template
resemble each other before and after."""
_SEVERAL = 3

_COMPARED = 128
"""Pages that every other is compared with: a text that a tenth of the pages share is among them."""


class Suspicion(StrEnum):
    """Why a new text is held; the page's code in the run."""

    SHARED = "suspicious_body"  # several pages of the run have this text, or another had it
    CUT = "cut_body"  # the body ends early, and its text is a part of the live one


@dataclass(frozen=True, slots=True)
class BodyChange:
    """A new text in the place of a live one: of the page itself, or of those that lead to it.

    `text` and `before` are hashes, the signatures those of `neardup.Sketch`. `stands_for` counts
    the live pages whose readers would see it; `before` is None where no page has a live text.
    """

    page: int
    text: bytes
    signature: bytes
    before: bytes | None = None
    before_signature: bytes = b""
    cut: bool = False
    stands_for: int = 1
    elsewhere: bool = False
    """Whether another page has had this text until now."""


def waits(change: BodyChange) -> bool:
    """Whether the change is to be looked at together with the others of its run."""
    if change.before is None or change.text == change.before:
        return False
    return change.cut or resemblance(change.signature, change.before_signature) < ORDINARY


def held(changes: Sequence[BodyChange], looked_at: int) -> dict[int, Suspicion]:
    """Which pages keep their live text, and why. `looked_at` counts the pages of the run that have
    a live text and answered, wherever they led.

    What is not held would not be held without the held ones either.
    """
    replacing = [change for change in changes if change.before is not None]
    # A cache that mixes its keys up gives each page the text of another.
    swapped = [c.page for c in replacing if c.elsewhere and waits(c)]
    found = dict.fromkeys((*shared(replacing), *swapped), Suspicion.SHARED)
    found |= {change.page: Suspicion.CUT for change in replacing if change.cut}
    weight = sum(change.stands_for for change in replacing if change.page in found)
    if not brake(weight, looked_at):
        return {}
    bad = [change for change in replacing if found.get(change.page) is Suspicion.SHARED]
    new = [change for change in changes if change.before is None]
    return found | dict.fromkeys(alike(new, bad), Suspicion.SHARED)


def alike(some: Sequence[BodyChange], others: Sequence[BodyChange]) -> list[int]:
    """The pages of `some` whose text is that of one of `others`, or nearly."""
    if not some or not others:
        return []
    others = _sample(others)
    near = _resemblances([c.signature for c in some], [c.signature for c in others]) >= ALIKE
    same = _equal([c.text for c in some], [c.text for c in others])
    return [
        change.page for change, any_ in zip(some, (near | same).any(axis=1), strict=True) if any_
    ]


def repeated(changes: Sequence[BodyChange]) -> list[int]:
    """Pages with a text that several of them have, or nearly, whatever was there before."""
    if len(changes) < _SEVERAL:
        return []
    pivots = _sample(changes)
    near = _resemblances([c.signature for c in changes], [c.signature for c in pivots]) >= ALIKE
    same = _equal([c.text for c in changes], [c.text for c in pivots])
    sharing = (near | same).sum(axis=1)
    return [c.page for c, pages in zip(changes, sharing, strict=True) if pages >= _SEVERAL]


def shared(changes: Sequence[BodyChange]) -> list[int]:
    """Pages that changed to a text which several pages changed to."""
    changes = [change for change in changes if change.before is not None]
    if not changes:
        return []
    pivots = _sample(changes)
    same = _equal([c.text for c in changes], [c.text for c in pivots])
    now = np.where(
        same, 1.0, _resemblances([c.signature for c in changes], [c.signature for c in pivots])
    )
    was_same = _equal([c.before or b"" for c in changes], [c.before or b"" for c in pivots])
    was = np.where(
        was_same,
        1.0,
        _resemblances([c.before_signature for c in changes], [c.before_signature for c in pivots]),
    )
    closer = (now - was >= CLOSER) | (1 - now <= (1 - was) / 2)
    one_text = ((same & ~was_same) | ((now >= ALIKE) & closer)) & ~was_same
    itself = np.array([[c.page == p.page for p in pivots] for c in changes])
    weights = np.array([p.stands_for for p in pivots])
    sharing = (one_text & ~itself) @ weights + np.array([c.stands_for for c in changes])
    return [c.page for c, pages in zip(changes, sharing, strict=True) if pages >= _SEVERAL]


def _sample(changes: Sequence[BodyChange]) -> Sequence[BodyChange]:
    """As many as are compared, without regard to any order that the site gives its pages."""
    if len(changes) <= _COMPARED:
        return changes
    heaviest = sorted(changes, key=lambda c: (-c.stands_for, c.page * 0x9E3779B1 % 2**32))
    return heaviest[:_COMPARED]


def resemblance(one: bytes, other: bytes) -> float:
    """The estimated share of common word pairs of two signatures; 0 where one text has no word."""
    return float(_resemblances([one], [other])[0, 0])


def _resemblances(left: Sequence[bytes], right: Sequence[bytes]) -> np.ndarray:
    """Each of `left` with each of `right`."""
    rows, columns = _matrix(left), _matrix(right)
    shares = np.empty((len(left), len(right)))
    for column, signature in enumerate(columns):
        shares[:, column] = np.count_nonzero(rows == signature, axis=1) / SIGNATURE_HASHES
    wordless = ~np.logical_and.outer([bool(s) for s in left], [bool(s) for s in right])
    shares[wordless] = 0.0
    return shares


def _matrix(signatures: Sequence[bytes]) -> np.ndarray:
    blank = bytes(SIGNATURE_BYTES)
    whole = b"".join(signature or blank for signature in signatures)
    return np.frombuffer(whole, dtype="<u2").reshape(-1, SIGNATURE_HASHES)


def _equal(left: Sequence[bytes], right: Sequence[bytes]) -> np.ndarray:
    numbers = {text: number for number, text in enumerate({*left, *right})}
    ours = np.array([numbers[text] for text in left])
    theirs = np.array([numbers[text] for text in right])
    equal: np.ndarray = np.equal.outer(ours, theirs)
    return equal
