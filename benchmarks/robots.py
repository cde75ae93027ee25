"""What a robots.txt costs the worker: parsing it, and asking it, small and hostile ones.

    .venv/bin/python -m benchmarks.robots

For each file: how long the event loop stood still at most while it was parsed in a child and asked
once, the worker's own processor time of that, and of a later question; milliseconds.
"""

import asyncio
import gc
import time
from contextlib import suppress

from atlas.worker.robots_parser import parsing_robots
from tests.web.hostile_robots import FILES, URLS

_URL = "https://a.example/robots.txt"
_USUAL = (
    "User-agent: *\nDisallow: /private/\nDisallow: /*?sort=\nSitemap: https://a.example/s.xml\n"
)
_TICK = 0.001


def main() -> None:
    """Print a table."""
    asyncio.run(_measure())


async def _measure() -> None:
    async with parsing_robots() as parse:
        await parse(_URL, b"User-agent: *\nDisallow: /")  # the child is up
        print(f"{'file':24} {'KiB':>4} {'stall':>7} {'cpu':>7} {'question':>9}")
        for name, text in {"usual": _USUAL, **FILES}.items():
            body = text.encode()
            gc.collect()
            watch = asyncio.create_task(_longest_stall())
            await asyncio.sleep(10 * _TICK)
            began = time.process_time()
            rules = await parse(_URL, body)
            await asyncio.to_thread(rules.allows, "https://a.example" + URLS[0])
            spent = time.process_time() - began
            watch.cancel()
            stall = await watch
            began = time.process_time()
            rules.allows("https://a.example" + URLS[0])
            question = time.process_time() - began
            figures = f"{stall * 1000:7.1f} {spent * 1000:7.1f} {question * 1000:9.3f}"
            print(f"{name:24} {len(body) // 1024:4} {figures}", flush=True)


async def _longest_stall() -> float:
    longest, last = 0.0, time.perf_counter()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(_TICK)
            now = time.perf_counter()
            longest, last = max(longest, now - last - _TICK), now
    return longest


if __name__ == "__main__":
    main()
