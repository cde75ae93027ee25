"""What commands print: data on stdout, everything else on stderr.

Text that came from the web is made harmless first: a page's title must not steer a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from starter.cli.framework.json_shapes import schema_of

Format = Annotated[
    Literal["text", "json", "jsonl"],
    Parameter(
        name=["--output", "-o"], help="How it is printed; jsonl: each item of a list on a line"
    ),
]

# C0 and C1 controls (escape sequences), and what reverses the order of a line (bidi overrides).
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LAYOUT = re.compile(r"[\t\n\r\u2028\u2029]+")
_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029]")


def note(text: str) -> None:
    """A line for the person, on stderr."""
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


def say(text: str) -> None:
    """A line of text output, on stdout."""
    _write(harmless(text) + "\n")


def emit(shape: str, value: Mapping[str, object], output: str = "json") -> None:
    """One JSON object on stdout, its shape and version first: `{"schema": "run/1", …}`.

    `shape` is a name in `json_shapes`. Indented for `json`, on one line for `jsonl`.
    """
    named = {"schema": schema_of(shape), **value}
    _write(_json(named, indent=2 if output == "json" else None) + "\n")


def emit_list(shape: str, key: str, items: Iterable[object], output: str = "json") -> None:
    """A list: for `json` one object `{"schema": …, key: [items]}`; for `jsonl` an item a line,
    each as it is in that list."""
    if output == "jsonl":
        for item in items:
            emit_line(item)
    else:
        emit(shape, {key: list(items)})


def emit_foreign(value: object) -> None:
    """A document of somebody else's standard, such as JSON Schema, as that says."""
    _write(_json(value, indent=2) + "\n")


def emit_line(value: object) -> None:
    """One JSON value on a line of its own: JSON Lines."""
    _write(_json(value, indent=None) + "\n")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; elsewhere lines of tab-separated cells, without heads."""
    cells = [[one_line(_shown(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _write("".join("\t".join(row) + "\n" for row in cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in cells:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def pairs(values: Mapping[str, object]) -> None:
    """Names and values, one a line; what is empty is left out."""
    kept = {name: value for name, value in values.items() if value not in (None, "", (), [])}
    width = max(map(len, kept), default=0)
    for name, value in kept.items():
        say(f"{name:<{width}}  {one_line(_shown(value))}")


def bold(text: str) -> str:
    """The text, bold on a terminal; use on what `harmless` has seen, and write with `raw`."""
    return f"\033[1m{text}\033[0m" if styled() else text


def styled() -> bool:
    """Whether stdout shows styles: a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def raw(text: str) -> None:
    """A line that is harmless already, styles included."""
    _write(text + "\n")


def harmless(text: str) -> str:
    """The text without characters that steer a terminal."""
    return _STEERING.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same on one line."""
    return harmless(_LAYOUT.sub(" ", text))


def when(moment: datetime | None) -> str:
    """Local time, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return when(value)
        case tuple() | list():
            return ", ".join(_shown(each) for each in value)
        case _:
            return str(value)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # a terminal of another encoding
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _json(value: object, *, indent: int | None) -> str:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=indent, ensure_ascii=not utf8, default=_plain)
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def short(run_id: str) -> str:
    """The beginning of a run id that tells it from others: the first 13 of its 36 characters are
    the time, to a millisecond."""
    return run_id[:18]
