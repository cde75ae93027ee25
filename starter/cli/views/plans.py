"""How a plan of sources, and its result, are printed for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from starter.cli.framework.output import bold, size_of

if TYPE_CHECKING:
    from starter.source_files import AppliedSources
    from starter.source_files.costs import PlanCost, SourceCost
    from starter.source_files.plan import PlannedSource, RuleChange, SourceFilePlan

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_LONGEST = 100
"""Characters of a value."""
_SHOWN = 20
"""Names in a line."""


def plan_lines(plan: SourceFilePlan) -> Iterator[str]:
    """The changes of a plan, one rule a line; then how many there are, and what they cost."""
    for each in plan.changes:
        yield from _source_lines(each)
    counts = [
        f"{len(names)} {what}"
        for what, names in (
            ("to add", plan.named("added")),
            ("to change", plan.named("changed")),
            ("to remove", plan.named("removed")),
            ("unchanged", plan.named("unchanged")),
        )
        if names
    ]
    yield ", ".join(counts) or "nothing to change"
    if plan.named("added", "changed"):
        yield _total(plan.cost)
    if plan.undeclared:
        yield f"not in the file, and kept (--prune removes them): {_listed(plan.undeclared)}"


def _source_lines(source: PlannedSource) -> Iterator[str]:
    head = bold(f"{_SIGNS[source.change]} {source.name}")
    if source.change == "removed":
        yield f"{head}: {_pages_left(source.pages)}"
    else:
        yield head
    for change in source.rules:
        yield f"    {_rule(change, new=source.change == 'added')}"
    if source.problem:
        yield f"    refused: {source.problem}"
    if source.cost is not None:
        yield f"    next sync: {_cost(source.cost)}"
        yield f"      rests on {'; '.join(source.cost.rests_on)}"


def _cost(cost: SourceCost) -> str:
    if cost.requests is None:
        return "unknown"
    size = "unknown bytes" if cost.bytes is None else size_of(cost.bytes)
    if cost.bytes_error:
        size += f" (±{cost.bytes_error:.0%})"
    spent = "" if cost.duration is None else f", {_hours(cost.duration)}"
    bound = "at most " if cost.at_most else ""
    return f"{bound}{_counted(cost.requests, 'request')}, {size}{spent}"


def _total(cost: PlanCost) -> str:
    said = f"{_counted(cost.requests, 'request')}, {size_of(cost.bytes)}, {_hours(cost.duration)}"
    if cost.unknown:
        said += f"; unknown for {_listed(cost.unknown)}"
    return f"their next syncs together: {said} (this plan made {_counted(cost.asked, 'request')})"


def _hours(span: timedelta) -> str:
    """`2.4 h`; of less than an hour minutes or seconds."""
    seconds = span.total_seconds()
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _pages_left(pages: int) -> str:
    if not pages:
        return "no page is held by it alone"
    if pages == 1:
        return "1 page that no other source holds stays searchable, but is no longer checked"
    return f"{pages} pages that no other source holds stay searchable, but are no longer checked"


def _rule(change: RuleChange, *, new: bool) -> str:
    after = _value(change.after)
    return f"{change.rule}: " + (after if new else f"{_value(change.before)} → {after}")


def _value(value: object) -> str:
    if value is None or value == []:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def applied_lines(done: AppliedSources) -> Iterator[str]:
    """What was done, a source a line."""
    for name in done.added:
        yield f"added {name}"
    for name in done.changed:
        yield f"changed {name}"
    for each in done.removed:
        yield f"removed {each.name}: {_pages_left(each.pages)}"
    if not (done.added or done.changed or done.removed):
        count = len(done.unchanged)
        verb = "is" if count == 1 else "are"
        yield f"nothing to change; {_counted(count, 'source')} {verb} as the file says"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
