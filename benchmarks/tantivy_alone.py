"""tantivy with its own analyser, as the baseline of rankings: lower-case words, or the pairs of
neighbouring characters where words have no spaces between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from statistics import fmean

from tantivy import Document, Filter, Index, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

_UNSPACED = re.compile(r"[\u0e00-\u0fff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")
_ENOUGH = 0.3
"""Share of such characters from which a collection has no spaces between its words."""


class TantivyAlone:
    """A collection in an index of its own, in memory."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        unspaced = fmean(len(_UNSPACED.findall(t)) / max(len(t), 1) for t in documents.values())
        self._pairs = unspaced >= _ENOUGH
        tokenizer = Tokenizer.ngram(2, 2, False) if self._pairs else Tokenizer.simple()
        schema = SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("text", tokenizer_name="own")
        self._index = Index(schema.build())
        builder = TextAnalyzerBuilder(tokenizer)
        self._index.register_tokenizer("own", builder.filter(Filter.lowercase()).build())
        writer = self._index.writer(50_000_000, 1)
        for name, text in documents.items():
            writer.add_document(Document(id=name, text=text))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def best(self, query: str, limit: int = 10) -> list[str]:
        """The ids of the best documents that hold any word of the query."""
        words = re.sub(r"[^\w\s]", " ", query)
        if self._pairs:  # what stands together is taken for a phrase
            words = " ".join(words[at : at + 2] for at in range(len(words) - 1))
        parsed, _ = self._index.parse_query_lenient(words, ["text"])
        searcher = self._index.searcher()
        return [searcher.doc(at)["id"][0] for _, at in searcher.search(parsed, limit).hits]
