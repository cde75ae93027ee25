"""What commands print: data on stdout, everything else on stderr.

Control characters are removed first: a page's title must not control a terminal.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar, cast

from cyclopts import Parameter

from starter.cli.framework.json_shapes import SHAPES

Format = Annotated[
    Literal["text", "json", "jsonl"],
    Parameter(name=["--output", "-o"], help="Output format; jsonl prints a list one item a line"),
]
T = TypeVar("T")
Columns = Mapping[str, Callable[[T], object]]
"""The columns of a table: heading, and what stands there for an item."""

# C0 and C1 controls (escape sequences), and bidi overrides, which reorder a line.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LAYOUT = re.compile(r"[\t\n\r\u2028\u2029]+")
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029]")


def note(text: str) -> None:
    """Print a line on stderr, for people."""
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


def say(text: str) -> None:
    """Print a line of text output on stdout."""
    _write(harmless(text) + "\n")


def emit(shape: str, *parts: object, output: str = "json") -> None:
    """Print a JSON object made of the fields of its parts, its shape and version first:
    `{"schema": "run/1", …}`. Indented for `json`, on one line for `jsonl`."""
    _emit(shape, merged(*parts), output)


def emit_list(shape: str, items: Iterable[object], output: str = "json") -> None:
    """Print a list whose items are objects or parts of one: as one object for `json`, one item a
    line for `jsonl`."""
    found = (merged(*item) if isinstance(item, tuple) else plain(item) for item in items)
    if output == "jsonl":
        for item in found:
            emit_line(item)
    else:
        _emit(shape, {SHAPES[shape].items: list(found)}, "json")


def emit_foreign(value: object) -> None:
    """Print a document in another standard's format, such as JSON Schema."""
    _write(_json(value, indent=2) + "\n")


def emit_line(value: object) -> None:
    """Print a JSON value on one line."""
    _write(_json(plain(value), indent=None) + "\n")


def merged(*parts: object) -> dict[str, object]:
    """One object with the fields of all parts; a later part wins."""
    return {name: value for part in parts for name, value in plain(part).items()}


def plain(value: Any) -> Any:
    """A value as JSON. Times are ISO 8601, durations are seconds to the millisecond.

    The metadata of a dataclass field may give its name in JSON: `{"json": "every"}`; "" replaces
    the field by the fields of its object, None leaves it out.
    """
    if is_dataclass(value) and not isinstance(value, type):
        values: dict[str, object] = {}
        for each in fields(value):
            name = each.metadata.get("json", each.name)
            if name is not None:
                inner = plain(getattr(value, each.name))
                values |= {name: inner} if name else inner
        return values
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return round(value.total_seconds(), 3) if isinstance(value, timedelta) else value


def listing(
    shape: str,
    items: Sequence[T],
    output: str,
    columns: Columns[T],
    in_json: Callable[[T], object] = lambda item: item,
) -> None:
    """Print a list: as a table, or as JSON, where `in_json` says what an item is made of."""
    if output == "text":
        table(tuple(columns), [[cell(each) for cell in columns.values()] for each in items])
    else:
        emit_list(shape, map(in_json, items), output)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on a terminal; elsewhere tab-separated lines without headings."""
    cells = [[one_line(shown(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _write("".join("\t".join(row) + "\n" for row in cells))
        return
    from starter.cli.framework.columns import laid_out

    above, *below = laid_out([list(heads), *cells], shutil.get_terminal_size().columns)
    for line in above:
        raw(bold(line))
    for line in (line for row in below for line in row):
        raw(line)


def pairs(values: Mapping[str, object]) -> None:
    """Print names and values, one a line, without empty ones; a list of objects takes a line for
    each."""
    kept = {name: value for name, value in values.items() if value not in (None, "", (), [], {})}
    width = max(map(len, kept), default=0)
    for name, value in kept.items():
        objects = isinstance(value, list) and all(isinstance(each, Mapping) for each in value)
        for number, each in enumerate(cast("list[object]", value) if objects else [value]):
            say(f"{'' if number else name:<{width}}  {one_line(shown(each))}")


def bold(text: str) -> str:
    """The text, bold on a terminal. Only for harmless text; print it with `raw`."""
    return f"\033[1m{text}\033[0m" if styled() else text


def styled() -> bool:
    """Whether stdout is a terminal with styles (neither NO_COLOR nor TERM=dumb)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def raw(text: str) -> None:
    """Print a line as it is; it must be harmless."""
    _write(text + "\n")


def harmless(text: str) -> str:
    """The text without characters that control a terminal."""
    return _CONTROLS.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same on one line."""
    return harmless(_LAYOUT.sub(" ", text))


def when(moment: datetime | None) -> str:
    """Local time, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def shown(value: object) -> str:
    """A value as text output shows it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return when(value)
        case tuple() | list():
            return ", ".join(map(shown, value))
        case Mapping():
            told = ((name, shown(each)) for name, each in value.items())
            return ", ".join(f"{name} {each}" for name, each in told if each)
        case _:
            return str(value)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # a terminal of another encoding
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _emit(shape: str, value: Mapping[str, object], output: str) -> None:
    named = {"schema": SHAPES[shape].schema, **value}
    _write(_json(named, indent=2 if output == "json" else None) + "\n")


def _json(value: object, *, indent: int | None) -> str:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=indent, ensure_ascii=not utf8)
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def short(run_id: str) -> str:
    """The beginning of a run id, enough to be unique: its first 13 of 36 characters are the time,
    to the millisecond."""
    return run_id[:18]


def size_of(count: int) -> str:
    """Bytes as people read them: `1.2 MB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
