"""What the Web UI shows of a run: its first line is a sentence that stands by itself."""

import pytest

from atlas.contracts.jobs import Progress
from atlas.contracts.models import Counts
from atlas.contracts.sync_pipeline import SyncProgress
from workflows.web_ui import counted, end_details, progress_details, stage_details

COUNTS = Counts(seen=221, added=3, updated=1, unchanged=215, failed=2)


def test_a_clean_run_is_its_counts() -> None:
    clean = SyncProgress(source="docs", counts=Counts(seen=219, added=3, updated=1, unchanged=215))
    assert end_details(clean, "completed", "") == "**docs: 3 added, 1 updated, 215 unchanged**"


def test_any_other_outcome_comes_first() -> None:
    told = end_details(SyncProgress(source="docs", counts=COUNTS), "completed_with_failures", "")
    assert told == (
        "**docs: completed with failures: 3 added, 1 updated, 215 unchanged, 2 failed**"
    )
    empty = end_details(SyncProgress(source="docs"), "listing_failed", "feed: HTTP 404")
    assert empty == "**docs: listing failed: no page done**\n\nfeed: HTTP 404"


def test_a_run_under_way_shows_where_it_is() -> None:
    one = SyncProgress(source="docs", stage="fetching", level=2, counts=Counts(seen=9, added=4))
    assert stage_details(one) == "**docs: 4 added**\n\nfetching, level 2, 4 of 9 pages done"
    many = SyncProgress(source="all sources", stage="syncing", sources_done=1, sources_total=7)
    assert stage_details(many) == "**all sources: no page done**\n\nsyncing, 1 of 7 sources"


@pytest.mark.parametrize(
    ("progress", "details"),
    [
        (Progress(stage="planning"), "**planning**"),
        (Progress(stage="copying", done=3, total=7, of="texts"), "**copying: 3 of 7 texts**"),
        (Progress(stage="copying", total=7, of="texts", paused=True),
         "**copying: 0 of 7 texts (paused)**"),
        (Progress(stage="completed_with_failures", done=2, of="sources", counts=COUNTS, note="why"),
         "**completed with failures: 2 sources**\n\n"
         "3 added, 1 updated, 215 unchanged, 2 failed\n\nwhy"),
    ],
)  # fmt: skip
def test_a_run_on_no_single_source_shows_its_stage(progress: Progress, details: str) -> None:
    assert progress_details(progress) == details


def test_only_outcomes_that_some_page_had_are_named() -> None:
    assert counted(Counts(seen=3, skipped=3)) == "3 skipped"
    assert counted(Counts()) == "no page done"


def test_a_source_that_ignores_robots_txt_says_so_throughout() -> None:
    told = "robots.txt is ignored at the source's own hosts"
    ignoring = SyncProgress(source="docs", stage="fetching", robots_ignored=True)
    assert stage_details(ignoring).endswith(f"\n\n{told}")
    assert end_details(ignoring, "completed", "a note").endswith(f"a note\n\n{told}")
    assert told not in stage_details(SyncProgress(source="docs"))
