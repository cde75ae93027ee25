"""The weekly reports that are kept, read from Python: `atlas.report("2026-W47", "md")`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.contracts.weekly_report import Form
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifact


@dataclass(frozen=True, slots=True)
class KeptReport:
    """The report of one week."""

    week: str
    made_at: datetime
    """When its newest form was made."""
    hashes: dict[str, str]
    """Form (`json`, `md`, `html`) → SHA-256: its name in the blob store."""


class KeptReports:
    """The weekly reports of one Atlas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def reports(self) -> list[KeptReport]:
        """The weekly reports that are kept, the latest week first."""
        from atlas.stores.postgres.crawl.bodies import artifacts

        async with self._parts.database() as connection:
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

    async def report(self, week: str | None = None, form: Form = "json") -> str:
        """A week's report as it was kept, by default the latest; `form` is json, md or html.

        `start("weekly_report", week=…)` makes one. Raises `NotFound`, `InvalidRequest`, `Refused`.
        """
        if not week:
            kept = await self.reports()
            if not kept:
                raise NotFound("no report is kept yet; `atlas report make` makes one")
            week = kept[0].week
        digest = await self._report_hash(week, form)
        async with self._parts.blobs() as blobs:
            return (await blobs.get(digest)).decode()

    async def _report_hash(self, week: str, form: Form) -> str:
        from atlas.domain.timing.weeks import Week
        from atlas.stores.postgres.crawl.bodies import artifacts

        try:
            name = f"{Week.parse(week)}.{form}"
        except ValueError as error:
            raise InvalidRequest(
                f"week: {week!r} is no ISO week: {error}; give one such as 2026-W47"
            ) from None
        async with self._parts.database() as connection:
            found = await artifacts.find(connection, artifacts.REPORT, name)
        if found is None:
            raise NotFound(
                f"no report of week {week} is kept; `atlas report make {week}` makes it, "
                "`atlas report list` shows those there are"
            )
        return found.hash
