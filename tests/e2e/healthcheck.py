"""`atlas worker --healthcheck`, run as a container's health check runs it."""

from __future__ import annotations

import asyncio
import sys

from tests.e2e.environments import until


async def healthcheck() -> tuple[bool, str]:
    """Whether it ends with 0, and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "starter.cli", "worker", "--healthcheck"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode in (0, 1), said
    return process.returncode == 0, said.decode()


async def until_health(well: bool, says: str) -> None:
    """Wait for that verdict, told in such words."""

    async def as_wanted() -> bool:
        found, said = await healthcheck()
        return found is well and says in said

    await until(as_wanted)
