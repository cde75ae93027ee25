"""Names of SQL spans: what a statement does and to which table, such as `UPDATE page_state`.

As `db.query.summary` in OpenTelemetry's database conventions: few distinct values, no literals.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = 3
"""At most this many operations are named: a statement may change several tables."""

_CHANGE = re.compile(
    r"\b(?:(insert)\s+into|(update)|(delete)\s+from|(merge)\s+into)\s+(?:only\s+)?"
    r"(?!set\b|of\b|skip\b|nowait\b)([a-z_][\w.]*)",
    re.IGNORECASE,
)
_CTE = re.compile(r"(?:\bwith(?:\s+recursive)?|,)\s+([a-z_]\w*)(?:\s*\([^)]*\))?\s+as\b", re.I)
_FROM = re.compile(r"\b(?:from|join)\s+(?:only\s+)?(?:lateral\s+)?([a-z_][\w.]*)(?!\w|\s*\()", re.I)
_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def summary(statement: str) -> str:
    """What a statement does: each change with its table, else the first table that is read, else
    the command alone; `SQL` where there is no word at all."""
    bare = _NOISE.sub(" ", statement)
    changes = [
        f"{(insert or update or delete or merge).upper()} {table}"
        for insert, update, delete, merge, table in _CHANGE.findall(bare)
    ]
    if changes:
        return " ".join(list(dict.fromkeys(changes))[:_PARTS])
    word = _WORD.search(bare)
    if word is None:
        return "SQL"
    command = word[0].upper()
    if command not in {"SELECT", "WITH"}:
        return command
    named = {name.lower() for name in _CTE.findall(bare)}
    tables = (table for table in _FROM.findall(bare) if table.lower() not in named)
    return f"SELECT {next(tables, '')}".rstrip()
