"""`make demo` ends as it says it does, however it ends, and leaves nothing running."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from atlas.embedded import process_identity
from starter.demo import __main__ as demo
from starter.demo.story import Story
from tests.origin import Origin
from tests.secrecy import open_to_others

HOME = re.compile(r"^ +home +(\S+) ", re.MULTILINE)
UI = re.compile(r"^ +Web UI +(\S+)", re.MULTILINE)


class Stage:
    """A demo in a process of its own, and what it has said."""

    def __init__(self, process: Process, reader: asyncio.StreamReader) -> None:
        self.process = process
        self.said = ""
        self._reader = reader

    async def until(self, text: str) -> None:
        """Read on until it has said `text`."""
        while text not in self.said:
            assert await self._read(), f"it ended without saying {text!r}:\n{self.said}"

    async def ended(self) -> int:
        """Read to the end; the exit code."""
        while await self._read():
            pass
        return await self.process.wait()

    async def _read(self) -> bool:
        try:
            piece = await self._reader.read(65536)
        except OSError:  # EIO: nobody has the other end of the terminal open any more
            return False
        self.said += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def found(self, pattern: re.Pattern[str]) -> str:
        match = pattern.search(self.said)
        assert match, self.said
        return match[1]


@asynccontextmanager
async def performed(
    tmp_path: Path, *arguments: str, terminal: bool = False, **variables: str
) -> AsyncIterator[Stage]:
    """The demo, its temporary home below `tmp_path`; killed at the end if it still runs."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", 0)
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "starter.demo", *arguments),
        env={**os.environ, "TMPDIR": str(tmp_path), "TERM": "dumb", **variables},
        umask=0,  # nothing that the demo keeps may follow it
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Stage(process, reader)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        transport.close()


def left_over(home: Path) -> list[str]:
    """Processes of that home: by command line, environment or working directory (Linux)."""
    if not process_identity.LINUX:
        return []
    return [entry.name for entry in Path("/proc").iterdir() if _is_of(entry, str(home))]


def _is_of(entry: Path, home: str) -> bool:
    if not entry.name.isdigit():
        return False
    try:
        told = [(entry / name).read_bytes().decode(errors="replace") for name in ("cmdline",)]
        told += [(entry / "environ").read_bytes().decode(errors="replace")]
        told += [str((entry / "cwd").readlink())]
    except OSError:  # it has ended
        return False
    return any(home in each for each in told)


async def test_everything_planted_is_found_and_on_a_terminal_it_stays_until_ctrl_c(
    tmp_path: Path,
) -> None:
    async with performed(tmp_path, terminal=True) as stage:
        await stage.until("stays up until Ctrl-C")
        assert "✗" not in stage.said, stage.said
        assert re.search(r"All \d+ checks hold", stage.said)
        assert "50 seen = 47 added + 0 updated + 0 unchanged + 2 failed + 1 skipped" in stage.said
        assert "50 seen = 1 added + 2 updated + 44 unchanged + 2 failed + 1 skipped" in stage.said
        home = Path(stage.found(HOME))
        secret = home / "temporal" / "ui-password"
        password = secret.read_text().strip() if secret.exists() else ""
        login = {"Authorization": aiohttp.encode_basic_auth("atlas", password)}
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(stage.found(UI), headers=login) as page,
        ):
            assert page.status == 200
        assert home.parent == tmp_path
        assert left_over(home)
        assert open_to_others(home) == []
        stage.process.send_signal(signal.SIGINT)
        assert await stage.ended() == 0
    assert not home.exists()
    assert left_over(home) == []


def harbour_shed(origin: Origin) -> None:
    """Four pages that link to each other."""
    words = ("anchor", "beacon", "compass", "dredger")
    for word in words:
        links = "".join(f'<a href="/{other}">{other}</a> ' for other in words)
        text = f"The {word} is kept in the shed behind the harbour office. " * 5
        title = f"About the {word} of the town"
        origin.page(f"/{word}", f"<title>{title}</title><main><h1>{title}</h1>{text}</main>{links}")


@pytest.mark.slow
async def test_any_site_will_do_and_without_a_terminal_it_ends_by_itself(tmp_path: Path) -> None:
    home = tmp_path / "kept"
    async with Origin() as origin:
        harbour_shed(origin)
        async with performed(
            tmp_path,
            *("--source", origin.url("/anchor"), "--delay", "0", "--max-pages", "3"),
            ATLAS_FETCH_ALLOW_NETWORKS="127.0.0.0/8",
            ATLAS_DEMO_HOME=str(home),
        ) as stage:
            assert await stage.ended() == 0, stage.said
    assert "3 seen = 3 added" in stage.said
    assert "3 seen = 0 added + 0 updated + 3 unchanged" in stage.said
    assert left_over(home) == []
    assert (home / "stack.json").exists()  # a home that was asked for is kept
    async with performed(tmp_path, ATLAS_DEMO_HOME=str(home)) as stage:
        assert await stage.ended() == 1
    assert "is not an empty folder" in stage.said


def stop(stage: Stage) -> None:
    stage.process.send_signal(signal.SIGTERM)


def kill(stage: Stage) -> None:
    stage.process.kill()


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(stop, 128 + signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(kill, -signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
async def test_ended_in_the_middle_it_leaves_nothing_running(
    tmp_path: Path, end: Callable[[Stage], None], code: int
) -> None:
    async with performed(tmp_path) as stage:
        await stage.until("$ atlas sync harbour")
        home = Path(stage.found(HOME))
        end(stage)
        assert await stage.ended() == code
    while left_over(home):  # after SIGKILL its supervisor stops the stack
        await asyncio.sleep(0.05)
    if end is stop:
        assert not home.exists()


async def test_what_is_not_as_planted_is_named_and_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def tell(story: Story, home: Path, options: Any) -> None:
        story.step("Pretend")
        story.check(True, "two and two are four")
        story.check(False, "the moon is cheese", "rock")
        await demo._end(story, home)

    monkeypatch.setattr(demo, "_tell", tell)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "")  # the demo sets it: this puts it back
    assert await asyncio.to_thread(_run_main, []) == 1
    said = capsys.readouterr().out
    assert "✗ the moon is cheese BUT FOUND: rock" in said
    assert "1 of 2 checks do not hold" in said


def _run_main(arguments: list[str]) -> Any:
    # Signal handlers belong to the main thread.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo._Ended, "watch", lambda self: None)
        return demo.main(arguments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--source", "ftp://example.org/"], "--source"),
        (["--max-pages", "0"], "give 1 or more"),
        (["--delay", "-1"], "give 0 to 3600 seconds"),
    ],
)
def test_wrong_usage_is_refused_by_name(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        demo.main(arguments)
    assert refused.value.code == 2
    assert reason in capsys.readouterr().err
