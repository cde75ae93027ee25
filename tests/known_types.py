"""What a connection learns about PostgreSQL's own types, kept for the connections after it.

asyncpg asks each server process anew what `bigint[]` and its like are, which takes longer than most
statements of a test; a test has a database of its own, so all of its connections are new.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from asyncpg.connection import Connection

_FIRST_OF_OTHERS = 16_384
"""Types below are PostgreSQL's own: the same in every database of a version."""


def keep_known_types() -> None:
    """Have the connections of this process ask once for each set of types."""
    ask = Connection._introspect_types
    known: dict[frozenset[int], Any] = {}

    async def asked_once(self: Any, oids: Iterable[int], timeout: float | None) -> Any:
        wanted = frozenset(oids)
        if max(wanted) >= _FIRST_OF_OTHERS:
            return await ask(self, wanted, timeout)
        if wanted not in known:
            known[wanted], _ = await ask(self, wanted, timeout)
        # A name: no nameless statement was used, so the caller's is as it left it.
        return known[wanted], SimpleNamespace(name="known")

    Connection._introspect_types = asked_once
