"""Which versions of the pure functions a settled page was made with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettledWith:
    """Extractor and analyser version; a page settled with others has work to do."""

    extractor: int
    analyser: int
