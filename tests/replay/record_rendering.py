"""Record runs that have pages rendered, with a browser and without:

.venv/bin/python -m pytest tests/replay/record_rendering.py
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
from atlas.contracts.names import QUEUE
from atlas.worker import registry
from tests import browsers
from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_rendering import script
from tests.origin import Origin
from tests.replay.record import keep
from workflows import options


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in browsers.settings().items():
        monkeypatch.setenv(name, value)


@browsers.needs_chromium
@pytest.mark.usefixtures("browser")
async def test_rendered(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
) -> None:
    script(origin, "seven")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="when_needed")
    async with atlas_env.worker():
        assert (await atlas_env.sync("app")).counts.added == 1
        await keep("rendered", atlas_env, "sync_pipeline:app")


async def test_no_browser(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(options.RENDERING, "schedule_to_start_timeout", timedelta(seconds=1))
    script(origin, "seven")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="when_needed")
    async with atlas_env.worker():
        assert (await atlas_env.sync("app")).counts.failed == 1
        await keep("no_browser", atlas_env, "sync_pipeline:app")


@browsers.needs_chromium
@pytest.mark.usefixtures("browser")
async def test_fetch_url_rendered(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
) -> None:
    script(origin, "seven")
    async with atlas_env.worker():
        assert (await fetch(atlas_env, origin, "rendered")).rendered
        await keep("fetch_url_rendered", atlas_env, "rendered")


async def test_fetch_url_no_browser(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
) -> None:
    script(origin, "seven")
    async with atlas_env.worker():
        assert (await fetch(atlas_env, origin, "none")).error_code == "no_browser"
        await keep("fetch_url_no_browser", atlas_env, "none")


async def test_fetch_url_never_began(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker is said to have a browser, and takes nothing up; then none has."""
    monkeypatch.setitem(options.RENDERING_ONE, "schedule_to_start_timeout", timedelta(seconds=1))
    answers = iter((True, False))

    async def served(parts: object) -> bool:
        return next(answers)

    monkeypatch.setattr(registry, "_served", served)
    script(origin, "seven")
    async with atlas_env.worker():
        assert (await fetch(atlas_env, origin, "never")).error_code == "no_browser"
        await keep("fetch_url_never_began", atlas_env, "never")


async def fetch(env: AtlasEnv, origin: Origin, workflow_id: str) -> FetchUrlResult:  # noqa: F811
    return await env.client.execute_workflow(
        "fetch_url",
        FetchUrlRequest(url=origin.url("/app"), render="when_needed"),
        id=workflow_id,
        task_queue=QUEUE,
        result_type=FetchUrlResult,
    )
