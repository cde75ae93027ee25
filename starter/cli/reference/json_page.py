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

`-o jsonl` prints it on one line. Of a list (marked so below) it prints each item on a line of its \
own, as it is in the list, without `schema`. Nothing else is printed on stdout; errors are words \
on stderr and an [exit code](cli.md#exit-codes).

## What may change

Within a version fields are only **added**, and values are only added to those that a field may \
have: ignore what you do not know. Every field described here is always there, null when there is \
nothing to say, unless its meaning says otherwise. A field that goes, is renamed, or changes its \
type, unit or meaning makes the next version (`run/2`), which the changelog names. The order of \
fields means nothing; the order of lists is as described.

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
    "title": "As the page says it.",
    "name": "Its name.",
    "id": "Its id.",
    "host": "Name and port.",
    "pid": "Of its process.",
    "at": "When it was looked at.",
    "type": "Its type.",
    "state": "How it fares.",
    "queue": "The task queue.",
    "identity": "As Temporal knows it.",
    "started": "When it began.",
    "done": "How many of them are done; null: not known.",
    "part": "Which part.",
    "why": "Why not.",
    "last_error": "What went wrong last; null: nothing.",
    "last_ended": "When its last run ended.",
    "since": "Since when.",
    "outcome": "How it ended.",
    "started_at": "When it began.",
    "active_since": "Since when it answers.",
    "paused_since": "Since when it is paused; null: it is not.",
    "week": "ISO week, as in `2026-W47`.",
    "next": "When it fires next.",
    "last": "When it last fired.",
    "source": "The source's name.",
    "status": "How it was found.",
    "seen": "All of them.",
    "added": "New to the corpus.",
    "updated": "Whose text changed.",
    "changed": "Whose text changed.",
    "unchanged": "As they were.",
    "failed": "That could not be taken over.",
    "skipped": "Left alone, for a reason that is counted.",
    "gone": "That left the corpus.",
    "requests": "HTTP requests.",
    "final_url": "After redirects.",
    "etag": "As the server sent it.",
    "last_modified": "As the server sent it.",
    "content_type": "As the server sent it.",
    "message": "What is to be said of it; mostly empty.",
    "error_class": "See [errors](errors.md); null or empty when nothing went wrong.",
    "error_code": "See [errors](errors.md).",
    "code": "See [errors](errors.md).",
    "error": "What went wrong, in words.",
}
"""Of fields that mean the same everywhere; a field's own docstring comes first."""


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
    """Fields that say nothing of themselves, `model.field`."""
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
    """The models that are shapes of their own, also where they stand in a list."""
    return {items_of(each): each for each in SHAPES.values() if model_of(each) is items_of(each)}


def _names() -> dict[type[BaseModel], str]:
    """Every other model within a shape; of two of one name the later one with its module's."""
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
    """The text of a docstring, in the words of JSON."""
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
