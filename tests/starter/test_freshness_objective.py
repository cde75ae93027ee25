"""A freshness objective from its declaration to the alert: command, client, webhook, metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from starter import AtlasClient
from starter.errors import InvalidRequest
from tests.e2e.scheduled import Receiver, fired, receiver, unhurried
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas

__all__ = ["unhurried"]

PAGES = ("/a", "/b", "/c")


@pytest.fixture
async def alerts() -> AsyncIterator[Receiver]:
    async with receiver() as received:
        yield received


def serve(origin: Origin) -> list[str]:
    for path in PAGES:
        origin.page(
            path, f"<title>{path}</title><main><p>The lamp of pier {path} burns.</p></main>"
        )
    return [origin.url(path) for path in PAGES]


async def passes(env: AtlasEnv, span: timedelta) -> None:
    """Let a while go by: what was seen and counted so far lies further back."""
    await env.pool.execute("update page_state set seen_at = seen_at - $1::interval", span)
    await env.pool.execute("update freshness_samples set at = at - $1::interval", span)


async def test_it_is_declared_watched_and_alerted_on(
    atlas: Atlas,
    atlas_env: AtlasEnv,
    origin: Origin,
    alerts: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", alerts.url)
    rules = ("--kind", "urls", "--every", "1h", "--freshness")
    refused = await atlas("sources", "add", "docs", *serve(origin), *rules, "95% in 2h")
    assert refused.code == 2
    assert "freshness: '95% in 2h' refused" in refused.err and "'95% within 2h'" in refused.err
    added = await atlas("sources", "add", "docs", *serve(origin), *rules, "95% within 2h")
    assert added.code == 0
    shown = await atlas("sources", "show", "docs", "-o", "json")
    assert shown.json["freshness"] == "95% within 2h"
    assert (await atlas("schedules", "apply")).code == 0

    async with atlas_env.worker():
        await atlas_env.sync("docs")
        fine = await atlas("sources", "freshness", "-o", "json")
        [docs] = fine.json["sources"]
        assert (fine.code, docs["achieved"], docs["pages"], docs["seen"]) == (0, 1.0, 3, 3)
        assert (docs["objective"], docs["broken"]) == ("95% within 2h", False)
        assert (await fired(atlas_env.client, "health_check")).status == "ok"

        # The host is down, and nobody sees the pages for hours.
        for path in PAGES:
            origin.status(path, 503)
        await passes(atlas_env, timedelta(hours=3))
        missed = await atlas("sources", "freshness", "-o", "json")
        assert (missed.code, missed.json["sources"][0]["achieved"]) == (4, 0.0)
        await unseen_for_an_hour(atlas_env)
        for _ in range(3):
            await fired_after(atlas_env, timedelta(minutes=5))
        told = [each for each in alerts.told() if each[0].startswith("freshness")]
        assert told == [("freshness docs", "ok", "degraded")]
        assert "0 of 3 pages were seen in time" in alerts.bodies[-1]["text"]
        burning = await atlas("sources", "freshness", "docs", "-o", "json")
        [docs] = burning.json["sources"]
        assert (burning.code, docs["burning"]) == (4, "fast") and docs["burn_rate"] > 14.4
        assert (
            "docs: 0% of 3 pages seen in time; the objective is 95% within 2h"
            in (await atlas("status")).out
        )

        serve(origin)
        await atlas_env.sync("docs", id="again")
        await fired_after(atlas_env, timedelta(minutes=20), seen=False)
        ended = [each for each in alerts.told() if each[0].startswith("freshness")]
        assert ended == [*told, ("freshness docs", "degraded", "ok")]
        assert (await atlas("sources", "freshness")).code == 0

        assert (await atlas("sources", "pause", "docs")).code == 0
        paused = await atlas("sources", "freshness", "-o", "json")
        [docs] = paused.json["sources"]
        assert (paused.code, docs["state"], docs["achieved"]) == (0, "paused", None)
    async with AtlasClient.connect() as client:
        with pytest.raises(InvalidRequest, match="freshness: '95% within 30m' refused: up to 1h"):
            await client.sources.edit("docs", freshness="95% within 30m")
        assert (await client.sources.edit("docs", freshness="99% within 4h")).freshness
    cleared = await atlas("sources", "edit", "docs", "--clear", "freshness", "-o", "json")
    assert (cleared.code, cleared.json["freshness"]) == (0, None)


async def fired_after(env: AtlasEnv, span: timedelta, *, seen: bool = True) -> None:
    """A health check a while later; `seen`: pages age as well."""
    await env.pool.execute("update freshness_samples set at = at - $1::interval", span)
    if seen:
        await env.pool.execute("update page_state set seen_at = seen_at - $1::interval", span)
    await fired(env.client, "health_check")


async def unseen_for_an_hour(env: AtlasEnv) -> None:
    """What health checks would have counted meanwhile."""
    await env.pool.execute(
        "insert into freshness_samples select s.id, now() - n * interval '301 seconds', "
        "interval '2 hours', 3, 0, 300 from sources s, generate_series(0, 12) n"
    )
