"""Looks that need no server: what they conclude, how they bound themselves, what they show."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from atlas.contracts.health import Transition
from atlas.domain.source_freshness import tolerance
from atlas.domain.source_schedules import own_schedule
from atlas.domain.sources import SourceSpec
from atlas.health import blobs, corpus, schedules
from atlas.health.probe import ProbeResult, Unwell, looked_at
from atlas.health.webhook import AlertWebhook, alert
from atlas.schedules.status import ScheduleStatus
from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.reporting.monitoring import Unsettled
from atlas.stores.postgres.sources.sources import Source

TRANSITION = Transition(part="blobs", before="ok", after="failing", detail="full", mend="Free it")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_a_look_is_bounded_and_never_raises() -> None:
    async def hangs() -> ProbeResult:
        await asyncio.sleep(3600)
        raise AssertionError

    async def breaks() -> ProbeResult:
        raise ZeroDivisionError

    async def finds() -> ProbeResult:
        raise Unwell("no", "do")

    hung = await looked_at("x", hangs(), mend="wait", seconds=0.01)
    assert (hung.status, hung.detail, hung.mend) == (
        "failing",
        "it did not answer within 0 s",
        "wait",
    )
    broken = await looked_at("x", breaks(), mend="mend")
    assert (broken.status, broken.detail, broken.mend) == ("failing", "ZeroDivisionError", "mend")
    found = await looked_at("x", finds(), mend="mend")
    assert (found.status, found.detail, found.mend) == ("failing", "no", "do")


LOOKED = {"schedules.looked": 1.0}


def seen(id: str = "hourly_collection", **changes: object) -> ScheduleStatus:
    values: dict[str, object] = {
        "id": id, "state": "active", "rhythm": "every hour", "note": "", "next": None,
        "last": None, "running": 0, "actions": 3, "skipped": 0, "missed": 0, "drift": (),
    }  # fmt: skip
    return ScheduleStatus(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "before", "status", "said"),
    [
        (seen(), {}, "ok", "1 as declared"),
        (seen(state="paused"), {}, "ok", "1 as declared; paused: hourly_collection"),
        (seen(drift=("jitter: 1 s instead of 2 s",)), {}, "degraded", "jitter: 1 s"),
        (seen(skipped=2, running=1), LOOKED, "degraded", "a fire was skipped"),
        (seen(skipped=2), LOOKED, "ok", "as declared"),
        (seen(skipped=2), {}, "ok", "as declared"),
        (
            seen(skipped=2),
            LOOKED | {"schedules.skipped:hourly_collection": 2.0},
            "ok",
            "as declared",
        ),
        (
            seen(skipped=3, running=1),
            LOOKED | {"schedules.skipped:hourly_collection": 2.0},
            "degraded",
            "skipped",
        ),
        (seen(missed=1), LOOKED, "degraded", "were lost"),
        (seen("health_check", skipped=1, running=1), LOOKED, "ok", "as declared"),
    ],
)
def test_skips_are_read_from_the_schedules_own_counters(
    now: ScheduleStatus, before: dict[str, float], status: str, said: str
) -> None:
    found = schedules._judged([now], 1, before)
    assert found.status == status and said in found.detail
    assert bool(found.mend) == (status != "ok")


def looks(*series: ScheduleStatus) -> list[str]:
    """What one look after the other says, five minutes apart."""
    figures: dict[str, float] = {}
    said = []
    for number, each in enumerate(series):
        said.append(schedules._judged([each], 1, figures).status)
        figures = schedules._figures([each], figures, 300.0 * number)
    return said


def test_a_run_that_takes_too_long_is_spoken_of_until_it_ends() -> None:
    assert looks(
        seen(running=1),
        seen(running=1, skipped=1),
        seen(running=1, skipped=1),
        seen(running=1, skipped=2),
        seen(skipped=2),
        seen(running=1, skipped=2),
    ) == ["ok", "degraded", "degraded", "degraded", "ok", "ok"]


def test_what_was_skipped_before_the_first_look_is_the_past() -> None:
    assert looks(seen(running=1, skipped=4, missed=2), seen(running=1, skipped=4, missed=2)) == [
        "ok",
        "ok",
    ]


def test_lost_fires_are_spoken_of_for_an_hour() -> None:
    said = looks(seen(), *[seen(missed=2)] * 15)
    assert said == ["ok", *["degraded"] * 13, "ok", "ok"]


def test_the_latest_source_is_named_and_a_paused_one_is_never_overdue() -> None:
    def source(name: str, ago: timedelta, *, paused: bool = False) -> Source:
        spec = SourceSpec(
            name, "urls", ("https://x.org/",), cadence=timedelta(hours=6), paused=paused
        )
        return Source(1, spec, None, NOW - timedelta(days=9), NOW - ago, None)

    fresh, paused = source("a", timedelta(hours=7)), source("p", timedelta(days=3), paused=True)
    found = corpus._overdue([fresh, paused], NOW)
    assert (found.status, found.detail) == ("ok", "2 declared, none overdue")
    late, later = source("b", timedelta(hours=9)), source("c", timedelta(hours=11))
    found = corpus._overdue([fresh, late, later, paused], NOW)
    assert (found.status, found.detail) == ("degraded", "2 of 4 overdue; c for 5 h")


def test_quarantine_is_compared_with_the_day_before() -> None:
    found, figures = corpus._quarantine(5, 1000, 0.0, {})
    assert found.status == "ok"
    found, figures = corpus._quarantine(14, 1000, 3600.0, figures)
    assert found.status == "ok"
    found, figures = corpus._quarantine(15, 1000, 7200.0, figures)
    assert found.status == "degraded"
    found, figures = corpus._quarantine(15, 1000, 90_000.0, figures)
    assert (found.status, figures) == ("ok", {"quarantine.pages": 15.0, "quarantine.since": 9e4})
    found, figures = corpus._quarantine(2, 1000, 90_001.0, figures)
    assert figures["quarantine.pages"] == 2


def test_held_removals_wait_for_a_person() -> None:
    assert corpus._deletions({}).status == "ok"
    found = corpus._deletions({"blog": 2, "docs": 40})
    assert found.status == "degraded"
    assert found.detail.startswith("42 removals are held, 40 of them of docs")
    assert "atlas deletions list" in found.mend


@pytest.mark.parametrize(("minutes", "status"), [(29, "ok"), (31, "degraded")])
def test_a_page_that_lies_about_is_noticed(minutes: int, status: str) -> None:
    waiting = Unsettled(3, NOW - timedelta(minutes=minutes))
    assert corpus._lag(waiting, NOW).status == status


def test_patience_with_a_source_follows_its_cadence() -> None:
    def spec(minutes: int, cron: str | None = None) -> SourceSpec:
        cadence = timedelta(minutes=minutes)
        return SourceSpec("a", "urls", ("https://a.example/",), cadence=cadence, cron=cron)

    assert tolerance(spec(2)) == timedelta(minutes=15)
    assert tolerance(spec(30)) == timedelta(minutes=60)
    assert tolerance(spec(60)) == tolerance(spec(2, "0 * * * *")) == timedelta(hours=2)


def test_sources_of_one_cadence_begin_apart() -> None:
    def offset(name: str) -> timedelta:
        spec = SourceSpec(name, "urls", ("https://a.example/",), cadence=timedelta(minutes=15))
        schedule = own_schedule(spec)
        assert schedule is not None
        assert timedelta(0) <= schedule.offset < timedelta(minutes=15)
        return schedule.offset

    assert len({offset(f"source-{number}") for number in range(50)}) > 30
    assert offset("news") == offset("news")


async def test_a_blob_folder_that_went_away_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(Unwell, match="does not exist"):
        await blobs.blobs(str(tmp_path / "gone"))
    assert not (tmp_path / "gone").exists()


async def test_room_on_the_disk_is_told(tmp_path: Path) -> None:
    assert "free for" in (await blobs.disk([tmp_path / "not" / "there"])).detail
    assert (await blobs.disk([])).detail == "Atlas keeps nothing on this machine"


class Answers:
    """A webhook that answers one status after the other."""

    def __init__(self, *statuses: int) -> None:
        self.left = list(statuses)
        self.keys: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        headers = {"Location": "/elsewhere"}
        return web.Response(status=self.left.pop(0), headers=headers)


@pytest.mark.parametrize(
    ("statuses", "said", "attempts"),
    [
        ((204,), None, 1),
        ((503, 429, 200), None, 3),
        ((500, 500, 500), "127.0.0.1 answered 500", 3),
        ((404,), "127.0.0.1 answered 404", 1),
        ((302,), "127.0.0.1 answered 302", 1),
    ],
)
async def test_the_webhook_is_tried_again_where_that_may_help(
    statuses: tuple[int, ...],
    said: str | None,
    attempts: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # as setup_logs does
    answers = Answers(*statuses)
    app = web.Application()
    app.router.add_post("/{token}", answers.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/s3cret"
    try:
        hook = AlertWebhook(url, "default", pauses=(0.0, 0.0))
        assert await hook.send("key", 1.0, [TRANSITION]) == said
    finally:
        await runner.cleanup()
    assert answers.keys == ["key"] * attempts
    assert "s3cret" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("atlas")
    )


async def test_a_webhook_that_is_not_there_is_told_without_its_secret() -> None:
    hook = AlertWebhook("http://127.0.0.1:9/s3cret", "default", pauses=())
    said = await hook.send("key", 1.0, [TRANSITION])
    assert said == "127.0.0.1: ClientConnectorError"


def test_an_alert_reads_well_and_is_made_for_programs() -> None:
    body = alert("key", 0.0, "default", [TRANSITION])
    assert body["text"] == "Atlas (default):\n🔴 blobs: failing, was ok. full → Free it"
    assert body["atlas"]["at"] == "1970-01-01T00:00:00Z"
    assert body["atlas"]["transitions"][0]["part"] == "blobs"
    assert len(alert("key", 0.0, "x", [TRANSITION] * 200)["content"]) < 2000


def test_a_webhook_that_is_no_url_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", "ftp://s3cret.example")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert "ATLAS_ALERT_WEBHOOK refused" in str(caught.value)
    assert "s3cret" not in str(caught.value)
