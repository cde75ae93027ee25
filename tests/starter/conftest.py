"""The `atlas` command in this process, and one Atlas a test to run it on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from atlas.embedded import stack_status
from atlas.health import database
from starter.cli import main
from starter.monitoring import run_progress, watch
from tests.e2e.conftest import atlas_env, origin

__all__ = ["atlas_env", "origin"]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed as JSON, without the name of its shape."""
        value = json.loads(self.out)
        if isinstance(value, dict):
            value.pop("schema", None)
        return value


Atlas = Callable[..., Awaitable[Ran]]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is said not to answer, or to be slow, because this machine is busy at the moment."""
    monkeypatch.setattr(database, "SLOW_SECONDS", 300.0)
    monkeypatch.setattr(stack_status, "_ANSWER_SECONDS", 60.0)
    monkeypatch.setattr(run_progress, "_LOOK_SECONDS", 60.0)
    monkeypatch.setattr(watch, "_SECONDS", 60.0)


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str]) -> Atlas:
    """Run `atlas …`; beside the test's own loop, so that its worker and its web server go on."""

    async def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = await asyncio.to_thread(main, list(arguments))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of commands, in which the search index is."""
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def corpus(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty corpus for commands that need no Temporal; the URL of its database."""
    monkeypatch.setenv("ATLAS_DATABASE_URL", database_url)
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    return database_url
