"""What statements really read: each plan as PostgreSQL ran it, with the rows that went through it.

No wall clock, and no look at the plan's shape: a nested loop over a whole run shows as its rows.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

_EXPLAINED = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_analyze = on;
set auto_explain.log_timing = off;
set auto_explain.log_format = json;
set auto_explain.log_level = notice;
"""
_INTROSPECTION = "typeinfo_tree"
"""asyncpg asks for the types of arrays."""
_REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
)


@dataclass
class Reader:
    """A connection in a pool's place, which notes what every statement reads."""

    connection: asyncpg.Connection
    statements: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self.connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def note(self, _: object, message: Any) -> None:
        _, said, plan = message.message.partition("plan:\n")
        if said and _INTROSPECTION not in plan:
            found = json.loads(plan)
            self.statements.append((" ".join(found["Query Text"].split()), found["Plan"]))

    @contextmanager
    def reading(self) -> Iterator[dict[str, int]]:
        """After the block: statement → the most rows that one execution in it touched."""
        before, most = len(self.statements), Counter[str]()
        yield most
        for statement, plan in self.statements[before:]:
            most[statement] = max(most[statement], rows(plan))


@asynccontextmanager
async def explained(superuser_url: str, *, generic: bool = False) -> AsyncIterator[Reader]:
    """A connection whose statements tell their plans; `generic`: made without knowing the
    parameters, as the sixth execution of a prepared statement may be."""
    connection = await asyncpg.connect(superuser_url)
    try:
        reader = Reader(connection)
        await connection.execute(_EXPLAINED)
        if generic:
            await connection.execute("set plan_cache_mode = force_generic_plan")
        connection.add_log_listener(reader.note)
        yield reader
    finally:
        await connection.close()


def rows(plan: dict[str, Any]) -> int:
    """Rows that a plan's nodes gave or threw away."""
    loops = plan.get("Actual Loops", 0)
    here = plan.get("Actual Rows", 0) + sum(plan.get(name, 0) for name in _REMOVED)
    return round(here * loops) + sum(rows(child) for child in plan.get("Plans", []))
