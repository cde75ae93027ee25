"""Which results are left out because a copy of them is shown above."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.domain.similarity.likeness import ComparedText, ShownTexts
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection

_COMPARED = 5_000
"""Texts of a list that are compared with those above them: a fifth of a second."""


async def copies_of_shown(
    connection: Connection, texts: Sequence[bytes], shown: int | None = None
) -> dict[bytes, bytes]:
    """Of texts in the order of a list, those that are copies of one shown above them, and of which;
    of the first `shown` only, or of any.

    Beyond the first `_COMPARED` nothing is compared; nor is a text whose sketch an older version
    made.
    """
    rows = await connection.fetch(_SKETCHES, list(texts[:_COMPARED]), SKETCH_VERSION)
    found = {
        row["text_hash"]: ComparedText(
            text_hash=row["text_hash"],
            signature=row["signature"],
            name=row["name"],
            body=row["body"],
            size=row["size"],
            hosts=frozenset(row["hosts"]),
        )
        for row in rows
    }
    list_ = ShownTexts(shown)
    answers = ((text, list_.show(found[text])) for text in texts if text in found)
    return {text: copied for text, copied in answers if copied is not None}


_SKETCHES = """
select text_hash, signature, name, body, size, hosts from sketches
 where text_hash = any($1::bytea[]) and version = $2
"""
