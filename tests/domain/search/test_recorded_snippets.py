"""What hits show of real texts, as it was recorded: whatever makes it faster changes none of it.

`RECORD=write pytest tests/domain/search/test_recorded_snippets.py` records it anew.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas.domain.search.best_chunk import ShownDocument, shown_chunk
from atlas.domain.search.index_parts import lexeme_query
from benchmarks.ranking import Collection, read

COLLECTIONS = Path(__file__).parents[4] / "shared" / "data" / "retrieval"
RECORD = Path(__file__).parent / "recorded_snippets.json"
EVERY = {"cranfield": 3, "xq_ru": 12, "xq_th": 12, "xq_zh": 12}


def digests(collection: Collection) -> Iterator[str]:
    """Of what is shown of the document that answers best, for some of the queries, every other one
    with a phrase of its own words."""
    for number, (key, said) in enumerate(
        list(collection.queries.items())[:: EVERY[collection.name]]
    ):
        gains = collection.relevance[key]
        best = max(gains, key=lambda each: (gains[each], each))
        text = collection.documents[best]
        query = lexeme_query(f'{said} "{text[40:60]}"' if number % 2 else said)
        weights = {term.lexeme: 1.0 + place % 3 for place, term in enumerate(query.terms)}
        document = ShownDocument(f"https://a.example/{best}", text, text, None)
        shown = shown_chunk(document, (0, len(text)), weights, query.phrases)
        yield hashlib.blake2b(repr(shown).encode(), digest_size=6).hexdigest()


@pytest.mark.skipif(not COLLECTIONS.is_dir(), reason=f"no retrieval collections in {COLLECTIONS}")
@pytest.mark.parametrize("name", EVERY)
def test_what_is_shown_of_real_texts_stays_the_same(name: str) -> None:
    found = list(digests(read(COLLECTIONS / name)))
    recorded = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    if os.environ.get("RECORD") == "write":
        RECORD.write_text(json.dumps({**recorded, name: found}) + "\n", "utf-8")
        return
    assert len(found) > 50
    assert [
        at for at, pair in enumerate(zip(found, recorded[name], strict=True)) if len({*pair}) > 1
    ] == []
