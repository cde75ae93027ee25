"""Run by a test, which kills it: a pool with one idle and one hanging child."""

import asyncio
import json
import sys

from atlas.text.children.pool import ExtractorPool
from tests.text.children import poison


async def main(report: str) -> None:
    pool = ExtractorPool(children=2, timeout=600, preloaded=())
    jobs = [(poison.echo, 1), (poison.echo, 2)]
    await asyncio.gather(*[pool.run(poison.as_json, job, json.loads) for job in jobs])
    await pool.run(poison.as_json, (poison.hang_saying_pid, report), json.loads)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
