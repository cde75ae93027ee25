"""Pydantic models of the JSON that commands print, for `docs/json.md` and for tests.

Each is made from a class: a dataclass of the client or of a command, or a contract. It has the
fields of the JSON with their docstrings, and refuses any other.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from atlas.docstrings import of_fields, of_model
from starter.cli.framework.json_shapes import SHAPES, Shape


def model_of(shape: Shape) -> type[BaseModel]:
    """The whole object."""
    whole = items_of(shape)
    if shape.items in ("", *whole.model_fields):
        return whole
    # mypy cannot check this: name and type of the field are values here.
    return create_model(shape.name, **{shape.items: (list[whole], ...)})  # type: ignore[call-overload, valid-type, no-any-return]


def items_of(shape: Shape) -> type[BaseModel]:
    """The object that its parts make up, or each item of a list."""
    return _merged(tuple(shape.parts.split()), shape.open)


def check(value: Mapping[str, object]) -> Shape:
    """The shape of a printed object.

    Raises:
        ValueError: it does not have the shape that it claims; the message names the fields.
    """
    said = dict(value)
    named = said.pop("schema", "nothing")
    for found in SHAPES.values():
        if named == found.schema:
            model_of(found).model_validate(said)
            return found
    raise ValueError(f"schema: {named!r} is not a shape and version that Atlas prints")


def hints(thing: Any) -> dict[str, Any]:
    """Its annotations, including those that its module imports for type checkers only."""
    names: dict[str, Any] = {}
    for each in getattr(thing, "__mro__", (thing,)):
        if each.__module__.partition(".")[0] in ("atlas", "starter"):
            module = sys.modules[each.__module__]
            names |= vars(module) | dict(_for_checkers(module))
    return get_type_hints(thing, globalns=names)


def _for_checkers(module: Any) -> Iterator[tuple[str, Any]]:
    for source, name in typing_imports(module):
        yield name, getattr(import_module(source), name)


def typing_imports(module: Any) -> Iterator[tuple[str, str]]:
    """Module and name of each import under `if TYPE_CHECKING`."""
    for block in ast.parse(inspect.getsource(module)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for line in block.body:
                if isinstance(line, ast.ImportFrom):
                    yield from ((line.module or "", each.name) for each in line.names)


@cache
def _merged(parts: tuple[str, ...], further: bool) -> type[BaseModel]:
    classes = [_named(part) for part in parts]
    if len(classes) == 1 and not further:
        return _inner(classes[0])
    found: dict[str, Any] = {}
    for each in classes:
        found |= _fields(each, sparse=further)
    return _model(classes[0], found, "allow" if further else "forbid")


def _named(part: str) -> type:
    module, _, name = part.partition(":")
    found: type = getattr(import_module(module), name)
    return found


@cache
def _inner(described: type) -> type[BaseModel]:
    return _model(described, _fields(described), "forbid")


def _model(described: type, found: dict[str, Any], extra: Any) -> type[BaseModel]:
    model: type[BaseModel] = create_model(
        described.__name__,
        __config__=ConfigDict(extra=extra),
        __doc__=described.__doc__,
        __module__=described.__module__,
        **found,
    )
    return model


def _fields(described: type, *, sparse: bool = False) -> dict[str, Any]:
    """By JSON name, what pydantic needs to know of each field. All are required; if `sparse`, only
    those without a default."""
    if issubclass(described, BaseModel):
        of_its = of_model(described)
        return {
            name: (_plain(info.annotation), Field(description=of_its.get(name, info.description)))
            for name, info in described.model_fields.items()
        }
    found: dict[str, Any] = {}
    types, meanings = hints(described), of_fields(described)
    for each in fields(described):  # type: ignore[arg-type]
        name = each.metadata.get("json", each.name)
        if name == "":
            found |= _fields(types[each.name])
        elif name is not None:
            default = each.default if sparse and each.default is not MISSING else ...
            meaning = Field(default, description=meanings.get(each.name))
            found[name] = (_plain(types[each.name]), meaning)
    return found


def _is_described(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, BaseModel)


def _plain(annotation: Any) -> Any:
    """The type of a field in JSON."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is timedelta:
        return float
    if isinstance(annotation, type) and not inner and _is_described(annotation):
        return _inner(annotation)
    if origin in (Union, UnionType):
        return Union[tuple(map(_plain, inner))]  # noqa: UP007 (their number is not known)
    if origin in (list, tuple, dict):
        return origin[tuple(map(_plain, inner))]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict.__class_getitem__(tuple(map(_plain, inner)))
    return annotation
