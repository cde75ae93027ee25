"""What an index of OpenSearch holds: its fields, and documents in requests of a bearable size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from atlas.stores.search.opensearch_query import Body
from atlas.stores.search.port import IndexedText, part_document

_BULK_BYTES = 8_000_000
"""Of one request with documents; OpenSearch refuses 100 MB and advises a tenth."""


def index_definition(shards: int, replicas: int) -> Body:
    """Settings and fields of an index. It is strict: a document with any other field is refused."""
    counted = {"type": "text", "analyzer": "lexemes", "index_options": "freqs"}
    number = {"type": "long"}
    return {
        "settings": {
            "number_of_shards": shards,
            "number_of_replicas": replicas,
            # Refreshed by `apply` alone: a step is seen when it is complete, not before.
            "refresh_interval": -1,
            "max_result_window": 100_000,
            "analysis": {
                "analyzer": {"lexemes": {"type": "custom", "tokenizer": "blanks"}},
                "tokenizer": {"blanks": {"type": "whitespace", "max_token_length": 1_000}},
            },
        },
        "mappings": {
            "dynamic": "strict",
            "_source": {"excludes": ["body", "prefixes", "initials", "title"]},
            "properties": {
                **{name: {"type": "keyword"} for name in ("text", "source", "language", "host")},
                "page": number,
                "start": number,
                "end": number,
                "since": number,
                "until": number,
                "published": number,
                "length": number,
                "body": {**counted, "index_options": "positions"},
                "prefixes": counted,
                "initials": counted,
                "title": {**counted, "index_options": "positions"},
                "state": {"type": "object", "enabled": False},
            },
        },
    }


def bulks(texts: Sequence[IndexedText]) -> Iterator[list[str]]:
    """The documents, in requests of a bearable size."""
    lines: list[str] = []
    size = 0
    for text in texts:
        for number in range(len(text.parts)):
            name = {"index": {"_id": f"{text.text_hash.hex()}-{number}"}}
            lines += [json.dumps(name), json.dumps(part_document(text, number))]
            size += len(lines[-1])
            if size > _BULK_BYTES:
                yield lines
                lines, size = [], 0
    if lines:
        yield lines
