"""The two kinds of message, and how a refused one is explained.

A model is built when it is first used: most processes use few of them. Several threads run
workflows; pydantic builds under a lock since 2.14. The docstrings of fields are read where they are
shown (`atlas/docstrings.py`): pydantic would parse every class's source at each start.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, TypeGuard, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Outcome = Literal[
    "completed",
    "completed_with_failures",
    "limit_reached",
    "held",
    "listing_failed",
    "already_running",
    "unknown_source",
    "source_paused",
    "nothing_selected",
    "all_failed",
    "cancelled",
    "failed",
]


class Request(BaseModel):
    """What people send. Unknown or wrong fields are refused by name, at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Message(BaseModel):
    """What Atlas sends itself. Unknown fields are ignored and every new field has a default,
    so that a newer and an older worker understand each other during a deploy."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Counts(Message):
    """Pages of a run by outcome: ``seen = added + updated + unchanged + failed + skipped``
    once the run has ended; while it works, pages under way are in `seen` only."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = self.model_dump(), other.model_dump()
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def changed(self) -> int:
        return self.added + self.updated

    @property
    def done(self) -> int:
        return self.added + self.updated + self.unchanged + self.failed + self.skipped


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """A refusal in words: each line names the field, the value and the fix."""
    return f"{model.__name__}: " + "; ".join(_line(detail, model) for detail in error.errors())


def _line(detail: Any, model: type[BaseModel]) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "input"
    if detail["type"] == "extra_forbidden":
        known = sorted(_model_at(model, detail["loc"][:-1]).model_fields)
        near = difflib.get_close_matches(str(detail["loc"][-1]).lower(), known, n=1)
        mend = f"did you mean '{near[0]}'?" if near else f"known fields: {', '.join(known)}"
        return f"{field}: unknown field (its value: {_shown(detail['input'])}); {mend}"
    if detail["type"] == "missing":
        return f"{field}: missing; it is required"
    return f"{field}: {_shown(detail['input'])} refused: {detail['msg']}"


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that a field within another one belongs to."""
    for name in path:
        field = model.model_fields.get(str(name))
        if field is None:  # an item of a list: its model is the field's
            continue
        found = [field.annotation, *get_args(field.annotation)]
        found += [inner for each in found for inner in get_args(each)]
        model = next((each for each in found if _is_model(each)), model)
    return model


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
