"""The process behind `atlas up`: `python -m starter.supervisor PLAN [--detached]`, PLAN as JSON.

Detached, it prints only the supervisor's own lines, and closes stderr when everything is ready:
the end of that pipe is the signal for the process that started it.

It imports little (no CLI, no pydantic, no temporalio, no asyncpg), because its memory is in use for
as long as the stack runs.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Self

from atlas.embedded.errors import EmbeddedError
from atlas.embedded.stack_plan import Plan
from atlas.embedded.stack_record import HomeLock, prepare_home
from atlas.embedded.supervisor import OWN_NAME, Supervisor
from atlas.private_files import keep_private
from atlas.worker.heartbeat_file import hangs

ALREADY_RUNNING = 3
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ERROR_PREFIX = "atlas: "


def main(arguments: list[str]) -> int:
    """Supervise the home of the plan until told to stop; the exit code."""
    keep_private()
    plan = Plan.from_json(arguments[0])
    lock = HomeLock(plan.home)
    try:
        prepare_home(plan.home)
        if not lock.acquire():
            sys.stderr.write(f"{_ERROR_PREFIX}already running in {plan.home}\n")
            return ALREADY_RUNNING
        asyncio.run(_supervise(plan, lock, detached="--detached" in arguments))
    except EmbeddedError as error:
        sys.stderr.write(f"{_ERROR_PREFIX}{error}\n")
        return 1
    finally:
        lock.release()
    return 0


async def _supervise(plan: Plan, lock: HomeLock, detached: bool) -> None:
    listener, on_ready = (_own_only, _close_stderr) if detached else (_print, lambda: None)
    setup = await _DatabaseSetup.start()
    supervisor = Supervisor(plan, setup.run, hangs, listener, on_ready, lock.in_place)
    loop = asyncio.get_running_loop()
    for number in _STOPS:
        loop.add_signal_handler(number, supervisor.stop)
    try:
        await supervisor.run()
    finally:
        await setup.end()


class _DatabaseSetup:
    """The program that sets the database up, started before it is needed: see there."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Self:
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "starter.database_setup"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us, who end it
            )
        )

    async def run(self, url: str | None, superuser: str | None) -> None:
        """Raises EmbeddedError with what it says, if it fails."""
        request = {"url": url or os.environ["ATLAS_DATABASE_URL"]}
        if superuser is not None:
            request["superuser"] = superuser
        said, _ = await self._process.communicate(f"{json.dumps(request)}\n".encode())
        if self._process.returncode == 0:
            return
        try:
            raise EmbeddedError(**json.loads(said))
        except (ValueError, TypeError):  # its own fault: it said more on our stderr
            raise EmbeddedError(
                f"The database could not be set up (exit code {self._process.returncode})",
                "`atlas up` without -d shows why",
            ) from None

    async def end(self) -> None:
        """End it if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def _close_stderr() -> None:
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    os.close(nowhere)


def _own_only(part: str, line: str) -> None:
    if part == OWN_NAME:
        _print(part, line)


def readable(line: str) -> str:
    """A structured line of the worker's log in words; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        fields = json.loads(line)
        time, level, message = (str(fields.pop(key)) for key in ("time", "level", "message"))
    except (ValueError, KeyError, AttributeError):
        return line
    fields.pop("logger", None)
    rest = "".join(f" {key}={value}" for key, value in fields.items())
    return f"{time[11:19]} {level:<7} {message}{rest}"


def _print(part: str, line: str) -> None:
    colour = _COLOURS.get(part, "") if sys.stderr.isatty() else ""
    plain = "\033[0m" if colour else ""
    try:
        sys.stderr.write(f"{colour}{part:<8} |{plain} {readable(line)}\n")
    except (BrokenPipeError, OSError):
        return  # the terminal is gone; the log has it


_COLOURS = {
    OWN_NAME: "\033[1m",
    "postgres": "\033[34m",
    "temporal": "\033[35m",
    "worker": "\033[32m",
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
