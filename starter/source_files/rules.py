"""The rules of a source as a file states them, all derived from `SourceSpec`: a new field there may
stand in `sources.yaml`, its docstring explains it to an editor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    create_model,
)
from pydantic import Field as About
from pydantic_core import to_jsonable_python

from atlas.docstrings import of_fields
from atlas.domain.sources import NAME, SourceSpec
from atlas.domain.spans import PATTERN, span_of, written
from starter.errors import InvalidRequest
from starter.sources import folder_of

RULES: dict[str, Field[Any]] = {
    each.metadata.get("json", each.name): each for each in fields(SourceSpec) if each.name != "name"
}
"""By the name in the file, which is that in JSON."""

Rules = Mapping[str, Any]
"""Rules by their name in the file, as plain data."""


def _span(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration; use 90s, 30m, 6h, 7d or 2w")
    return span_of(value)


_DURATION = Annotated[
    timedelta,
    PlainValidator(_span),
    WithJsonSchema({"type": "string", "pattern": f"^({PATTERN})$"}),
]


@cache
def model() -> type[BaseModel]:
    """Of the rules of one source; a field that is left out is not set."""
    types, meanings = get_type_hints(SourceSpec), of_fields(SourceSpec)
    found: dict[str, Any] = {}
    for name, rule in RULES.items():
        kind = types[rule.name]
        about = About(
            ... if rule.default is MISSING else _plain(rule.default),
            description=meanings[rule.name],
            json_schema_extra=_bounds(rule),
        )
        found[name] = (_DURATION if kind is timedelta else kind, about)
    made: type[BaseModel] = create_model(
        "Source", __config__=ConfigDict(extra="forbid"), __doc__="The rules of one source.", **found
    )
    return made


def _bounds(rule: Field[Any]) -> dict[str, Any] | None:
    bounds = rule.metadata.get("bounds")
    if bounds is None:
        return None
    return {
        name: value
        for name, value in (("minimum", bounds.least), ("maximum", bounds.most))
        if value is not None
    }


def _by_name() -> Any:
    name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
    return dict.__class_getitem__((name, model()))


def json_schema() -> dict[str, Any]:
    """JSON Schema of `sources.yaml`."""
    whole = create_model(
        "sources.yaml",
        __config__=ConfigDict(extra="forbid"),
        __doc__="The sources of one Atlas, for `atlas plan` and `atlas apply`.",
        sources=(_by_name(), About(description="The sources, by name.")),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(whole).json_schema(),
    }


def rules_of(spec: SourceSpec) -> dict[str, Any]:
    """Every rule of a source, as the file writes it."""
    return {name: _plain(getattr(spec, rule.name)) for name, rule in RULES.items()}


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, timedelta) else to_jsonable_python(value)


def short_rules_of(spec: SourceSpec) -> dict[str, Any]:
    """Those that a file has to state; those left out follow from the others."""
    rules = rules_of(spec)
    given = {rule.name: getattr(spec, rule.name) for rule in RULES.values()}
    for name, rule in RULES.items():
        if rule.default is not MISSING and _follows(rule, given):
            del rules[name]
    return rules


def _follows(rule: Field[Any], given: Mapping[str, Any]) -> bool:
    try:
        return bool(_left_out(rule, given, None) == given[rule.name])
    except InvalidRequest:  # a site whose starts lie in several folders
        return False


def spec_of(name: str, given: Mapping[str, Any], declared: SourceSpec | None) -> SourceSpec:
    """The source with these rules, by the names of `SourceSpec`. `declared`: what is declared by
    that name now."""
    absent = [rule for rule in RULES.values() if rule.name not in given]
    return SourceSpec(
        name, **given, **{rule.name: _left_out(rule, given, declared) for rule in absent}
    )


def _left_out(rule: Field[Any], given: Mapping[str, Any], declared: SourceSpec | None) -> Any:
    """What a rule is that the file does not state: its default, as `atlas sources add` takes it; of
    a site's prefix the folder of its starts. A person's pause stays.
    Raises `InvalidRequest` where there is no default."""
    if rule.metadata.get("left_out") == "kept" and declared is not None:
        return getattr(declared, rule.name)
    if rule.name == "prefix" and given["kind"] == "site":
        return folder_of(given["urls"])
    return rule.default
