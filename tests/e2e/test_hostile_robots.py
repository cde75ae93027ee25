"""Hostile robots.txt files in a real worker: the run ends, and each page has an outcome."""

from contextlib import AsyncExitStack

import pytest

from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.web import hostile_robots

pytestmark = pytest.mark.slow

PAGE = "<html><body><p>All that is known about {}, and who keeps it burning.</p></body>"


async def test_every_page_behind_a_hostile_file_has_its_outcome(atlas_env: AtlasEnv) -> None:
    async with AsyncExitStack() as opened:
        expected = {}
        for name, text in hostile_robots.FILES.items():
            origin = await opened.enter_async_context(Origin())
            origin.robots(text + "\nUser-agent: atlas\nDisallow: /shut\n")
            for path in ("/open", "/shut"):
                origin.page(path, PAGE.format(name))
            expected[origin.url("/open")] = ("added", None)
            expected[origin.url("/shut")] = ("failed", "robots_disallowed")
        await atlas_env.add_source("hostile", "urls", *expected)
        async with atlas_env.worker():
            await atlas_env.sync("hostile")
        rows = await atlas_env.fetch("select url, outcome, error_code from run_pages")
        found = {row["url"]: (row["outcome"], row["error_code"]) for row in rows}
        assert found == expected
