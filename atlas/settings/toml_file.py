"""`atlas.toml`: tables are prefixes. `[fetch]` with `timeout` is the setting `fetch_timeout`, which
may as well stand above all tables under its full name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"'-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_\"'-]+(?:\s*\.\s*[A-Za-z0-9_\"'-]+)*)\s*=")


class TomlProblem(ValueError):
    """The file is no TOML; the message names the line and holds nothing of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting in the file."""

    name: str
    value: object
    written: str
    """The key as the file has it: `[fetch] timeout`."""
    line: int
    prefix: str
    """What its table stands for: `fetch_`."""


def entries(path: Path) -> Iterator[Entry]:
    """Every key of the file. Raises `TomlProblem`, OSError, UnicodeDecodeError."""
    text = path.read_bytes().decode("utf-8-sig")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlProblem(f"it is no TOML: {_place(error)}") from None
    lines = _lines(text)
    for keys, value in _flat(document, ()):
        written = f"[{'.'.join(keys[:-1])}] {keys[-1]}" if len(keys) > 1 else keys[0]
        line = lines.get(keys, lines.get(keys[:1], 0))
        yield Entry("_".join(keys), value, written, line, "".join(f"{key}_" for key in keys[:-1]))


def _flat(
    table: dict[str, object], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, (*above, key))
        else:
            yield (*above, key), value


def _place(error: tomllib.TOMLDecodeError) -> str:
    # The message may quote a character of a secret: keep where it is, and what was awaited.
    found = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
    said = re.sub(r"\s*\(at .*\)$", "", str(error)).partition(":")[0]
    said = re.sub(r"'[^']*'|\"[^\"]*\"", "…", said) if "Illegal" in said else said
    return f"{said} ({found[1]})" if found else said


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each key stands. Looks at lines only: a multi-line string may hold what looks like a
    key, which then is not asked for."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        head, key = _HEAD.match(line), _KEY.match(line)
        if head:
            table = _parts(head[1])
            lines.setdefault(table, number)
        elif key:
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
