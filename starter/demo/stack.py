"""A stack of the demo's own, in a fresh home: none of the user's settings, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    chdir,
    contextmanager,
    nullcontext,
)
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from atlas.embedded.errors import EmbeddedError
from atlas.embedded.orphans import stop_stack
from atlas.embedded.stack_record import read_stack
from atlas.embedded.unprivileged import shim
from atlas.settings import Settings
from starter.cli.commands.stack import planned, supervisor_command
from starter.cli.framework.output import note

# Settings that lead to another PostgreSQL, Temporal, home or blob store than the demo's own.
_ELSEWHERE = (
    "ATLAS_BLOBS",
    "ATLAS_CONFIG",
    "ATLAS_DATABASE_",
    "ATLAS_SECRETS_DIR",
    "ATLAS_WEB_UI_URL",
    "TEMPORAL_",
)


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A temporary folder, or `ATLAS_DEMO_HOME`, which is kept, as `ATLAS_HOME`.

    It becomes the working directory, so that no `.env` from elsewhere is read. Raises
    `EmbeddedError` for a folder that is not empty.
    """
    with _folder(os.environ.get("ATLAS_DEMO_HOME")) as folder:
        home = Path(folder)
        # PostgreSQL does not run as root: as root, its own user must be able to pass through.
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in [name for name in os.environ if name.startswith(_ELSEWHERE)]:
            del os.environ[name]
        os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull  # none of the user's profiles
        os.environ["ATLAS_HOME"] = str(home)
        with chdir(home):
            yield home


def _folder(given: str | None) -> AbstractContextManager[str | Path]:
    if not given:
        return TemporaryDirectory(prefix="atlas-demo-", ignore_cleanup_errors=True)
    home = Path(given).expanduser().absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise EmbeddedError(
            f"ATLAS_DEMO_HOME={home} is not an empty folder",
            "Name a new one, remove it, or unset ATLAS_DEMO_HOME to use a temporary one",
        )
    home.mkdir(parents=True, exist_ok=True)
    return nullcontext(home)


@asynccontextmanager
async def running_stack(home: Path) -> AsyncIterator[list[str]]:
    """The embedded stack of `home`, as `atlas up -d` starts it; yields the lines it printed.

    Its supervisor stops it when this process dies, even by SIGKILL. Raises `EmbeddedError`.
    """
    plan, environment = planned(Settings.load())
    plan = replace(plan, schedules=False)  # no run begins except those of the story
    command = [*supervisor_command(plan), "--detached"]
    process = await asyncio.create_subprocess_exec(
        *shim(command, None, signal.SIGTERM),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C must reach the demo alone, which then stops the stack
    )
    try:
        yield await _until_ready(process, home)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        try:
            await asyncio.to_thread(stop_stack, home)
        except EmbeddedError as error:
            note(f"atlas: {error}")


async def _until_ready(process: asyncio.subprocess.Process, home: Path) -> list[str]:
    assert process.stderr is not None
    # The supervisor closes its stderr once everything is ready, or when it ends.
    lines = [line.decode(errors="replace").rstrip() async for line in process.stderr]
    said = [line.removeprefix("atlas    | ") for line in lines]
    stack = read_stack(home)
    if stack is not None and stack.ready:
        return said
    code = await process.wait()
    raise EmbeddedError(
        f"The stack did not start (exit code {code}): {' '.join(said[-6:])}",
        "Fix that and run the demo again",
    )
