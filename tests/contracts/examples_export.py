"""One full example of every contract of an export."""

from datetime import UTC, datetime

from pydantic import BaseModel

from atlas.contracts import export_corpus as x

_FILTER = x.DocumentFilter(
    sources=["docs"],
    langs=["en"],
    host="example.org",
    prefix="https://example.org/guide/",
    changed_since=datetime(2026, 11, 1, tzinfo=UTC),
    changed_before=datetime(2026, 11, 24, tzinfo=UTC),
    include_duplicates=True,
)

EXAMPLES: list[BaseModel] = [_FILTER]
