"""The docstrings of a class's fields: the help of options, and the meanings in `docs/json.md`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import is_dataclass


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
