"""Which sources a request selects, and which of its words select none: a mistyped tag would
otherwise go unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.contracts.activities import ResolvedSources, ResolveSources
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.sources import Source, all_names, every, tagged, unknown

_SHOWN = 20
"""Tags or names that a message lists."""


@dataclass(frozen=True, slots=True)
class SourceSelector:
    """How a request names sources."""

    names: Sequence[str] = ()
    tags: Sequence[str] = ()
    all: bool = False
    """Every source that is not paused."""


async def resolve(connection: Connection, request: ResolveSources) -> ResolvedSources:
    """Which of the named sources are declared, and which are tagged; or the next of all that are
    not paused."""
    known = await all_names(connection, active_only=request.all)
    selected = {*request.names, *await tagged(connection, request.tags)}
    wanted = known if request.all else sorted(selected)
    chunk = [name for name in wanted if name > request.after][: request.limit]
    undeclared = [name for name in chunk if name not in set(known)]
    nothing, unmatched = "", ""
    if not request.after:
        asked = SourceSelector(request.names, request.tags, all=request.all)
        nothing, unmatched = await missing(connection, asked)
        nothing = f"all: {nothing}" if request.all and nothing else nothing
    return ResolvedSources(
        names=[name for name in chunk if name not in undeclared],
        unknown=undeclared,
        message=str(await unknown(connection, undeclared[0])) if undeclared else "",
        last=chunk[-1] if chunk else "",
        nothing=nothing,
        unmatched=unmatched,
    )


async def missing(connection: Connection, asked: SourceSelector) -> tuple[str, str]:
    """Why the request selects no source at all, or else which of its tags select none; each is
    empty where there is nothing to report. Names are not looked up here: `unknown` reports them."""
    declared = await every(connection)
    declared = [source for source in declared if not source.spec.is_pushed]
    active = [source for source in declared if not source.spec.paused]
    if asked.all:
        return ("", "") if active else (_none_active(declared), "")
    tags = sorted(set(asked.tags))
    carried = {tag for source in active for tag in source.spec.tags}
    empty = [tag for tag in tags if tag not in carried]
    if not empty:
        return "", ""
    said = _tags_select_none(empty, declared)
    return ("", said) if asked.names or len(empty) < len(tags) else (said, "")


def _none_active(declared: Sequence[Source]) -> str:
    if not declared:
        return "no source is declared that is collected; `atlas sources add NAME URL` declares one"
    return (
        f"every source is paused ({_listed([each.spec.name for each in declared])}); "
        "`atlas sources resume NAME` lets one run"
    )


def _tags_select_none(empty: Sequence[str], declared: Sequence[Source]) -> str:
    paused = [each.spec.name for each in declared if set(each.spec.tags) & set(empty)]
    named = ", ".join(f"'{tag}'" for tag in empty)
    if paused:
        return (
            f"tags: {named} selects paused sources only ({_listed(paused)}); "
            "`atlas sources resume NAME` lets one run"
        )
    known = sorted({tag for each in declared for tag in each.spec.tags})
    which = f"known tags: {_listed(known)}" if known else "no source has a tag"
    return (
        f"tags: no source carries {named}; {which}; `atlas sources edit NAME --tag TAG` gives one"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
