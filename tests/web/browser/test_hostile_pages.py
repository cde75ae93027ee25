"""Hostile pages in a real browser: each ends within its limits, by name, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import psutil
import pytest

from atlas.domain.addresses.reach import Reach
from atlas.domain.errors import PageError
from atlas.domain.rendering import RenderedPage, RenderJob, RenderLimits
from atlas.web.address_policy import AddressPolicy
from atlas.web.browser.chromium import BrowserProgram
from atlas.web.browser.renderer import PageRenderer
from tests import browsers
from tests.origin import Origin

pytestmark = [pytest.mark.slow, browsers.needs_chromium]

MARK = f"hostile-pages-test-{os.getpid()}"  # another process of the tests may have browsers, too
BEFORE = "<p>What was there before.</p>"
PRIVATE = ("http://169.254.169.254/latest", "http://10.0.0.1/", "http://127.0.0.1:8099/")


@dataclass
class Browsing:
    """A renderer and a site."""

    origin: Origin
    renderer: PageRenderer

    async def render(self, path: str) -> RenderedPage:
        url = self.origin.url(path)
        return await self.renderer.render(RenderJob(url, Reach([url], source="docs")))

    async def code(self, path: str) -> str:
        with pytest.raises(PageError) as caught:
            await self.render(path)
        return caught.value.code


@pytest.fixture
async def browsing(origin: Origin) -> AsyncIterator[Browsing]:
    async def led_publicly(url: str, led_by: tuple[str, ...]) -> bool:
        return False

    renderer = PageRenderer(
        BrowserProgram(browsers.FOUND or "", browsers.SANDBOX, memory=1 << 30),
        AddressPolicy(["127.0.0.1/32"]),
        RenderLimits(seconds=5, requests=50, bytes=20_000_000, html=2_000_000),
        MARK,
        led_publicly,
        lambda _: {},
    )
    before = set(psutil.Process().children(recursive=True))
    yield Browsing(origin, renderer)
    assert not list(browsers.processes(MARK)), "a browser is left"
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [each for each in left if "chrom" in each.name()]


def scripted(script: str) -> str:
    return f"<html><body>{BEFORE}<div id=o></div><script>{script}</script></body></html>"


async def test_scripts_that_never_end_are_stopped_and_the_page_is_taken(
    browsing: Browsing,
) -> None:
    for path, script in {
        "/loop": "for(;;);",
        "/timers": "function f(){for(;;);} setTimeout(f, 0); setInterval(f, 1)",
        "/alerts": "for(;;) alert(1)",
        "/polls": "(async () => { for(;;) await new Promise(r => setTimeout(r, 200)) })()",
    }.items():
        browsing.origin.page(path, scripted(script))
        began = time.monotonic()
        assert BEFORE in (await browsing.render(path)).html, path
        assert time.monotonic() - began < 300, "bounded, however slow the machine is"


async def test_what_takes_too_much_ends_with_its_code(browsing: Browsing) -> None:
    origin = browsing.origin
    origin.page("/big", b"x" * 5_000_000)
    origin.page(
        "/dom",
        scripted("for (let i = 0; i < 100; i++) o.append('x'.repeat(1e6))"),
    )
    origin.page("/nodes", scripted("o.innerHTML = '<b></b>'.repeat(170000)"))
    origin.page("/memory", scripted("let a = []; for(;;) a.push(new Uint8Array(1e7).fill(1))"))
    origin.page("/many", scripted("for (let i = 0; i < 1000; i++) fetch('/small?' + i)"))
    origin.page("/bytes", scripted("for (let i = 0; i < 20; i++) fetch('/big?' + i)"))
    assert await browsing.code("/dom") in ("render_too_large", "render_memory")
    assert await browsing.code("/nodes") == "render_too_large"
    assert await browsing.code("/memory") == "render_memory"
    assert await browsing.code("/many") == "render_requests"
    assert await browsing.code("/bytes") == "render_bytes"


async def test_a_page_cannot_lead_the_browser_away(browsing: Browsing) -> None:
    origin = browsing.origin
    origin.redirect("/redirect", "http://169.254.169.254/latest")
    origin.redirect("/file", "file:///etc/passwd")
    origin.page("/download", "x", headers={"Content-Disposition": "attachment; filename=x"})
    origin.status("/403", 403)
    assert await browsing.code("/redirect") == "render_redirected"
    assert await browsing.code("/file") in ("render_redirected", "render_unreachable")
    assert await browsing.code("/download") == "render_download"
    assert await browsing.code("/403") == "render_refused"
    for path, where in {
        "/leaves": "http://169.254.169.254/",
        "/reads": "file:///etc/passwd",
        "/becomes": "data:text/html,else",
        "/goes": "/other",
    }.items():
        origin.page(path, scripted(f"location = '{where}'"))
        assert BEFORE in (await browsing.render(path)).html, path
    origin.page("/popups", scripted("for (let i = 0; i < 50; i++) window.open('/other')"))
    assert BEFORE in (await browsing.render("/popups")).html
    assert origin.requests("/other") == []


async def test_nothing_is_sent_but_by_the_guard(browsing: Browsing) -> None:
    """Not by fetch, images, frames, workers or WebSockets; and no datagram by WebRTC."""
    received: list[bytes] = []

    class Listening(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            received.append(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Listening, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    asks = "".join(f"fetch('{url}', {{mode: 'no-cors'}}).catch(() => 0);" for url in PRIVATE)
    code = f"fetch('{PRIVATE[1]}w').catch(() => 0).then(() => postMessage('worked'))"
    browsing.origin.page("/sw.js", "fetch('/from-sw')", content_type="text/javascript")
    browsing.origin.page(
        "/",
        scripted(
            f"{asks} new WebSocket('ws://10.0.0.7/');"
            f"let w = new Worker(URL.createObjectURL(new Blob([{code!r}])));"
            "w.onmessage = e => { o.textContent = e.data };"
            "if (navigator.serviceWorker) navigator.serviceWorker.register('/sw.js').catch(()=>0);"
            f"let p = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}}]}});"
            "p.createDataChannel('x'); p.createOffer().then(d => p.setLocalDescription(d));"
        ),
    )
    try:
        found = await browsing.render("/")
    finally:
        transport.close()
    assert "worked" in found.html
    refused = " ".join(found.refused)
    for url in (*PRIVATE[:2], f"{PRIVATE[1]}w", "10.0.0.7:80", "127.0.0.1:8099"):
        assert url in refused
    assert received == []
    assert browsing.origin.requests("/from-sw") == []


async def test_cookies_do_not_cross_from_one_page_to_the_next(browsing: Browsing) -> None:
    browsing.origin.page("/", scripted("document.cookie = 'a=b'; localStorage.x = 'kept'"))
    browsing.origin.page("/next", scripted("o.textContent = document.cookie + localStorage.x"))
    await browsing.render("/")
    assert "undefined</div>" in (await browsing.render("/next")).html


async def test_only_the_pages_own_origin_gets_the_credentials(browsing: Browsing) -> None:
    own = browsing.origin
    secret = {"Authorization": "Bearer s3cret"}
    browsing.renderer = replace(
        browsing.renderer, credentials=lambda origin: secret if origin == own.base else {}
    )
    async with Origin() as other:
        own.page(
            "/", scripted(f"fetch('/mine'); fetch('{other.url('/theirs')}', {{mode:'no-cors'}})")
        )
        url = own.url("/")
        reach = Reach([url, other.url("/")], source="docs")
        await browsing.renderer.render(RenderJob(url, reach))
        [theirs] = other.requests("/theirs")
    assert "authorization" not in theirs.headers
    sent = [own.requests(path)[0].headers.get("authorization") for path in ("/", "/mine")]
    assert sent == ["Bearer s3cret"] * 2
    # Asked for by somebody whom the credentials do not belong to.
    await browsing.renderer.render(RenderJob(url, reach, authorized=frozenset()))
    for path in ("/", "/mine"):
        assert "authorization" not in own.requests(path)[-1].headers


async def test_a_killed_browser_costs_one_retry_and_a_second_one_the_page(
    browsing: Browsing,
) -> None:
    origin = browsing.origin
    origin.page("/slow", scripted("fetch('/held').then(r => r.text()).then(t => o.innerText = t)"))
    browsing.renderer = replace(
        browsing.renderer, limits=replace(browsing.renderer.limits, seconds=100)
    )
    gate = asyncio.Event()
    origin.page("/held", "after all", gate=gate)
    task = asyncio.create_task(browsing.render("/slow"))
    await origin.arrived("/held")
    kill_all()
    await origin.arrived("/held", 2)
    gate.set()
    assert "after all" in (await task).html

    gate.clear()
    task = asyncio.create_task(browsing.render("/slow"))
    for count in (3, 4):
        await origin.arrived("/held", count)
        kill_all()
    with pytest.raises(PageError) as caught:
        await task
    assert caught.value.code == "browser_crashed"


async def test_a_keeper_that_is_killed_takes_its_browser_along(browsing: Browsing) -> None:
    gate = asyncio.Event()
    browsing.origin.page("/slow", scripted("fetch('/held')"))
    browsing.origin.page("/held", "late", gate=gate)
    task = asyncio.create_task(browsing.render("/slow"))
    await browsing.origin.arrived("/held")
    for process in browsers.processes(MARK):
        if "browser_keeper" in " ".join(process.cmdline()):
            process.kill()
    await browsing.origin.arrived("/held", 2)
    gate.set()
    assert BEFORE in (await task).html


def kill_all() -> None:
    """The first process of each browser."""
    for process in browsers.processes(MARK):
        line = process.cmdline()
        child = any(each.startswith("--type=") for each in line)
        if "--remote-debugging-pipe" in line and not child:
            os.kill(process.pid, signal.SIGKILL)
