"""What a run did with each of its pages: from the list that it left, or from its record."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starter.errors import NotFound

if TYPE_CHECKING:
    from starter.connection import Parts


async def outcomes(parts: Parts, run_id: str) -> AsyncGenerator[dict[str, Any]]:
    """The outcome of each page of a run, by URL; of a run of several sources, source by source.
    Raises `NotFound`, `Refused`."""
    from atlas.stores.postgres.crawl.bodies import artifacts
    from atlas.stores.postgres.crawl.runs import run_outcomes

    async with parts.database() as connection:
        kept = await artifacts.find(connection, artifacts.OUTCOMES, run_id)
        recorded = kept is None and await run_outcomes.is_recorded(connection, run_id)
    if kept is not None:
        async with parts.blobs() as blobs:
            body = await blobs.get(kept.hash)
        for line in body.splitlines():
            yield json.loads(line)
    elif recorded:
        async with (
            parts.database() as connection,
            aclosing(run_outcomes.of_run(connection, run_id)) as lines,
        ):
            async for found in lines:
                yield found
    else:
        runs = await _of_sources(parts, run_id)
        if not runs:
            raise NotFound(
                f"no outcomes of a run '{run_id}' are kept: it has no pages, or its record is past "
                "its retention"
            )
        for source, each in runs:
            async with aclosing(outcomes(parts, each)) as of_source:
                async for found in of_source:
                    yield {**found, "source": source}


async def _of_sources(parts: Parts, run_id: str) -> list[tuple[str, str]]:
    """Source and run of each source that a run of several worked on, of those with pages."""
    from atlas.stores.postgres.crawl.runs import run_outcomes
    from starter.runs.details import details
    from starter.runs.lookup import look_up

    try:
        run, described = await look_up(parts, run_id)
    except NotFound:
        return []
    found = [each for each in (await details(parts, run, described, 0)).sources if each.run_id]
    async with parts.database() as connection:
        return [
            (each.source, each.run_id)
            for each in found
            if await run_outcomes.is_recorded(connection, each.run_id)
        ]
