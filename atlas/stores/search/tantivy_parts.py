"""Parts as tantivy keeps them: their fields, how they are written, and how those found are read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import tantivy
from tantivy import Document, FieldType, Index, Query

from atlas.domain.search.common_pairs import CommonWords
from atlas.stores.search.port import IndexedText, IndexOrigin, part_document

Hits: TypeAlias = Sequence[tuple[float, tantivy.DocAddress]]
"""Parts as tantivy names them, each with its score."""

LATER_FIELDS = 4
"""The first layout with a field for the title, and with columns for what names a part."""
PAIRS = 5
"""The first layout with a field for pairs of common words."""
_HASH = ("hash0", "hash1", "hash2", "hash3")
"""Columns of the four numbers of which a text's hash is made: read without the document, which
lies among others in a block that is compressed."""
_HASH_BYTES = struct.Struct(">4Q")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("state", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("page", indexed=True)  # of a text's first part
    for name in ("start", "end"):
        builder.add_unsigned_field(name, fast=True)
    builder.add_unsigned_field("length", fast=True)
    builder.add_text_field("body", tokenizer_name="lexemes", index_option="position")
    for name in ("prefixes", "initials"):
        builder.add_text_field(name, tokenizer_name="lexemes", index_option="freq")
    for name in ("source", "language", "host"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    # Last, so that the fields before keep their places in a generation of the first layout.
    for name in ("since", "until", "published"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name="lexemes", index_option="position")
    for name in _HASH:
        builder.add_unsigned_field(name, fast=True)
    builder.add_text_field("pairs", tokenizer_name="lexemes", index_option="basic")
    return builder.build()


SCHEMA = _schema()
FIRST_PARTS = Query.range_query(SCHEMA, "page", FieldType.Integer, 0, None, use_inverted_index=True)
"""One of each text: the others of it name no page."""


def new_index(folder: Path) -> Index:
    """An empty one, in an empty folder."""
    return _registered(Index(SCHEMA, str(folder)))


def opened_index(folder: Path) -> Index:
    """One that is there."""
    return _registered(Index.open(str(folder)))


def _registered(index: Index) -> Index:
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("lexemes", blanks)
    return index


def documents(text: IndexedText, common: CommonWords) -> Iterator[Document]:
    """One for each of its parts. tantivy leaves out fields that a generation does not have."""
    for number in range(len(text.parts)):
        said = part_document(text, number)
        said.update(zip(_HASH, _HASH_BYTES.unpack(text.text_hash), strict=True))
        said["pairs"] = common.terms_of(said["body"])
        yield Document.from_dict(said, SCHEMA)


def texts_of_hits(searcher: tantivy.Searcher, hits: Hits, origin: IndexOrigin) -> Iterator[bytes]:
    """The hash of the text of each part."""
    return (text for text, _, _ in parts_of_hits(searcher, hits, origin))


def parts_of_hits(
    searcher: tantivy.Searcher, hits: Hits, origin: IndexOrigin
) -> Iterator[tuple[bytes, int, int]]:
    """Of each part the hash of its text, and where it begins and ends there."""
    places = [place for _, place in hits]
    if origin.layout < LATER_FIELDS:
        for said in map(searcher.doc, places):
            yield bytes.fromhex(said["text"][0]), said["start"][0], said["end"][0]
        return
    columns = (searcher.fast_field_values(name, places) for name in (*_HASH, "start", "end"))
    for *numbers, start, end in zip(*columns, strict=True):
        yield _HASH_BYTES.pack(*numbers), start, end
