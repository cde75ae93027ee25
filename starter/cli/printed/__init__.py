"""What commands print as JSON, described: the source of `docs/json.md`, and what tests check.

No command imports this; they print plain values. That these models repeat the fields of what the
client returns, and of rows of the database, is meant: printed JSON is a contract with a version of
its own (`framework/json_shapes.py`), and a field that is renamed inside must not rename it there.

A shape is declared once, beside its fields:

    @shape("sources", "sources list", lines=True)
    class Sources(Printed):
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from starter.cli.framework.json_shapes import schema_of

TOPICS = ("corpus", "collecting", "running", "hosts", "watching", "stack", "settings")
"""The modules of this folder, in the order of the page."""

_Model = TypeVar("_Model", bound=type[BaseModel])


class Printed(BaseModel):
    """A JSON object, whole: a field that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Shape:
    """An object that commands print, under a name with a version."""

    name: str
    commands: tuple[str, ...]
    """Without `atlas`."""
    lines: bool
    """Whether `-o jsonl` prints the items of its list, one a line."""
    model: type[BaseModel]


_SHAPES: dict[str, Shape] = {}


def shape(name: str, *commands: str, lines: bool = False) -> Callable[[_Model], _Model]:
    """Take a model into the catalogue. Raises ValueError when the name is taken."""

    def taken(model: _Model) -> _Model:
        if name in _SHAPES:
            raise ValueError(f"{name}: declared twice, by {_SHAPES[name].model} and {model}")
        _SHAPES[name] = Shape(name, commands, lines, model)
        return model

    return taken


def shapes() -> Mapping[str, Shape]:
    """Every shape by its name, in the order of the page."""
    for topic in TOPICS:
        import_module(f"{__name__}.{topic}")
    return _SHAPES


def check(value: Mapping[str, object]) -> Shape:
    """The shape that a printed object says it has, once it is found to be so.

    Raises:
        ValueError: it is not; the message names the fields.
    """
    said = dict(value)
    named = said.pop("schema", "nothing")
    for found in shapes().values():
        if named == schema_of(found.name):
            found.model.model_validate(said)
            return found
    raise ValueError(f"schema: {named!r} is no shape and version that Atlas prints")
