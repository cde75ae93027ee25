"""A Chromium of the system's: its command line, starting it, and the version it states.

The command line makes sure of two things: that nothing leaves but through the proxy it is given,
and that it does nothing but show pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.child_environment import allowed
from atlas.shielded_work import to_its_end
from atlas.web.browser.devtools import BrowserLost, DevTools, DevToolsError

_START = 60.0
"""Seconds until it speaks: an idle machine needs less than one, a busy one more than ten."""
_END = 30.0
"""Seconds for all its processes to end, which are killed."""

_KEEPER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from atlas.web.browser.browser_keeper import main
main(int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
"""

_NOTHING_ELSE = (
    *("--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-component-extensions-with-background-pages", "--disable-default-apps"),
    *("--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-pings"),
    *("--disable-extensions", "--disable-breakpad", "--disable-crash-reporter", "--mute-audio"),
    *("--disable-gpu", "--disable-dev-shm-usage", "--disable-print-preview", "--noerrdialogs"),
    *("--disable-notifications", "--deny-permission-prompts", "--block-new-web-contents"),
    *("--disable-search-engine-choice-screen", "--password-store=basic", "--use-mock-keychain"),
    *("--allow-browser-signin=false", "--simulate-outdated-no-au=Tue, 31 Dec 2099 23:59:59 GMT"),
    "--metrics-recording-only",
    # One process for a page and its frames: there are no cookies or logins to keep apart, and the
    # requests of all of them are seen in one place.
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process,Translate,OptimizationHints,MediaRouter,"
    "DialMediaRouteProvider,AutofillServerCommunication,InterestFeedContentSuggestions,"
    "NetworkTimeServiceQuerying,CertificateTransparencyComponentUpdater,GlobalMediaControls,LensOverlay,Prerender2,"
    "SpareRendererForSitePerProcess",
)


@dataclass(frozen=True, slots=True)
class BrowserProgram:
    """Which browser, and what it may take. `memory` in bytes, of all its processes together."""

    path: str
    sandbox: bool = True
    memory: int = 1 << 30

    def fault(self) -> str | None:
        """Why it cannot be started, as far as can be seen without trying, and the fix."""
        if not Path(self.path).is_file() or not os.access(self.path, os.X_OK):
            return (
                f"ATLAS_BROWSER: {self.path} is no program; give the path of Chromium, or unset it"
            )
        if self.sandbox and hasattr(os, "geteuid") and os.geteuid() == 0:
            return (
                "ATLAS_BROWSER_SANDBOX: Chromium has no sandbox when root starts it; run the "
                "worker as another user, or set it to false in a container that holds nothing else"
            )
        return None

    def command(self, proxy_port: int, agent: str) -> list[str]:
        """Its command line; `agent` is what it calls itself."""
        return [
            self.path,
            *_NOTHING_ELSE,
            *_only_through(proxy_port),
            *([] if self.sandbox else ["--no-sandbox"]),
            f"--user-agent={agent}",
            "--user-data-dir={profile}",
            # A page's scripts run out of memory before the browser does.
            f"--js-flags=--max-old-space-size={max(64, self.memory // 2 >> 20)}",
            "about:blank",
        ]


def _only_through(port: int) -> tuple[str, ...]:
    return (
        f"--proxy-server=http://127.0.0.1:{port}",
        "--proxy-bypass-list=<-loopback>",  # else loopback is dialled directly
        # No name is looked up here, for whatever reason: the proxy does.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--dns-prefetch-disable",
        "--disable-quic",
        # UDP goes through no proxy, so none is sent.
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    )


class BrowserEnded(BrowserLost):
    """Why a browser ended: `memory`, `exited` or `failed`, and what it last complained of."""

    def __init__(self, why: str, said: str = "") -> None:
        super().__init__(f"the browser ended: {why}{': ' + said if said else ''}")
        self.why = why
        self.said = said


@asynccontextmanager
async def running(
    program: BrowserProgram, proxy_port: int, agent: str, most_message: int
) -> AsyncIterator[DevTools]:
    """A browser of its own, with an empty profile; none of its processes is left afterwards.

    Raises BrowserEnded when it ends before it is to, or cannot be started.
    """
    ours, theirs = socket.socketpair()
    arguments = (json.dumps(sys.path), str(theirs.fileno()), str(program.memory))
    with theirs, contextlib.ExitStack() as opened:
        opened.enter_context(ours)
        keeper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _KEEPER, *arguments),
            json.dumps(program.command(proxy_port, agent)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            # A page may take a browser over: it finds no credentials there.
            env=allowed(os.environ) | {"TZ": "UTC"},
            start_new_session=True,  # a signal to the worker's group is for the worker
        )
        opened.pop_all()
    tools = DevTools(ours, most_message)
    try:
        yield tools
    except BrowserLost as lost:
        why, said = await _ended(keeper)
        raise BrowserEnded("exited" if why == "closed" else why, said) from lost
    finally:
        await to_its_end(_close(tools, keeper))


async def _close(tools: DevTools, keeper: asyncio.subprocess.Process) -> None:
    await tools.close()
    await _ended(keeper)


async def _ended(keeper: asyncio.subprocess.Process) -> tuple[str, str]:
    """End the keeper and what it keeps, and hear why it ended."""
    assert keeper.stdin is not None and keeper.stdout is not None
    keeper.stdin.close()
    try:
        async with asyncio.timeout(_END):
            told = (await keeper.stdout.read()).decode("utf-8", "replace")
            await keeper.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            keeper.kill()  # the kernel then kills the browser
        await keeper.wait()
        told = ""
    why, _, said = told.partition(" ")
    return why or "failed", said


async def version(program: BrowserProgram) -> str:
    """Start it, without a way to the web, and ask; such as `Chrome/156.0.8078.114`. Raises
    BrowserEnded."""
    async with running(program, 9, "Atlas", 1 << 20) as tools, speaking():
        try:
            answer = await tools.ask("Browser.getVersion")
        except DevToolsError as error:
            raise BrowserLost(str(error)) from error
    return re.sub("^Headless", "", str(answer.get("product", "")))


@asynccontextmanager
async def speaking() -> AsyncIterator[None]:
    """Bounds the first exchange with a browser."""
    try:
        async with asyncio.timeout(_START) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise BrowserLost(f"the browser did not speak within {_START:g} s") from error
