"""Documents to be written."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from atlas.domain.exported_document import ExportedDocument

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_DOCUMENT = ExportedDocument(
    url="https://example.org/a",
    title="Tides",
    text="High water comes late.",
    markdown="# Tides\n\nHigh water comes late.",
    lang="en",
    canonical=None,
    published=None,
    sources=("docs",),
    version=1,
    text_hash="ab" * 32,
    changed_at=NOON,
    first_seen=NOON,
    last_seen=NOON,
    fetched_at=NOON,
    content_type="text/html; charset=utf-8",
    media="html",
    snapshot="cd" * 32,
    cluster="ab" * 32,
    duplicate_of=None,
    truncated=None,
)


def document(**fields: Any) -> ExportedDocument:
    """A document with other fields."""
    return replace(_DOCUMENT, **fields)
