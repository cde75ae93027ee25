"""The engine that the settings choose; its library is imported when it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from atlas.stores.search.port import SearchIndex


def open_search_index(
    engine: Literal["tantivy", "opensearch"], folder: Path, url: str | None
) -> SearchIndex:
    """The index. Nothing is connected to yet."""
    if engine == "tantivy":
        from atlas.stores.search.tantivy_engine import TantivyIndex

        return TantivyIndex(folder)
    from atlas.stores.search.opensearch_engine import OpenSearchIndex

    assert url is not None, "the settings ask for it"
    return OpenSearchIndex(url)
