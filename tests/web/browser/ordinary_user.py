"""Renders one page as whoever runs it, with Chromium's sandbox, and prints its HTML:

python -m tests.web.browser.ordinary_user URL USER_AGENT
"""

from __future__ import annotations

import asyncio
import sys

from atlas.domain.addresses.reach import Reach
from atlas.domain.rendering import RenderJob, RenderLimits
from atlas.web.address_policy import AddressPolicy
from atlas.web.browser.chromium import BrowserProgram
from atlas.web.browser.renderer import PageRenderer
from tests import browsers


async def render(url: str, agent: str, *, sandbox: bool) -> str:
    """The page's HTML."""

    async def led_publicly(url: str, led_by: tuple[str, ...]) -> bool:
        return False

    program = BrowserProgram(browsers.FOUND or "", sandbox)
    if fault := program.fault():
        raise SystemExit(fault)
    limits = RenderLimits(seconds=100)
    policy = AddressPolicy(["127.0.0.1/32"])
    renderer = PageRenderer(program, policy, limits, agent, led_publicly, lambda _: {})
    return (await renderer.render(RenderJob(url, Reach([url])))).html


if __name__ == "__main__":
    print(asyncio.run(render(sys.argv[1], sys.argv[2], sandbox=True)))
