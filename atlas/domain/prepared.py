"""What a child process is given and what it hands back: plain values that pickle.

Importing this module loads neither numpy nor the stemmers, which an idle worker does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules

if TYPE_CHECKING:
    from atlas.domain.chunking.chunk_bounds import ChunkBounds
    from atlas.domain.similarity.sketches import Sketch
    from atlas.domain.texts import Extracted


@dataclass(frozen=True, slots=True)
class PrepareJob:
    """One fetched body. `content_type` is the header's media type, `charset` its parameter."""

    body: bytes
    content_type: str | None
    charset: str | None
    url: str
    rules: ExtractionRules = NO_RULES
    """By which rules of its source its text is extracted."""
    title: str | None = None
    """The title that came with the body, instead of the one that it states."""
    known: str | None = None
    """The `read_digest` of the page as it is settled: a body that has the same is not prepared."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything about a document that costs CPU: text, near-duplicate sketch, chunks."""

    extracted: Extracted
    sketch: Sketch
    chunks: tuple[ChunkBounds, ...] | None
    """None: too long to be cut before somebody wants its chunks."""
