"""Temporal's priority keys: what a person waits for goes before what runs by itself."""

from __future__ import annotations

FIRST, EARLY, NORMAL, LATE, LAST = 1, 2, 3, 4, 5
