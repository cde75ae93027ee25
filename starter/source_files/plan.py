"""What a file of sources would change about the declared ones, without I/O; and the saved plan that
`atlas apply --plan` holds itself to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from atlas.domain.sources import SourceSpec
from starter.errors import InvalidRequest
from starter.source_files.costs import NOTHING, PlanCost, SourceCost
from starter.source_files.rules import rules_of

PLAN_SCHEMA = "sources_plan/1"
"""What a saved plan says it is; `json_shapes.py` has its fields."""

Change = Literal["added", "changed", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that would change."""

    rule: str
    """Its name, as in the file."""
    before: Any
    """Its value now; null for a source that is new."""
    after: Any
    """Its value then; null for a source that would be removed."""


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """What would become of one source."""

    name: str
    change: Change
    """`added`, `changed`, `removed` or `unchanged`."""
    rules: tuple[RuleChange, ...]
    """The rules that would change, of a new source all that differ from their default; empty for
    one that would be removed."""
    pages: int
    """Pages of a source that would be removed which no other source holds."""
    problem: str
    """Why `atlas apply` would refuse to declare it without --force; mostly empty."""
    cost: SourceCost | None
    """What its next whole sync takes; null unless it would be added or changed."""
    declared: str
    """Fingerprint of the rules declared when the plan was made; empty: no such source."""
    wanted: str
    """Fingerprint of the rules in the file; empty: the file does not name it."""


@dataclass(frozen=True, slots=True)
class SourceFilePlan:
    """What a file of sources would change."""

    prune: bool
    """Whether sources that the file does not name would be removed."""
    sources: tuple[PlannedSource, ...]
    """Those that the file names, and those that would be removed, by name."""
    undeclared: tuple[str, ...]
    """Declared sources that the file does not name and that stay, because `--prune` was not
    given."""
    cost: PlanCost
    """What the next whole syncs of the sources that would be added or changed take together."""

    @property
    def changes(self) -> tuple[PlannedSource, ...]:
        """The sources that would change."""
        return tuple(each for each in self.sources if each.change != "unchanged")

    def named(self, *changes: Change) -> tuple[str, ...]:
        """The names of the sources that would change so."""
        return tuple(each.name for each in self.sources if each.change in changes)


def planned(
    wanted: Iterable[SourceSpec], declared: Mapping[str, SourceSpec], *, prune: bool
) -> SourceFilePlan:
    """The plan that makes `declared` into `wanted`."""
    asked = {spec.name: spec for spec in wanted}
    left = sorted(declared.keys() - asked.keys())
    names = sorted({*asked, *(left if prune else ())})
    sources = tuple(_planned(name, asked.get(name), declared.get(name)) for name in names)
    return SourceFilePlan(prune, sources, () if prune else tuple(left), NOTHING)


def _planned(name: str, wanted: SourceSpec | None, declared: SourceSpec | None) -> PlannedSource:
    change: Change = "changed"
    if wanted is None:
        change = "removed"
    elif declared is None:
        change = "added"
    elif wanted == declared:
        change = "unchanged"
    return PlannedSource(
        name=name,
        change=change,
        rules=rule_changes(declared, wanted) if wanted else (),
        pages=0,
        problem="",
        cost=None,
        declared=fingerprint(declared),
        wanted=fingerprint(wanted),
    )


def rule_changes(before: SourceSpec | None, after: SourceSpec) -> tuple[RuleChange, ...]:
    """The rules in which two sources differ; of a new one, those that are not the default."""
    base = before or SourceSpec(after.name, after.kind, after.urls)
    old, new = rules_of(base), rules_of(after)
    return tuple(
        RuleChange(rule, None if before is None else old[rule], value)
        for rule, value in new.items()
        if value != old[rule] or (before is None and rule in ("kind", "urls"))
    )


def fingerprint(spec: SourceSpec | None) -> str:
    """SHA-256 of a source's rules; empty for none."""
    if spec is None:
        return ""
    text = json.dumps(rules_of(spec), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def moved(plan: SourceFilePlan, now: SourceFilePlan) -> list[str]:
    """Where a plan does not hold any more: `now` is what would be planned at this moment."""
    before = {each.name: each for each in plan.sources}
    current = {each.name: each for each in now.sources}
    said: list[str] = []
    for name in sorted(before.keys() | current.keys()):
        old, new = before.get(name), current.get(name)
        if (new.declared if new else "") != (old.declared if old else ""):
            said.append(_declared_moved(name, old, new))
        elif (new.wanted if new else "") != (old.wanted if old else ""):
            said.append(f"{name}: the file is not the one that the plan was made from")
    return said


def _declared_moved(name: str, old: PlannedSource | None, new: PlannedSource | None) -> str:
    if new is None or not new.declared:
        return f"{name}: it was removed meanwhile"
    if old is None or not old.declared:
        return f"{name}: it was declared meanwhile"
    now = {each.rule: each.before for each in new.rules}
    then = {each.rule: each.before for each in old.rules}
    rules = sorted(rule for rule in now.keys() | then.keys() if now.get(rule) != then.get(rule))
    return f"{name}: its rules were changed meanwhile" + (f" ({', '.join(rules)})" if rules else "")


def read_plan(text: str, file: str) -> SourceFilePlan:
    """A plan that `atlas plan --save` wrote, or `-o json` printed. Raises `InvalidRequest`."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.pop("schema", None) != PLAN_SCHEMA:
            raise InvalidRequest(
                f"plan: {file} is no plan ({PLAN_SCHEMA}); `atlas plan --save {file}` writes one"
            )
        return TypeAdapter(SourceFilePlan).validate_python(found)
    except (json.JSONDecodeError, ValidationError) as error:
        why = str(error).splitlines()[0]
        raise InvalidRequest(
            f"plan: {file} cannot be read ({why}); `atlas plan --save {file}` writes one"
        ) from None
