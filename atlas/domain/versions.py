"""Versions of pure functions, apart from them: the stores compare versions, and need not import
numpy for that."""

from __future__ import annotations

SKETCH_VERSION = 2
"""Of `near_duplicates.sketch`; mixed into its bands, so two versions share no bucket."""
