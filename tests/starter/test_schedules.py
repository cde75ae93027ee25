"""`atlas schedules` and what `atlas sources` says of them, on the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from atlas.contracts.schedules import PERIODIC
from tests.conftest import free_port
from tests.e2e.scheduled import described
from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas

IDS = [each.id for each in PERIODIC]


async def test_apply_list_pause_and_resume(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    before = await atlas("schedules", "list", "-o", "json")
    assert before.code == 1
    assert [each["state"] for each in before.json["schedules"]] == ["missing"] * 4

    applied = await atlas("schedules", "apply")
    assert applied.code == 0
    assert sorted(applied.out.splitlines())[0].startswith("created daily_cleanup: daily at 03:30")
    again = await atlas("schedules", "apply", "-o", "json")
    assert {each["did"] for each in again.json["schedules"]} == {"unchanged"}

    paused = await atlas("schedules", "pause", "hourly_collection", "--note", "we move house")
    assert (paused.code, paused.out) == (0, "paused hourly_collection\n")
    shown = await atlas("schedules", "list")
    assert shown.code == 0
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in shown.out.splitlines()}
    assert list(rows) == IDS
    assert rows["hourly_collection"][:2] == ["paused: we move house", "every hour"]
    assert rows["weekly_report"][:2] == ["active", "Mondays at 06:00 UTC"]
    assert (await atlas("schedules", "resume", "hourly_collection")).code == 0
    assert not (await described(atlas_env.client, "hourly_collection")).schedule.state.paused


async def test_drift_is_told_with_its_mend(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    await atlas("schedules", "apply")
    await atlas_env.client.get_schedule_handle("weekly_report").delete()
    ran = await atlas("schedules")
    assert ran.code == 1
    assert "weekly_report: not there" in ran.err and "atlas schedules apply" in ran.err


@pytest.mark.slow
async def test_trigger_and_backfill(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    await atlas("schedules", "apply")
    assert (await atlas("schedules", "trigger", "daily_cleanup")).out == "triggered daily_cleanup\n"
    ran = await atlas(
        "schedules", "backfill", "weekly_report", "--from", "2026-11-01", "--to", "2026-11-17"
    )
    assert (ran.code, ran.out) == (0, "backfills weekly_report\n")
    async with atlas_env.worker():
        while (await described(atlas_env.client, "weekly_report")).info.num_actions < 3:
            pass
    info = (await described(atlas_env.client, "weekly_report")).info
    mondays = [each.scheduled_at.date().isoformat() for each in info.recent_actions]
    assert mondays == ["2026-11-02", "2026-11-09", "2026-11-16"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pause", "nightly"), 1, "no schedule 'sync_pipeline:nightly'; declared: health_check"),
        (("trigger", "weekly_report"), 1, "declared, but not there; run `atlas schedules apply`"),
        (("backfill", "weekly_report", "--from", "monday"), 2, "--from: 'monday' is not a time"),
    ],
)
async def test_mistakes_are_told(
    arguments: tuple[str, ...], code: int, said: str, atlas: Atlas, atlas_env: AtlasEnv
) -> None:
    ran = await atlas("schedules", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


async def test_a_backfill_backwards_is_refused(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    ran = await atlas(
        "schedules", "backfill", "weekly_report", "--from", "2026-11-17", "--to", "2026-11-01"
    )
    assert ran.code == 2 and "is not before" in ran.err


async def test_with_temporal_down_a_source_is_declared_and_the_mend_is_told(
    atlas: Atlas,
    corpus: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    ran = await atlas(
        *("sources", "add", "news", "https://a.example/feed", "--kind", "feed", "--every", "15m"),
        "--force",
    )
    assert ran.code == 0 and "added news" in ran.out
    assert "atlas schedules apply" in caplog.text and "Traceback" not in ran.err
    caplog.clear()
    unhurried = await atlas(
        "sources", "add", "docs", "https://a.example/", "--kind", "site", "--force"
    )
    assert unhurried.code == 0 and "schedules apply" not in caplog.text


async def test_a_source_of_its_own_pace_is_named_by_its_name(
    atlas: Atlas, atlas_env: AtlasEnv
) -> None:
    await atlas_env.add_source("news", "feed", "https://a.example/", cadence=timedelta(minutes=15))
    await atlas("schedules", "apply")
    assert (await atlas("schedules", "pause", "news")).out == "paused sync_pipeline:news\n"
