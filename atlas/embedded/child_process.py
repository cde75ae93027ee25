"""One process of a part: starts it through launch.py, follows its output, shuts it down."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from atlas.domain.child_environment import allowed
from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.log_files import PartLog
from atlas.embedded.process_identity import ProcessId, identify, kill_group, kill_session
from atlas.embedded.unprivileged import shim

MARK = "ATLAS_STACK"
"""Environment variable of every process of a stack: its home, which proves whose process it is."""
_POLL_SECONDS = 0.02
_DRAIN_SECONDS = 1.0  # for the last lines, which say why it ended


class ChildProcess:
    """A running process of a part."""

    def __init__(
        self,
        part: Part,
        process: asyncio.subprocess.Process,
        identity: ProcessId,
        mark: str,
        log: PartLog,
        output: "_Output",
    ) -> None:
        self.part = part
        self.identity = identity
        self._mark = mark
        self._process = process
        self._log = log
        self._output = output
        self._follower = asyncio.create_task(log.follow(output.reader))

    @classmethod
    async def start(cls, part: Part, home: Path, log: PartLog) -> "ChildProcess":
        """Start the part's command, in a session of its own so that Ctrl-C reaches us only."""
        command = shim(part.command(), part.account, part.stop_signal)
        inherited = os.environ if part.is_atlas else allowed(os.environ)
        environment = {**inherited, **part.environment(), MARK: str(home)}
        output = await _Output.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=output.writing,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
                pass_fds=[each.fileno() for each in part.sockets],
            )
        except OSError as error:
            output.close()
            raise from_os_error("start", log.path, error) from error
        finally:
            os.close(output.writing)  # else its end would not be the end of the output
            for each in part.sockets:
                each.close()  # else its address would stay in use when the part is gone
        # The pid is certain: nobody reaps the process before we wait for it. A zombie has no mark.
        identity = identify(process.pid) or ProcessId(process.pid, "ended")
        return cls(part, process, identity, mark_of(home), log, output)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def until_ready(self) -> None:
        """Wait until the part answers, then call its `settle`.

        Raises:
            EmbeddedError: it ended, or did not answer in time; with its last lines.
        """
        deadline = asyncio.get_running_loop().time() + self.part.ready_seconds
        while not await self.part.ready():
            if not self.running:
                code = await self.wait()
                raise self._failure(f"{self.part.name} ended while starting ({exit_reason(code)})")
            if asyncio.get_running_loop().time() > deadline:
                # To cut a recovery off would only make it begin again.
                if await self.part.recovers(self.identity.pid):
                    deadline += self.part.ready_seconds
                    continue
                raise self._failure(
                    f"{self.part.name} did not answer within {self.part.ready_seconds:.0f} s"
                )
            await asyncio.sleep(_POLL_SECONDS)
        await self.part.settle()

    async def wait(self) -> int:
        """Wait for its end and its last output; its exit code, or minus the signal."""
        code = await self._process.wait()
        # A descendant may hold the pipe open: do not wait for its output.
        await asyncio.wait([self._follower], timeout=_DRAIN_SECONDS)
        self._follower.cancel()
        self._output.close()
        return code

    async def answers(self) -> bool:
        """Whether it answers, or recovers."""
        return await self.part.answers(self.identity.pid)

    def kill(self) -> None:
        """SIGKILL: a process that hangs obeys nothing else."""
        kill_group(self.identity)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to stop; kill it when its time is up or `hurry` is set. Leaves no descendant."""
        if self.running:
            self._process.send_signal(self.part.stop_signal)
            await self._until_ended(hurry)
        if self.running:
            kill_group(self.identity)
        await self.wait()
        await self.clear()

    async def clear(self) -> None:
        """End what it left behind: processes of its session, then whatever the part cleans up."""
        await asyncio.to_thread(kill_session, self.identity.pid, self._mark)
        await asyncio.to_thread(self.part.stopped)

    async def _until_ended(self, hurry: asyncio.Event) -> None:
        ended = asyncio.create_task(self._process.wait())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            [ended, hurried],
            timeout=self.part.stop_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurried.cancel()
        ended.cancel()

    def _failure(self, message: str) -> EmbeddedError:
        lines = "".join(f"\n    {line}" for line in self._log.tail)
        return EmbeddedError(message, f"Its log is {self._log.path}; the last lines:{lines}")


class _Output:
    """A pipe for the output of a process. Not asyncio's, whose `wait` for the process also waits
    for every descendant to let go of the pipe (cpython issue 119710): a session of PostgreSQL that
    was stopped would keep its postmaster from being started again."""

    def __init__(self, reader: asyncio.StreamReader, end: asyncio.BaseTransport, writing: int):
        self.reader = reader
        self.writing = writing
        self._end = end

    @classmethod
    async def open(cls) -> "_Output":
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        end, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
        )
        return cls(reader, end, writing)

    def close(self) -> None:
        """Read no more of it."""
        self._end.close()


def mark_of(home: Path) -> str:
    """The environment entry that marks a process as part of this home's stack."""
    return f"{MARK}={home}"


def exit_reason(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
