"""Run by a test, which kills it: a pool with one idle and one hanging child."""

import asyncio
import sys

from atlas.text.pool import ExtractorPool
from tests.text import poison


async def main(report: str) -> None:
    pool = ExtractorPool(children=2, timeout=600)
    await asyncio.gather(pool.run(poison.echo, 1), pool.run(poison.echo, 2))
    await pool.run(poison.hang_saying_pid, report)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
