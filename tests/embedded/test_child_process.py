"""One process of a part, without the part's program."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from atlas.embedded.child_process import ChildProcess
from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.log_files import PartLog
from atlas.embedded.unprivileged import Account


@dataclass
class ScriptPart(Part):
    """A shell script as a part."""

    script: str
    account: Account | None = None

    name = "script"
    address = ""
    stop_signal = signal.SIGTERM
    stop_seconds = 5.0
    ready_seconds = 5.0

    def prepare(self) -> None:
        return

    def command(self) -> list[str]:
        return ["/bin/sh", "-c", self.script]

    async def ready(self) -> bool:
        return True


async def test_the_end_of_a_process_is_noticed_while_a_descendant_has_its_output(
    tmp_path: Path,
) -> None:
    log = PartLog(tmp_path, "script", lambda *_: None)
    part = ScriptPart("sleep 1000 & echo $!; exit 3")
    child = await ChildProcess.start(part, tmp_path, log)
    try:
        assert await child.wait() == 3
        assert log.tail[0].isdecimal(), "and what it said is not lost"
    finally:
        await child.stop(asyncio.Event())
        log.close()


async def test_the_end_of_the_output_is_kept(tmp_path: Path) -> None:
    log = PartLog(tmp_path, "script", lambda *_: None)
    child = await ChildProcess.start(ScriptPart("seq 5000; printf last"), tmp_path, log)
    assert await child.wait() == 0
    assert list(log.tail)[-2:] == ["5000", "last"]
    await child.clear()
    log.close()


@dataclass
class RecoveringPart(ScriptPart):
    """Is ready when it was asked six times whether it recovers; it says so `recoveries` times."""

    script: str = "sleep 1000"
    recoveries: int = 6
    asked: int = 0

    ready_seconds = 0.05

    async def ready(self) -> bool:
        return self.asked >= 6

    async def recovers(self, pid: int) -> bool:
        self.asked += 1
        return self.asked <= self.recoveries


@pytest.mark.parametrize("recoveries", [6, 5])
async def test_a_recovery_at_the_start_may_take_as_long_as_it_takes(
    tmp_path: Path, recoveries: int
) -> None:
    log = PartLog(tmp_path, "script", lambda *_: None)
    child = await ChildProcess.start(RecoveringPart(recoveries=recoveries), tmp_path, log)
    try:
        if recoveries == 6:
            await child.until_ready()
        else:
            with pytest.raises(EmbeddedError, match="did not answer within"):
                await child.until_ready()
    finally:
        await child.stop(asyncio.Event())
        log.close()
