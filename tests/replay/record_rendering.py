"""Record runs that have pages rendered, with a browser and without:

.venv/bin/python -m pytest tests/replay/record_rendering.py
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import browsers
from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_rendering import script
from tests.origin import Origin
from tests.replay.record import keep
from workflows import options


@browsers.needs_chromium
async def test_rendered(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in browsers.settings().items():
        monkeypatch.setenv(name, value)
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
