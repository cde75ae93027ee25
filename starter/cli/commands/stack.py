"""`atlas up`, `atlas down`: the embedded stack of one home."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from atlas.embedded.endpoints import external_temporal, namespace
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.orphans import stop_stack
from atlas.embedded.stack_plan import Plan
from atlas.embedded.stack_record import read_stack, supervisor_of
from atlas.settings import Settings

_ALREADY_RUNNING = 3  # starter.supervisor.ALREADY_RUNNING; importing it costs 0.1 s
_STARTING_SECONDS = 600.0
_POLL_SECONDS = 0.05


def up(detach: bool = False) -> int:
    """Start the stack, in the foreground until Ctrl-C or in the background; returns the exit code.

    In the foreground this process *becomes* the supervisor, so the call does not return.

    Raises:
        EmbeddedError: it cannot run on this system.
        SettingsError: a setting is wrong.
    """
    _require_posix()
    settings = Settings.load()
    if supervisor_of(settings.places.home) is not None:
        return _already_running(settings.places.home, detach)
    plan, environment = planned(settings)
    if not detach:
        _become(supervisor_command(plan), environment)
    return in_background(plan, environment)


def down() -> int:
    """Stop the stack. The exit code is 0 also when nothing was running.

    Raises:
        EmbeddedError: another command is starting it right now.
        SettingsError: a setting is wrong.
    """
    _require_posix()
    home = Settings.load().places.home
    ended = stop_stack(home)
    said = f"Stopped {', '.join(ended)}" if ended else "Nothing is running"
    sys.stderr.write(f"{said} ({home})\n")
    return 0


def _require_posix() -> None:
    if sys.platform == "win32":
        raise EmbeddedError(
            "The embedded stack does not run on Windows: Temporal has no wheel for it",
            "Run Atlas in WSL, or set ATLAS_DATABASE_URL and TEMPORAL_ADDRESS "
            "and start `atlas worker`",
        )


def planned(settings: Settings) -> tuple[Plan, dict[str, str]]:
    """What these settings run, and the environment of its supervisor."""
    plan = Plan(
        home=settings.places.home,
        # -P: not a worker.py in the user's working directory.
        worker=[sys.executable, "-P", "-m", "worker"],
        external_database=settings.places.database_url is not None,
        external_temporal=external_temporal(),
        namespace=namespace(),
        worker_grace=settings.worker.shutdown_grace + 15,
    )
    environment = {**os.environ, "ATLAS_HOME": str(settings.places.home)}
    if settings.postgres_url is not None:  # it may come from a file
        environment["ATLAS_DATABASE_URL"] = settings.postgres_url
    return plan, environment


def supervisor_command(plan: Plan) -> list[str]:
    """The command that starts the supervisor of a plan."""
    return [sys.executable, "-P", "-m", "starter.supervisor", plan.to_json()]


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)  # noqa: S606


def in_background(plan: Plan, environment: dict[str, str]) -> int:
    """Start the supervisor in the background, and return the exit code when all parts are ready.

    Raises:
        EmbeddedError: another one was starting this home, and failed.
    """
    process = subprocess.Popen(  # noqa: S603
        [*supervisor_command(plan), "--detached"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:  # ends when all is ready, or with the process
            sys.stderr.write(line.decode(errors="replace"))
    supervisor = supervisor_of(plan.home)
    if supervisor is not None and supervisor.pid == process.pid:
        process.returncode = 0  # it keeps running; tell Popen not to wait for it
        return 0
    code = process.wait()
    return _already_running(plan.home, detach=True) if code == _ALREADY_RUNNING else code or 1


def _already_running(home: Path, detach: bool) -> int:
    """Report that once the other one is ready; in the foreground that is a failure."""
    deadline = time.monotonic() + _STARTING_SECONDS
    while supervisor_of(home) is not None and time.monotonic() < deadline:
        stack = read_stack(home)
        if stack is not None and stack.ready:
            sys.stderr.write(f"Already running in {home}: see `atlas status`\n")
            return 0 if detach else 1
        time.sleep(_POLL_SECONDS)
    raise EmbeddedError(
        f"Another `atlas up` in {home} ended before it was ready",
        f"See {home / 'logs' / 'atlas.log'}, then run `atlas up` again",
    )
