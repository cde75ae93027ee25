"""A stack of the demo's own: a fresh home, nothing of the person's settings, nothing left over."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from atlas.embedded.errors import EmbeddedError
from atlas.embedded.orphans import stop_stack
from atlas.embedded.stack_record import read_stack
from atlas.embedded.unprivileged import shim
from atlas.settings import Settings
from starter.cli.commands.stack import planned, supervisor_command
from starter.cli.framework.output import note

# What leads to another PostgreSQL, Temporal, home or blob store than the demo's own.
_ELSEWHERE = (
    "ATLAS_BLOBS",
    "ATLAS_CONFIG",
    "ATLAS_DATABASE_",
    "ATLAS_SECRETS_DIR",
    "ATLAS_WEB_UI_URL",
    "TEMPORAL_",
)


class HomeRefused(Exception):
    """The folder that was asked for cannot be the demo's home; with the mend."""


@asynccontextmanager
async def fresh_home() -> AsyncIterator[Path]:
    """An empty folder, removed at the end; or `ATLAS_DEMO_HOME`, which is kept.

    It becomes the working directory (a `.env` elsewhere is not read) and `ATLAS_HOME`.
    Raises `HomeRefused` for a folder that is not empty.
    """
    given = os.environ.get("ATLAS_DEMO_HOME")
    home = _given(given) if given else _temporary()
    back = Path.cwd()
    _isolate(home)
    os.chdir(home)
    try:
        yield home
    finally:
        os.chdir(back)
        if not given:
            shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def running_stack(home: Path) -> AsyncIterator[list[str]]:
    """The embedded stack of `home`, as `atlas up -d` starts it; yields what it said.

    Its supervisor stops it when this process dies, even by SIGKILL. Raises `EmbeddedError`.
    """
    plan, environment = planned(Settings.load())
    plan = replace(plan, schedules=False)  # nothing begins that the story does not tell
    command = [*supervisor_command(plan), "--detached"]
    process = await asyncio.create_subprocess_exec(
        *shim(command, None, signal.SIGTERM),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the demo alone
    )
    try:
        yield await _until_ready(process, home)
    finally:
        await _stop(process, home)


async def _until_ready(process: asyncio.subprocess.Process, home: Path) -> list[str]:
    assert process.stderr is not None
    # It ends when all is ready, or with the process.
    lines = [line.decode(errors="replace").rstrip() async for line in process.stderr]
    said = [line.removeprefix("atlas    | ") for line in lines]
    stack = read_stack(home)
    if stack is not None and stack.state == "ready" and stack.running:
        return said
    code = await process.wait()
    raise EmbeddedError(
        f"The stack did not start (exit code {code}): {' '.join(said[-6:])}",
        "Mend that and run the demo again",
    )


async def _stop(process: asyncio.subprocess.Process, home: Path) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await process.wait()
    try:
        await asyncio.to_thread(stop_stack, home)
    except EmbeddedError as error:
        note(f"atlas: {error}")


def _given(path: str) -> Path:
    home = Path(path).expanduser().absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise HomeRefused(
            f"ATLAS_DEMO_HOME={home} is not an empty folder; "
            "name a new one, remove it, or unset ATLAS_DEMO_HOME to use a temporary one"
        )
    home.mkdir(parents=True, exist_ok=True)
    return _passable(home)


def _temporary() -> Path:
    return _passable(Path(tempfile.mkdtemp(prefix="atlas-demo-")))


def _passable(home: Path) -> Path:
    # As root PostgreSQL runs as another user, who must get through.
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return home


def _isolate(home: Path) -> None:
    for name in [name for name in os.environ if name.startswith(_ELSEWHERE)]:
        del os.environ[name]
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull  # no profile of the person's
    os.environ["ATLAS_HOME"] = str(home)
