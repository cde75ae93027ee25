"""The weekly reports that are kept: the list, and the text of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.contracts.weekly_report import Form
    from atlas.stores.postgres.crawl.artifacts import Artifact
    from starter.connection import Parts


@dataclass(frozen=True, slots=True)
class KeptReport:
    """The report of one week."""

    week: str
    made_at: datetime
    """When its newest form was made."""
    hashes: dict[str, str]
    """Form (`json`, `md`, `html`) → SHA-256: its name in the blob store."""


async def kept_reports(parts: Parts) -> list[KeptReport]:
    """Every report, the latest week first."""
    from atlas.stores.postgres.crawl import artifacts

    async with parts.database() as connection:
        found = await artifacts.listed(connection, artifacts.REPORT)
    by_week: dict[str, list[Artifact]] = {}
    for artifact in found:
        by_week.setdefault(artifact.name.partition(".")[0], []).append(artifact)
    return [
        KeptReport(
            week,
            max(form.created_at for form in forms),
            {form.name.partition(".")[2]: form.hash for form in forms},
        )
        for week, forms in sorted(by_week.items(), reverse=True)
    ]


async def report_text(parts: Parts, week: str | None, form: Form) -> str:
    """A week's report, by default the latest, as it was kept.

    Raises `NotFound`, `InvalidRequest`, and `Refused` when the blob store does not give it.
    """
    digest = await _digest(parts, week or await _latest(parts), form)
    async with parts.blobs() as blobs:
        return (await blobs.get(digest)).decode()


async def _latest(parts: Parts) -> str:
    kept = await kept_reports(parts)
    if not kept:
        raise NotFound("no report is kept yet; `atlas report make` makes one")
    return kept[0].week


async def _digest(parts: Parts, week: str, form: Form) -> str:
    from atlas.domain.weeks import Week
    from atlas.stores.postgres.crawl import artifacts

    try:
        name = f"{Week.parse(week)}.{form}"
    except ValueError as error:
        raise InvalidRequest(
            f"week: {week!r} is no ISO week: {error}; give one such as 2026-W47"
        ) from None
    async with parts.database() as connection:
        found = await artifacts.find(connection, artifacts.REPORT, name)
    if found is None:
        raise NotFound(
            f"no report of week {week} is kept; `atlas report make {week}` makes it, "
            "`atlas report list` shows those there are"
        )
    return found.hash
