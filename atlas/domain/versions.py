"""Which versions of the pure functions a settled page was made with, apart from the functions:
the stores compare versions, and need not import numpy for that."""

from __future__ import annotations

from dataclasses import dataclass

SKETCH_VERSION = 2
"""Of `near_duplicates.sketch`; mixed into its bands, so two versions share no bucket."""


@dataclass(frozen=True, slots=True)
class SettledWith:
    """Extractor and analyser version; a page settled with others has work to do."""

    extractor: int
    analyser: int
