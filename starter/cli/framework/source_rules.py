"""The options of `sources add` and `sources edit`, derived from the rules that `SourceSpec`
declares: a new field there is a new option here, with its docstring as help."""

from __future__ import annotations

from dataclasses import Field, fields
from datetime import timedelta
from typing import Annotated, Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from cyclopts import Parameter

from atlas.docstrings import of_fields
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.sources import SourceSpec
from starter.cli.framework.durations import duration, written
from starter.cli.framework.help_pages import as_text

_NOT_OPTIONS = frozenset({"name", "kind", "urls", "paused"})
"""Given by arguments, by `--kind`, and by `sources pause`."""
_RULES = [each for each in fields(SourceSpec) if each.name not in _NOT_OPTIONS]


_OF_TEXT = frozenset(each.name for each in fields(ExtractionRules))


def rule_options(*, of_text: bool = False) -> Any:
    """A TypedDict with one option for each rule, or for those `of_text` alone; it holds those that
    were given, by the names of `SourceSpec`."""
    types, helps = get_type_hints(SourceSpec), of_fields(SourceSpec)
    options = {
        each.name: _option(each, types[each.name], helps[each.name])
        for each in _RULES
        if not of_text or each.name in _OF_TEXT
    }
    # mypy reads literal types only; these, and the lists below, are made at run time.
    return TypedDict("Rules", options, total=False)  # type: ignore[operator]


def clearable() -> Any:
    """A Literal of the rules that can be lifted: lists, limits that may be None, permissions."""
    named = [each.name.replace("_", "-") for each in _RULES if each.default in (None, (), False)]
    return Literal[tuple(named)]


def cleared(rule: str) -> dict[str, object]:
    """The change that lifts a rule of `clearable`."""
    return {each.name: each.default for each in _RULES if each.name == rule.replace("-", "_")}


def _option(rule: Field[Any], kind: Any, told: str) -> Any:
    name = rule.metadata.get("option", rule.metadata.get("json", rule.name))
    told, default, of_time = told.rstrip("."), rule.default, kind is timedelta
    if isinstance(default, timedelta):
        told, default = f"{told}. Write 15m, 6h or 7d", written(default)
    if default not in (None, (), False):
        told += f"; {as_text(default)} by default"
    return Annotated[
        list[get_args(kind)[0]] if get_origin(kind) is tuple else kind,  # type: ignore[misc]
        Parameter(
            name=f"--{name.replace('_', '-')}",
            help=told,
            converter=_duration if of_time else None,
        ),
    ]


def _duration(_: Any, tokens: Any) -> timedelta:
    return duration(tokens[0].keyword, tokens[0].value)
