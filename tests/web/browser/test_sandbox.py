"""Chromium's own sandbox, which it has only where an ordinary user starts it. Where the tests run
as root, that user is the one that PostgreSQL runs as then."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from atlas.embedded.unprivileged import account_for, shim
from tests import browsers
from tests.origin import Origin
from tests.web.browser.ordinary_user import render

pytestmark = [pytest.mark.slow, browsers.needs_chromium]

MARK = f"sandbox-test-{os.getpid()}"
SCRIPTED = "<p id=o></p><script>fetch('/held').then(r => r.text()).then(t => o.append(t))</script>"
# A renderer in a user namespace of its own is what the sandbox begins with.
PROBE = """
import ctypes, os, sys
import tests.web.browser.ordinary_user
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000) < 0:
    sys.exit(f"user namespaces: {os.strerror(ctypes.get_errno())}")
"""


@dataclass
class OrdinaryUser:
    """A user that is not root, and a Python that it can run. `uid` is its number."""

    uid: int = field(default_factory=os.geteuid)
    python: list[str] = field(default_factory=lambda: [sys.executable])

    @property
    def environment(self) -> dict[str, str]:
        """Atlas and what it imports, wherever that Python would look for it."""
        path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
        return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def fault(self) -> str | None:
        """Why it cannot have a sandbox here."""
        tried = subprocess.run(
            [*self.python, "-c", PROBE],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = tried.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        return said[0] if tried.returncode else None


@pytest.fixture
def user() -> OrdinaryUser:
    account = account_for(Path("/nonexistent"), [], [])
    if account is None:
        users = [OrdinaryUser()]
    else:
        # That of the tests may lie below /root.
        found = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
        users = [OrdinaryUser(account.user, shim([each], account)) for each in found]
    faults = []
    for user in users:
        if (fault := user.fault()) is None:
            return user
        faults.append(fault)
    pytest.skip(f"no ordinary user can have a sandbox here: {'; '.join(faults)}")


def status(process: psutil.Process) -> dict[str, list[str]]:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def renderers() -> list[dict[str, list[str]]]:
    found = [each for each in browsers.with_children(MARK) if "--type=renderer" in each.cmdline()]
    return [status(each) for each in found]


async def test_an_ordinary_users_browser_isolates_what_reads_the_page(
    origin: Origin, user: OrdinaryUser
) -> None:
    gate = asyncio.Event()
    origin.page("/", SCRIPTED)
    origin.page("/held", "shown after all", gate=gate)
    rendering = await asyncio.create_subprocess_exec(
        *(*user.python, "-m", "tests.web.browser.ordinary_user", origin.url("/"), MARK),
        env=user.environment,
        stdout=subprocess.PIPE,
    )
    await origin.arrived("/held")
    seen = renderers()
    users = {status(each)["Uid"][0] for each in browsers.processes(MARK)}
    gate.set()
    html, _ = await rendering.communicate()
    assert b"shown after all" in html
    assert not list(browsers.processes(MARK)), "a browser is left"
    assert users == {str(user.uid)}
    assert seen
    for renderer in seen:
        # Filtered system calls, no way to new privileges, no sight of other processes.
        assert (renderer["Seccomp"], renderer["NoNewPrivs"]) == (["2"], ["1"])
        assert len(renderer["NSpid"]) > len(status(psutil.Process())["NSpid"])
        assert int(renderer["CapEff"][0], 16) == 0


async def test_without_the_sandbox_none_of_that_is_seen(origin: Origin) -> None:
    """Or the test above would see what holds anyway."""
    gate = asyncio.Event()
    origin.page("/", SCRIPTED)
    origin.page("/held", "shown after all", gate=gate)
    rendering = asyncio.create_task(render(origin.url("/"), MARK, sandbox=False))
    await origin.arrived("/held")
    seen = renderers()
    gate.set()
    assert "shown after all" in await rendering
    assert seen
    for renderer in seen:
        assert renderer["Seccomp"] == ["0"]
        assert len(renderer["NSpid"]) == len(status(psutil.Process())["NSpid"])
