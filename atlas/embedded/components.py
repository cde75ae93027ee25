"""What the supervisor needs to know about a part of the stack, and the worker as such a part."""

import json
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from atlas.embedded.errors import from_os_error
from atlas.embedded.unprivileged import Account


class Part(Protocol):
    """One process the supervisor keeps running."""

    @property
    def name(self) -> str:
        """One word, used for the log and the record."""

    @property
    def stop_signal(self) -> signal.Signals:
        """Asks it to shut down cleanly; also sent when the supervisor dies."""

    @property
    def stop_seconds(self) -> float:
        """How long it may take to stop before it is killed."""

    @property
    def ready_seconds(self) -> float:
        """How long it may take to answer after its start."""

    @property
    def account(self) -> Account | None:
        """Who it runs as; None for the supervisor's own user."""

    @property
    def address(self) -> str:
        """Where it answers."""

    sockets: Sequence[socket.socket] = ()
    """Passed on to it, and closed here once it runs."""

    is_atlas: bool = False
    """Whether it is Atlas itself and needs the settings and secrets of our environment; any other
    program gets what `atlas.domain.child_environment` lists."""

    def prepare(self) -> None:
        """Before each start: make folders, remove leftovers. May block; raises EmbeddedError."""

    def command(self) -> list[str]:
        """What to run."""

    def environment(self) -> Mapping[str, str]:
        """What to add to its environment."""
        return {}

    async def ready(self) -> bool:
        """Whether it answers."""

    async def recovers(self, pid: int) -> bool:
        """Whether it is not ready yet but on its way, however long that takes."""
        return False

    async def answers(self, pid: int) -> bool:
        """Whether its process `pid` answers or recovers; one that does neither for long hangs."""

    async def settle(self) -> None:
        """After each start, once it answers. Raises EmbeddedError."""
        return

    def stopped(self) -> None:
        """After it ended: clean up what it left. May block."""
        return


@dataclass
class WorkerProcess(Part):
    """The worker. It announces that it is polling by making the file `ATLAS_WORKER_READY_FILE`.

    The first one starts at the same time as the servers, because its imports take as long as they
    do: it waits for `ATLAS_WORKER_GO_FILE` and reads their addresses from it. `announces=False` is
    for a worker that does neither (the tests' stand-in). With `schedules` it also applies the
    declared schedules to Temporal once it polls. `hangs` says whether a worker, by its pid, has
    ceased to give signs of life.
    """

    argv: list[str]
    ready_file: Path
    connections: Callable[[], Mapping[str, str]]
    hangs: Callable[[int], bool]
    announces: bool = True
    schedules: bool = True
    stop_seconds: float = 45.0
    ready_seconds: float = 120.0
    account: Account | None = field(default=None, init=False)
    released: bool = field(default=False, init=False)

    name = "worker"
    is_atlas = True
    stop_signal = signal.SIGTERM
    address = ""

    def prepare(self) -> None:
        """Remove the files of an earlier worker."""
        self.stopped()

    def command(self) -> list[str]:
        return self.argv

    def environment(self) -> Mapping[str, str]:
        """The servers' addresses or the file that will hold them, and the "ready" file."""
        servers = (
            self.connections() if self.released else {"ATLAS_WORKER_GO_FILE": str(self.go_file)}
        )
        schedules = {"ATLAS_WORKER_SCHEDULES": "1"} if self.schedules else {}
        return {**servers, **schedules, "ATLAS_WORKER_READY_FILE": str(self.ready_file)}

    @property
    def go_file(self) -> Path:
        """Gives the first worker the servers' addresses, as JSON, once they run."""
        return self.ready_file.with_suffix(".go")

    def release(self) -> None:
        """The servers run: give the waiting worker their addresses.

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
        return not self.announces or self.ready_file.exists()

    async def answers(self, pid: int) -> bool:
        return not self.hangs(pid)

    def stopped(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        self.go_file.unlink(missing_ok=True)
