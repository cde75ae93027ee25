"""Folder blobs against plain files written with fsync, at the concurrency of a fetch batch.

The baseline does the least that survives a power cut: write, fsync, rename, fsync the folder,
with neither hash nor compression. ATLAS_BENCH_FOLDER says on which disk (default: the current
folder; a temp folder may be memory).
"""

import asyncio
import hashlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from atlas.stores.blobs import Blobs, open_blobs

BODIES = 300
BYTES = 30_000
LANES = 16
ROUNDS = 5

Put = Callable[[bytes], Awaitable[object]]


def pages(seed: int) -> list[bytes]:
    """Bodies of about `BYTES` that compress as pages do, to roughly a quarter."""
    chance = random.Random(seed)
    words = [f"word{number:x}".encode() for number in range(3000)]
    return [b" ".join(chance.choices(words, k=BYTES // 8)) for _ in range(BODIES)]


def plain_put(folder: Path, body: bytes) -> None:
    """Write one file durably, under a name known beforehand."""
    name = folder / str(hash(body))
    part = name.with_suffix(".part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.rename(name)
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


async def rate(put: Put, bodies: Sequence[bytes]) -> float:
    """Bodies per second over `LANES` at once."""
    lanes = asyncio.Semaphore(LANES)

    async def one(body: bytes) -> None:
        async with lanes:
            await put(body)

    began = time.perf_counter()
    await asyncio.gather(*(one(body) for body in bodies))
    return len(bodies) / (time.perf_counter() - began)


async def read_rates(blobs: Blobs, folder: Path, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Reads per second: the store's (inflated, verified) and plain files'."""
    store = await rate(lambda body: blobs.get(hashlib.sha256(body).hexdigest()), bodies)
    plain = await rate(
        lambda body: asyncio.to_thread((folder / str(hash(body))).read_bytes), bodies
    )
    return store, plain


async def measure(root: Path) -> None:
    """Take turns, print medians and the median of the rounds' ratios."""
    folder = root / "plain"
    folder.mkdir()
    puts: list[tuple[float, float]] = []
    gets: list[tuple[float, float]] = []
    async with open_blobs(str(root / "blobs")) as blobs:
        for round_ in range(ROUNDS):
            bodies = pages(round_)
            plain = await rate(lambda body: asyncio.to_thread(plain_put, folder, body), bodies)
            puts.append((await rate(blobs.put, bodies), plain))
            gets.append(await read_rates(blobs, folder, bodies))
    show("put", puts)
    show("get", gets)
    stored = sum(file.stat().st_size for file in (root / "blobs").rglob("*.zst"))
    print(f"stored: {stored / (ROUNDS * BODIES * BYTES):.2f} of the bytes")


def show(name: str, rounds: Sequence[tuple[float, float]]) -> None:
    """One line: rates and ratio, each the median of the rounds."""
    store, plain = (statistics.median(side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    print(f"{name}: store {store:,.0f}/s, plain files {plain:,.0f}/s, ratio {ratio:.2f}")


def main() -> None:
    """Measure in a fresh folder that is removed afterwards."""
    where = os.environ.get("ATLAS_BENCH_FOLDER", ".")
    with tempfile.TemporaryDirectory(dir=where, prefix=".bench-") as root:
        asyncio.run(measure(Path(root).resolve()))
