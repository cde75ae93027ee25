"""Ranking on judged collections of several scripts: as good as the index in PostgreSQL ranks them
(`python -m benchmarks ranking` prints both for all queries)."""

import pytest

from atlas.domain.search.index_parts import lexeme_query
from atlas.stores.search.port import SearchIndex, TextChanges, TextScope
from benchmarks.ranking import TOP, ndcg, read
from tests.stores.search.engines import ORIGIN, text
from tests.stores.test_search import RETRIEVAL


@pytest.mark.skipif(not RETRIEVAL.is_dir(), reason=f"no retrieval collections in {RETRIEVAL}")
@pytest.mark.parametrize(
    ("name", "every", "at_least"),
    [
        ("xq_zh", 20, 0.94),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (("xq_ru", 1, 0.95), ("xq_th", 1, 0.97), ("cranfield", 1, 0.37))
        ),
    ],
)
async def test_ranking_quality_holds(
    index: SearchIndex, name: str, every: int, at_least: float
) -> None:
    collection = read(RETRIEVAL / name)
    texts = {text(said).text_hash: document for document, said in collection.documents.items()}
    await index.begin(1, ORIGIN, 0)
    await index.apply(1, TextChanges([*map(text, collection.documents.values())], [], 1))
    gains = []
    for query, said in list(collection.queries.items())[::every]:
        found = await index.search(lexeme_query(said), TextScope(), 10 * TOP, generation=1)
        ranked = [texts[each] for each in dict.fromkeys(match.text_hash for match in found.best)]
        gains.append(ndcg(ranked, collection.relevance[query]))
    assert sum(gains) / len(gains) >= at_least
