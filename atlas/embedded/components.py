"""What the supervisor asks of a part of the stack, and the worker as such a part."""

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from atlas.embedded.errors import from_os_error
from atlas.embedded.unprivileged import Account


class Part(Protocol):
    """One process the supervisor keeps running."""

    @property
    def name(self) -> str:
        """One word; names the log and the record."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What asks it to end in good order; also sent when the supervisor dies."""

    @property
    def stop_seconds(self) -> float:
        """How long it may take to end before it is killed."""

    @property
    def ready_seconds(self) -> float:
        """How long it may take to answer after its start."""

    @property
    def account(self) -> Account | None:
        """Who it runs as; None for the supervisor's own user."""

    @property
    def address(self) -> str:
        """Where it answers."""

    def prepare(self) -> None:
        """Before each start: folders, leftovers. May block; raises EmbeddedError."""

    def command(self) -> list[str]:
        """What to run."""

    def environment(self) -> Mapping[str, str]:
        """What to add to the supervisor's own environment."""

    async def ready(self) -> bool:
        """Whether it answers."""

    async def settle(self) -> None:
        """After each start, when it answers."""

    def stopped(self) -> None:
        """After it ended: clear away what it left. May block."""


@dataclass
class WorkerProcess:
    """The worker. It says that it is polling by making the file `ATLAS_WORKER_READY_FILE`.

    The first one starts beside the servers, since its imports take as long as they do: it waits
    for `ATLAS_WORKER_GO_FILE` and reads there where they are. `announces=False` is for a worker
    that does neither (the tests' stand-in). With `schedules` it also makes Temporal's schedules as
    declared, once it polls.
    """

    argv: list[str]
    ready_file: Path
    connections: Callable[[], Mapping[str, str]]
    announces: bool = True
    schedules: bool = True
    stop_seconds: float = 45.0
    ready_seconds: float = 120.0
    account: Account | None = field(default=None, init=False)
    released: bool = field(default=False, init=False)

    name = "worker"
    stop_signal = signal.SIGTERM
    address = ""

    def prepare(self) -> None:
        """Forget that an earlier worker was ready, and what an earlier one was told."""
        self.stopped()

    def command(self) -> list[str]:
        """What to run."""
        return self.argv

    def environment(self) -> Mapping[str, str]:
        """Where the servers are, or the file that will say it; and the file that says "ready"."""
        servers = (
            self.connections() if self.released else {"ATLAS_WORKER_GO_FILE": str(self.go_file)}
        )
        schedules = {"ATLAS_WORKER_SCHEDULES": "1"} if self.schedules else {}
        return {**servers, **schedules, "ATLAS_WORKER_READY_FILE": str(self.ready_file)}

    @property
    def go_file(self) -> Path:
        """Tells the first worker where the servers are, as JSON, once they run."""
        return self.ready_file.with_suffix(".go")

    def release(self) -> None:
        """The servers run: tell the worker that waits where they are.

        Raises:
            EmbeddedError: the home cannot be written.
        """
        self.released = True
        fresh = self.go_file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(dict(self.connections())))
            fresh.replace(self.go_file)
        except OSError as error:
            raise from_os_error("write", fresh, error) from error

    async def ready(self) -> bool:
        """Whether it polls."""
        return not self.announces or self.ready_file.exists()

    async def settle(self) -> None:
        """Nothing to settle."""

    def stopped(self) -> None:
        """Remove the files by which it talks with us."""
        self.ready_file.unlink(missing_ok=True)
        self.go_file.unlink(missing_ok=True)
