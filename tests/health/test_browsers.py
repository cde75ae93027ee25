"""The browser of a machine, as the doctor looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas.health import browsers as looked_at
from atlas.health.probe import Unwell
from atlas.settings import Settings
from atlas.settings.groups import RenderingSettings
from atlas.web.browser.chromium import BrowserEnded, BrowserProgram, running, version
from tests import browsers


def settings_for(path: str, *, sandbox: bool = False) -> Settings:
    return Settings(rendering=RenderingSettings(browser=path, browser_sandbox=sandbox))


async def test_a_browser_that_is_not_there_or_does_not_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unwell, match="ATLAS_BROWSER: /no/such is no program; give the path of"):
        await looked_at.browser(settings_for("/no/such"))
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display' >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(Unwell, match=r"chromium does not start: .*exited: no display"):
        await looked_at.browser(settings_for(str(broken)))


async def test_whatever_a_program_starts_ends_with_it(tmp_path: Path) -> None:
    """One that leaves processes behind, in groups of their own, leaves none."""
    program = tmp_path / "leaving"
    mark = f"{tmp_path}/mark"
    program.write_text(
        f"#!/bin/sh\nsetsid sh -c 'exec 3>&- 4>&-; : {mark}; sleep 1000 & wait' &\n"
        f"sh -c ': {mark}; sleep 1000' &\ncat <&3 >/dev/null\n"
    )
    program.chmod(0o755)
    async with running(BrowserProgram(str(program), sandbox=False), 9, mark, 1000):
        pass
    found = [each for each in browsers.with_mark(mark) if browsers.runs(each)]
    assert found == []
    with pytest.raises(BrowserEnded, match="exited"):
        program.write_text("#!/bin/sh\nexit 0\n")
        await version(BrowserProgram(str(program), sandbox=False))


def test_as_root_the_sandbox_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    fault = BrowserProgram("/bin/sh").fault()
    assert fault is not None
    assert fault.startswith("ATLAS_BROWSER_SANDBOX: Chromium has no sandbox when root starts it")
    assert BrowserProgram("/bin/sh", sandbox=False).fault() is None


@pytest.mark.slow
@browsers.needs_chromium
async def test_a_browser_that_starts_says_its_version() -> None:
    settings = settings_for(browsers.FOUND or "", sandbox=browsers.SANDBOX)
    found = await looked_at.browser(settings)
    assert found.status == "ok"
    assert "Chrome/" in found.detail
    assert ("without a sandbox" in found.detail) != browsers.SANDBOX
