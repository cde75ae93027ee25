"""The figures of a day from all the rows, by plain loops: what freezing must come to as well."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from statistics import median
from typing import Any

import pytest

from atlas.domain.daily_figures import TOTAL, DayFigures
from atlas.domain.timing.weeks import day_bounds
from tests.stores.drive import Drive


class Recount:
    """The same figures from all the rows, by plain loops."""

    def __init__(self, day: date, rows: dict[str, list[Any]]) -> None:
        self.start, self.end = day_bounds(day)
        self.rows = rows
        self.kinds = {row["run_id"]: row["source_name"] for row in rows["runs"]}
        self.texts = {row["id"]: row["text_hash"] for row in rows["documents"]}

    def within(self, when: datetime | None) -> bool:
        return when is not None and self.start <= when < self.end

    def sources_of(self, page: int) -> set[str]:
        held = {row["name"] for row in self.rows["held"] if row["page_id"] == page}
        return held or {"docs"}  # only docs ever lets go of pages in these tests

    def moves(self, source: str) -> tuple[int, int, int]:
        added = changed = gone = 0
        by_page: dict[int, list[Any]] = {}
        for row in sorted(self.rows["versions"], key=lambda row: (row["page_id"], row["seq"])):
            by_page.setdefault(row["page_id"], []).append(row)
        for page, versions in by_page.items():
            if source != TOTAL and source not in self.sources_of(page):
                continue
            for before, version in zip([None, *versions], versions, strict=False):
                opens = self.within(version["valid_from"])
                follows = before is not None and before["valid_to"] == version["valid_from"]
                added += opens and not follows
                changed += opens and follows
            for version, after in zip(versions, [*versions[1:], None], strict=True):
                followed = after is not None and after["valid_from"] == version["valid_to"]
                gone += self.within(version["valid_to"]) and not followed
        return added, changed, gone

    def live(self, source: str) -> dict[int, bytes]:
        return {
            row["page_id"]: self.texts[row["document_id"]]
            for row in self.rows["versions"]
            if row["valid_from"] < self.end and (row["valid_to"] or self.end) >= self.end
            and (source == TOTAL or source in self.sources_of(row["page_id"]))
        }  # fmt: skip

    def fetches(self, source: str) -> list[Any]:
        return [
            row
            for row in self.rows["fetches"]
            if self.within(row["fetched_at"]) and source in (TOTAL, self.kinds.get(row["run_id"]))
        ]

    def failed(self, source: str) -> Counter[tuple[str, str]]:
        ended = {
            row["run_id"]
            for row in self.rows["runs"]
            if self.within(row["ended_at"]) and source in (TOTAL, row["source_name"])
        }
        return Counter(
            (row["error_class"], row["error_code"])
            for row in self.rows["run_pages"]
            if row["run_id"] in ended and row["outcome"] == "failed"
        )

    def age_median(self, source: str) -> float | None:
        ages = []
        for page in self.live(source):
            checks = [
                row["fetched_at"]
                for row in self.rows["fetches"]
                if row["page_id"] == page and row["fetched_at"] < self.end
                and row["error_class"] in (None, "gone")
            ]  # fmt: skip
            ages.append((self.end - max(checks)).total_seconds())
        return median(ages) if ages else None


async def all_rows(drive: Drive) -> dict[str, list[Any]]:
    names = ("versions", "documents", "fetches", "runs", "run_pages")
    rows = {name: await drive.pool.fetch(f"select * from {name}") for name in names}
    rows["held"] = await drive.pool.fetch(
        "select page_id, s.name from source_pages sp join sources s on s.id = sp.source_id"
    )
    return rows


def pairs(tree: Any) -> Counter[tuple[str, str]]:
    return Counter({(a, b): n for a, counts in tree.items() for b, n in counts.items()})


def assert_recounted(found: DayFigures, recount: Recount) -> None:
    source = found.source
    fetches = recount.fetches(source)
    live = recount.live(source)
    assert (found.added, found.changed, found.gone) == recount.moves(source)
    assert (found.live, found.texts) == (len(live), len(set(live.values())))
    assert found.requests == len(fetches)
    assert sum(found.statuses.values()) == len(fetches)
    assert pairs(found.errors) == Counter(
        (row["error_class"], row["error_code"]) for row in fetches if row["error_class"]
    )
    assert pairs(found.failed) == recount.failed(source)
    assert found.age_median == pytest.approx(recount.age_median(source))
    assert 0 <= found.fresh <= found.live
