"""CPU time of the command line, as a multiple of a Python that does nothing.

    python -m benchmarks cli

Help: the overview, a command's page. Reads: against a home whose stack runs (`ATLAS_HOME`, or
whatever the settings say), as a multiple of the bare query for `select 1` by asyncpg in a fresh
Python; left out where nothing answers. Aims on a quiet machine: 0.3 s for help, 1 s for a read.
"""

import resource
import subprocess
import sys
from collections.abc import Sequence

ROUNDS = 5
NOTHING = (sys.executable, "-c", "pass")
HELP = ((), ("sync", "--help"), ("runs", "show", "--help"))
READS = (("sources", "list"), ("runs", "list"), ("search", "lantern"), ("status",))
QUERY = """
import asyncio, asyncpg
from atlas.locations import locate
from atlas.settings import Settings
async def main():
    connection = await asyncpg.connect(locate(Settings.load()).database_url)
    await connection.fetchval("select 1")
    await connection.close()
asyncio.run(main())
"""


def main() -> None:
    """Measure and print."""
    nothing = _seconds(NOTHING)
    print(f"python -c pass: {nothing:.3f} s")
    for words in HELP:
        _tell(words, _seconds(_atlas(*words)), nothing, "a Python that does nothing")
    query = (sys.executable, "-c", QUERY)
    if subprocess.run(query, capture_output=True).returncode != 0:
        print("no stack answers: start one with `atlas up -d`, and the reads are measured as well")
        return
    bare = _seconds(query)
    print(f"select 1 by asyncpg, with Atlas's settings: {bare:.3f} s")
    for words in READS:
        _tell(words, _seconds(_atlas(*words)), bare, "the bare query")


def _atlas(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "starter.cli", *words)


def _seconds(command: Sequence[str]) -> float:
    """CPU seconds of the command, the least of some rounds: other load adds, nothing takes away."""
    return min(_once(command) for _ in range(ROUNDS))


def _once(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _tell(words: Sequence[str], seconds: float, base: float, of: str) -> None:
    print(f"atlas {' '.join(words):<16} {seconds:.3f} s, {seconds / base:.1f} times {of}")


if __name__ == "__main__":
    main()
