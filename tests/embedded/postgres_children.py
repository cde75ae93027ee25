"""The processes of a running PostgreSQL, by what they do, and crashes of it."""

import asyncio
import contextlib

import psutil

from tests.embedded.conftest import Home


def find_child(postmaster: int, kind: str) -> psutil.Process | None:
    """The first process of a server whose title begins with `kind`."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(postmaster).children():
            with contextlib.suppress(psutil.Error):
                if " ".join(child.cmdline()).startswith(f"postgres: {kind}"):
                    return child
    return None


async def until_it_serves(postmaster: int, last: psutil.Process | None = None) -> psutil.Process:
    """Wait until a server has recovered; the walwriter, which it starts then, if not `last`."""
    while (found := find_child(postmaster, "walwriter")) in (None, last):
        await asyncio.sleep(0.02)
    assert found is not None
    return found


async def kill_a_session(home: Home) -> None:
    """SIGKILL the process of a session: PostgreSQL ends all others and recovers."""
    sleeping = asyncio.create_task(home.execute("select pg_sleep(600)"))
    postmaster = home.process("postgres").pid
    while (session := find_child(postmaster, "atlas atlas [local] SELECT")) is None:
        await asyncio.sleep(0.005)
    session.kill()
    await asyncio.wait([sleeping])
    sleeping.exception()


async def stop_the_recovery(home: Home) -> psutil.Process:
    """Crash PostgreSQL and stop the process that recovers from it, before it has begun to."""
    postmaster = home.process("postgres").pid
    while True:
        before, begun = await until_it_serves(postmaster), _recoveries(home)
        await kill_a_session(home)
        startup = await _stopped_startup(postmaster, before)
        if startup is not None and _recoveries(home) == begun:
            return startup
        if startup is not None:
            startup.resume()
        await until_it_serves(postmaster, before)


async def _stopped_startup(postmaster: int, before: psutil.Process) -> psutil.Process | None:
    """The startup process, stopped; None: it had ended, and the server has another walwriter."""
    while find_child(postmaster, "walwriter") in (None, before):
        startup = find_child(postmaster, "startup")
        if startup is not None:
            with contextlib.suppress(psutil.Error):
                startup.suspend()
                return startup
        await asyncio.sleep(0)
    return None


def _recoveries(home: Home) -> int:
    log = home.path / "logs" / "postgres.log"
    return log.read_text().count("automatic recovery in progress")
