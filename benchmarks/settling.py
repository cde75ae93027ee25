"""Settling now, and settling as it was while the search index was written in its transaction.

The tree of `BEFORE` is unpacked beside this one; each settles batches of new pages into a database
of its own in the same PostgreSQL, in turns, so that both see the same machine. It needs a clone of
the repository with its history, and the installed packages must do for both.

    python -m benchmarks settling
    python -m benchmarks.settling COMMIT   # another tree
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import asyncpg

from atlas.embedded.postgres import ROLE, SUPERUSER
from benchmarks.stored_corpus import postgres

BEFORE = "fcf0e23^"
"""The last commit whose settling wrote the index."""
ROUNDS = 12
BATCH = 100
_HERE = Path(__file__).parents[1]

# Runs in either tree: what it imports is there in both.
_SETTLER = f"""
import asyncio, sys
import asyncpg
from itertools import islice
from atlas.stores.postgres.connection import open_pool
from atlas.stores.postgres.migrate import migrate
from benchmarks import changes
from benchmarks.rebuild import _texts
from tests.stores.drive import Drive

async def main(url):
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await connection.close()
    pool = await open_pool(url)
    drive = Drive(pool)
    await drive.add("bench")
    texts = (text for _, text in _texts({BATCH} * ({ROUNDS} + 1)))
    number = 0
    print("ready", flush=True)
    while sys.stdin.readline():
        settle = getattr(changes, "settle", None) or changes._settle
        seconds, _ = await settle(drive, f"b{{number}}", list(islice(texts, {BATCH})))
        number += 1
        print(seconds, flush=True)
    await pool.close()

asyncio.run(main(sys.argv[1]))
"""


def main(before: str = BEFORE) -> None:
    """Print both rates and their ratio."""
    if subprocess.run(["git", "rev-parse", "-q", "--verify", before], cwd=_HERE).returncode:
        print(f"no commit {before} here: a clone with its whole history is needed")
        return
    asyncio.run(_compare(before))


async def _compare(before: str) -> None:
    with tempfile.TemporaryDirectory(prefix="atlas-settling-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        packed = subprocess.check_output(["git", "archive", before], cwd=_HERE)
        with tarfile.open(fileobj=BytesIO(packed)) as tree:
            tree.extractall(folder / "before", filter="data")
        async with postgres(folder / "postgres") as url:
            await _make_databases(url)
            taken = await asyncio.to_thread(_in_turns, url, [folder / "before", _HERE])
    rates = [BATCH * ROUNDS / sum(seconds) for seconds in taken]
    for said, rate in zip(("with the index", "now"), rates, strict=True):
        print(f"settling {said:<15} {rate:8.1f} pages/s")
    print(f"ratio {rates[1] / rates[0]:27.2f}")


async def _make_databases(url: str) -> None:
    connection = await asyncpg.connect(url.replace(f"user={ROLE}", f"user={SUPERUSER}"))
    for number in range(2):
        await connection.execute(f"create database settling_{number} owner {ROLE}")
    await connection.close()


def _in_turns(url: str, trees: list[Path]) -> list[list[float]]:
    """The seconds of each batch, by tree; the first of each is not counted."""
    taken: list[list[float]] = [[] for _ in trees]
    with ExitStack() as stack:
        settlers = [
            stack.enter_context(_settler(tree, url.replace("/atlas?", f"/settling_{number}?")))
            for number, tree in enumerate(trees)
        ]
        for number in range(ROUNDS + 1):
            for settler, seconds in zip(settlers, taken, strict=True):
                spent = float(_ask(settler))
                if number:
                    seconds.append(spent)
    return taken


@contextmanager
def _settler(tree: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _SETTLER, url],
        cwd=tree,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tree)},
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n", f"the tree in {tree} does not settle"
        yield process
        process.stdin.close()


def _ask(settler: subprocess.Popen[str]) -> str:
    assert settler.stdin is not None and settler.stdout is not None
    settler.stdin.write("\n")
    settler.stdin.flush()
    return settler.stdout.readline()


if __name__ == "__main__":
    main(*sys.argv[1:2])
