"""`docs/json.md`, written from the classes that `starter.cli.framework.json_shapes` names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from starter.cli.framework.json_shapes import SHAPES, Shape
from starter.cli.reference.described import items_of, model_of

_BEGIN = """\
<!-- Written by `make docs` from the classes that `json_shapes.py` names; change it there. -->
# JSON output

`-o json` prints one object, whose first field `schema` is the name and version of its shape:

```sh
$ atlas runs show docs -o json | jq -r .schema
run/1
```

`-o jsonl` prints it on one line. A list (marked below) is printed one item a line, without \
`schema`. Nothing else is printed on stdout; errors go to stderr and set the \
[exit code](cli.md#exit-codes).

## What may change

Within a version, fields are only **added**, and so are the values that a field may have: ignore \
what you do not know. Every field described here is always present, null without a value, unless \
its meaning says otherwise. Removing or renaming a field, or changing its type, unit or meaning, \
makes a new version (`run/2`), which the changelog names. The order of fields is not significant; \
the order of lists is as described.

Times are ISO 8601 in UTC. Durations are seconds, sizes bytes, unless a field says otherwise. \
Hashes are SHA-256 in hex.

## Shapes

| shape | printed by |
|---|---|
"""

_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime: "time",
    AwareDatetime: "time",
    NoneType: "null",
    Any: "any",
}

_MEANINGS = {
    "url": "The URL.",
    "workflow_id": "Temporal's id of the workflow.",
    "run_id": "The id of the run's first execution: it names the run in Atlas.",
    "title": "As the page gives it.",
    "name": "Its name.",
    "id": "Its id.",
    "host": "Name and port.",
    "pid": "Of its process.",
    "at": "When this was read.",
    "type": "Its type.",
    "state": "Its state.",
    "queue": "The task queue.",
    "identity": "Its identity in Temporal.",
    "started": "When it started.",
    "done": "How many of them are done; null: unknown.",
    "part": "Which part.",
    "why": "Why not.",
    "last_error": "The last error; null: none.",
    "last_ended": "When its last run ended.",
    "since": "When that began.",
    "outcome": "How it ended.",
    "started_at": "When it started.",
    "active_since": "When it became active.",
    "paused_since": "When it was paused; null: it is not.",
    "week": "ISO week, as in `2026-W47`.",
    "next": "When it fires next.",
    "last": "When it last fired.",
    "source": "The source's name.",
    "status": "Its status.",
    "seen": "All of them.",
    "added": "New to the corpus.",
    "updated": "With a changed text.",
    "changed": "With a changed text.",
    "unchanged": "Without a change.",
    "failed": "That failed.",
    "skipped": "Skipped, for a reason that is counted.",
    "gone": "Removed from the corpus.",
    "requests": "HTTP requests.",
    "final_url": "After redirects.",
    "etag": "As sent by the server.",
    "last_modified": "As sent by the server.",
    "content_type": "As sent by the server.",
    "message": "A remark; mostly empty.",
    "error_class": "See [errors](errors.md); null or empty: no error.",
    "error_code": "See [errors](errors.md).",
    "code": "See [errors](errors.md).",
    "error": "The error message.",
}
"""Meanings of fields that are the same everywhere; a field's own docstring takes precedence."""


def json_page() -> str:
    """The text of `docs/json.md`."""
    parts = [_BEGIN]
    parts += [f"| {_link(each)} | {_commands(each)} |\n" for each in SHAPES.values()]
    names = _names()
    for each in SHAPES.values():
        parts += ["\n", *(f"{line}\n" for line in _shape(each, names))]
    parts += ["\n## Objects within them\n"]
    for model, name in sorted(names.items(), key=lambda item: item[1]):
        parts += ["\n", f"### {name}\n\n{_docstring(model)}\n"]
        parts += [f"{line}\n" for line in _fields(model, names)]
    return "".join(parts)


def undescribed() -> list[str]:
    """Fields without a meaning, as `model.field`."""
    models = {model_of(each): each.name for each in SHAPES.values()}
    return [
        f"{name}.{field}"
        for model, name in (models | _names()).items()
        for field, info in model.model_fields.items()
        if not _meaning(field, info)
    ]


def _link(shape: Shape) -> str:
    return f"[`{shape.schema}`](#{shape.schema.replace('/', '')})"


def _commands(shape: Shape) -> str:
    return ", ".join(f"`atlas {each}`" for each in shape.commands)


def _whole() -> dict[type[BaseModel], Shape]:
    """The models that are whole shapes, or items of one."""
    return {items_of(each): each for each in SHAPES.values() if model_of(each) is items_of(each)}


def _names() -> dict[type[BaseModel], str]:
    """Every other model within a shape; of two with one name, the later one gets its module's."""
    names: dict[type[BaseModel], str] = {}
    whole = _whole()
    for each in SHAPES.values():
        for model in _within(model_of(each)):
            if model not in whole:
                taken = model.__name__ in names.values()
                place = model.__module__.rpartition(".")[2]
                names.setdefault(model, model.__name__ + (f" of {place}" if taken else ""))
    return names


def _within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for info in model.model_fields.values():
        for inner in _models(info.annotation):
            yield inner
            yield from _within(inner)


def _shape(shape: Shape, names: Mapping[type[BaseModel], str]) -> Iterator[str]:
    yield f"### {shape.schema}"
    yield from ("", f"{shape.about} Printed by {_commands(shape)}.")
    if shape.items:
        yield from ("", f"A list: `-o jsonl` prints each of `{shape.items}` on a line.")
    yield from _fields(model_of(shape), names)


def _fields(model: type[BaseModel], names: Mapping[type[BaseModel], str]) -> Iterator[str]:
    yield from ("", "| field | type | meaning |", "|---|---|---|")
    for name, info in model.model_fields.items():
        kind = _type(info.annotation, names).replace("|", "\\|")
        yield f"| `{name}` | {kind} | {_meaning(name, info).replace('|', chr(92) + '|')} |"


def _meaning(name: str, info: FieldInfo) -> str:
    own = " ".join((info.description or "").split())
    if own or not (inner := list(_models(info.annotation))):
        return _in_json(own) or _MEANINGS.get(name, "")
    shape = _whole().get(inner[0])
    return shape.about if shape else _docstring(inner[0])


def _docstring(model: type[BaseModel]) -> str:
    return _in_json(" ".join(inspect.cleandoc(model.__doc__ or "").split()))


def _in_json(text: str) -> str:
    """A docstring in the terms of JSON."""
    return re.sub(r"\bNone\b", "null", re.sub(r"^None\b", "Null", text))


def _type(annotation: Any, names: Mapping[type[BaseModel], str]) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in _TYPES:
        return _TYPES[annotation]
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(each, names) for each in inner))
    if origin is Literal:
        return ", ".join(f'"{each}"' for each in inner)
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(inner[0], names)}"
    if origin is dict:
        return f"object of {_type(inner[1], names)}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if (shape := _whole().get(annotation)) is not None:
            return _link(shape)
        name = names[annotation]
        return f"[{name}](#{name.lower().replace(' ', '-')})"
    return _type(inner[0], names) if inner else "object"  # Annotated


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
