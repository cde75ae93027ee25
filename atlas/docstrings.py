"""The docstrings of a class's fields: the help of options, the meanings of settings, and those in
`docs/json.md`. Reading them means parsing the class's source, so nothing does it at its import."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel


def of_fields(described: type) -> dict[str, str]:
    """By field, the string that stands below it in the source; of those that a dataclass adds to
    another, and of that one's."""
    found: dict[str, str] = {}
    for each in reversed(described.__mro__):
        if is_dataclass(each) or each is described:
            found |= _below_fields(each)
    return found


def _below_fields(described: type) -> dict[str, str]:
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(described))).body
    assert isinstance(tree, ast.ClassDef)
    return {
        above.target.id: " ".join(str(below.value.value).split())
        for above, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }


@cache
def of_model(model: type[BaseModel]) -> dict[str, str]:
    """The same of a pydantic model, with the fields that it inherits."""
    from pydantic import BaseModel

    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _below_fields(each)
    return found


def describe(model: type[BaseModel]) -> type[BaseModel]:
    """The model, whose JSON Schema has the docstrings as descriptions from now on, in the models
    within it, too."""
    for each in (*_within(model), model):
        for name, meaning in of_model(each).items():
            each.model_fields[name].description = meaning
        each.model_rebuild(force=True)
    return model


def _within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models that its fields hold, those within others first."""
    for info in model.model_fields.values():
        for inner in _models(info.annotation):
            yield from (*_within(inner), inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
