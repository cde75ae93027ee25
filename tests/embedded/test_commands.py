"""The functions behind `atlas down` and `atlas status`: what they print, and their exit codes."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from atlas.embedded.errors import EmbeddedError
from atlas.embedded.process_identity import identify
from atlas.embedded.stack_record import HomeLock, Stack
from atlas.settings import SettingsError
from starter.cli.commands import stack
from starter.cli.commands.status import status
from starter.supervisor import readable
from tests.embedded.conftest import Home


async def test_status_tells_what_of_a_home_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(home.path))
    assert await status(output="json") == 1
    assert json.loads(capsys.readouterr().out)["ready"] is False

    assert await home.up() == 0
    capsys.readouterr()
    assert await status(output="json") == 1  # the stand-in for the worker serves no queue
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] is True
    assert [part["running"] for part in told["parts"]] == [True, True, True]
    assert told["ui_url"] == home.stack.ui_url
    assert {queue["workers"] for queue in told["overview"]["queues"]} == {0}

    assert await status() == 1
    text = capsys.readouterr().out
    assert "running" in text
    assert str(home.path) in text

    assert await asyncio.to_thread(stack.down) == 0
    stopped = capsys.readouterr().err.partition("(")[0].removeprefix("Stopped ")
    assert sorted(stopped.strip().split(", ")) == ["postgres", "temporal", "worker"]
    assert await status() == 1
    assert "atlas up" in capsys.readouterr().out


async def test_status_of_what_is_starting_does_not_ask_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    lock = HomeLock(tmp_path)
    assert lock.acquire()
    Stack(tmp_path, state="starting", supervisor=identify(os.getpid())).write()
    assert await status() == 1
    said = capsys.readouterr().out
    assert str(tmp_path / "logs" / "atlas.log") in said
    assert "atlas up" not in said
    lock.release()
    assert await status() == 1
    assert "atlas up -d" in capsys.readouterr().out


def test_down_without_a_stack_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert stack.down() == 0
    assert "Nothing is running" in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", "mysql://x")
    with pytest.raises(SettingsError, match="ATLAS_DATABASE_URL"):
        stack.up(detach=True)


def test_windows_is_told_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedError, match="Run Atlas in WSL"):
        stack.up(detach=True)


async def test_a_status_shows_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/atlas")
    assert await status(output="json") == 1
    assert "hunter2" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '{"time": "2026-11-24T09:04:27.173Z", "level": "info", "logger": "atlas.worker", '
            '"message": "fetched", "source": "docs"}',
            "09:04:27 info    fetched source=docs",
        ),
        ('{"level": "info"}', '{"level": "info"}'),
        ("{not json", "{not json"),
        ("plain", "plain"),
    ],
)
def test_the_foreground_shows_structured_lines_in_words(line: str, shown: str) -> None:
    assert readable(line) == shown
