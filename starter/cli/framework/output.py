"""What commands print: data on stdout, everything else on stderr.

Text that came from the web is made harmless first: a page's title must not steer a terminal.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast

from cyclopts import Parameter

from starter.cli.framework.json_shapes import SHAPES

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


def emit(shape: str, *parts: object, output: str = "json") -> None:
    """One JSON object on stdout, made of the fields of its parts, its shape and version first:
    `{"schema": "run/1", …}`. Indented for `json`, on one line for `jsonl`."""
    _emit(shape, merged(*parts), output)


def emit_list(shape: str, items: Iterable[object], output: str = "json") -> None:
    """A list, each item an object or the parts of one: for `json` one object that holds them, for
    `jsonl` an item a line, each as it is in that list."""
    found = (merged(*item) if isinstance(item, tuple) else plain(item) for item in items)
    if output == "jsonl":
        for item in found:
            emit_line(item)
    else:
        _emit(shape, {SHAPES[shape].items: list(found)}, "json")


def emit_foreign(value: object) -> None:
    """A document of somebody else's standard, such as JSON Schema, as that says."""
    _write(_json(value, indent=2) + "\n")


def emit_line(value: object) -> None:
    """One JSON value on a line of its own: JSON Lines."""
    _write(_json(plain(value), indent=None) + "\n")


def merged(*parts: object) -> dict[str, object]:
    """One object of the fields of all parts; the later ones come last, and count."""
    return {name: value for part in parts for name, value in plain(part).items()}


def plain(value: Any) -> Any:
    """A value as JSON has it. Times are ISO 8601, spans are seconds to the millisecond.

    Of a dataclass, a field's metadata may say its name in JSON: `{"json": "every"}`; "" for an
    object whose fields stand in its place, None for a field that is not printed.
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


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; elsewhere lines of tab-separated cells, without heads."""
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
    """Names and values; what is empty is left out. Each takes a line, a list of objects one for
    each of them."""
    kept = {name: value for name, value in values.items() if value not in (None, "", (), [], {})}
    width = max(map(len, kept), default=0)
    for name, value in kept.items():
        objects = isinstance(value, list) and all(isinstance(each, Mapping) for each in value)
        for number, each in enumerate(cast("list[object]", value) if objects else [value]):
            say(f"{'' if number else name:<{width}}  {one_line(shown(each))}")


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
    """The beginning of a run id that tells it from others: the first 13 of its 36 characters are
    the time, to a millisecond."""
    return run_id[:18]
