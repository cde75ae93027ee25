"""Near-duplicates: how many edited texts are found, how many others are taken for copies, and what
a page costs in a crowd.

The baseline is 4-word shingles in 32 bands, without a look at names: what Atlas used until its
sketches of version 2. Texts come from the collections of `datasets.py`, the pages of manuals from
`api_manuals.py`. The baseline of a crowd is one of 250 pages in the same run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import asyncpg
import numpy as np
import psutil

from atlas.domain.similarity import near_duplicates as current
from atlas.domain.similarity.likeness import THRESHOLD, ComparedText, ShownTexts, name_of
from atlas.domain.similarity.near_duplicates import Sketch, copies_within, similarities, sketch
from atlas.stores.postgres.near_duplicates import clusters
from atlas.stores.postgres.near_duplicates.clusters import TextSketch
from benchmarks.api_manuals import manual
from benchmarks.datasets import DATA
from benchmarks.pipeline import stack

COLLECTIONS = ("cranfield", "xq_ru", "xq_th", "xq_zh")
EDITED = (0.05, 0.10, 0.20)
SHORTEST = 200
"""Characters of a text that is used."""
CROWDS = (250, 1_000, 4_000)
SHARES_OWN = (0.1, 0.4, 0.7)
"""Of the words of a page: copies, copies hardly, and pages that are no copies of each other."""
WORDS = 200
VOCABULARY = [f"word{number}" for number in range(5_000)]
BATCH = 100
_WORDS = {"xq_th": r"\S{1,4}", "xq_zh": r"\S{1,2}"}
"""Without spaces, pieces as long as words are on average stand for them."""


def main() -> None:
    """Print a line for each collection, for a manual, and for each kind of crowd."""
    _print_manual()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        asyncio.run(_print_crowds(Path(home)))
    _print_edited()


def _print_manual() -> None:
    joined, hidden, before = manual_copies()
    print(f"manual of 1,000 pages: {joined} joined, {hidden} hidden; by share alone {before}")


def manual_copies() -> tuple[int, int, int]:
    """Of 1,000 pages of a manual: how many are joined with another, how many a search would not
    show beside others, and how many were joined by their words alone."""
    pages = manual(1_000, seed=1)
    texts = [
        ComparedText(
            text_hash=hashlib.sha256(f"{page.title}\n{page.text}".encode()).digest(),
            signature=sketch(page.text).signature,
            name=name_of(page.title, page.heading),
            size=len(page.text),
            hosts=frozenset([1]),
        )
        for page in pages
    ]
    nameless = [replace(text, hosts=frozenset([number])) for number, text in enumerate(texts)]
    joined, before = (
        len({end for pair in copies_within(some, THRESHOLD) for end in pair})
        for some in (texts, nameless)
    )
    shown = ShownTexts()
    hidden = sum(shown.show(text) is not None for text in texts)
    return joined, hidden, before


async def _print_crowds(home: Path) -> None:
    async with stack(home) as (url, _):
        connection = await asyncpg.connect(url, server_settings={"jit": "off"})
        for own in SHARES_OWN:
            costs = []
            for size in CROWDS:
                await connection.execute("truncate sketches, bands")
                costs.append(await _cost(connection, _crowd(size, own)))
            print(
                f"pages of one template, {own:.0%} their own:",
                *(
                    f"{size:,} pages {cost:.1f} ms a page ({cost / costs[0]:.2f})"
                    for size, cost in zip(CROWDS, costs, strict=True)
                ),
                sep="  ",
            )
        await connection.close()


def _crowd(size: int, own: float) -> list[TextSketch]:
    rng = random.Random(size)
    template = rng.choices(VOCABULARY, k=round(WORDS * (1 - own)))
    texts = [
        " ".join(template + rng.choices(VOCABULARY, k=WORDS - len(template))) for _ in range(size)
    ]
    made = [(hashlib.sha256(text.encode()).digest(), sketch(text)) for text in texts]
    return [TextSketch(name, one.bands, one.signature) for name, one in made]


async def _cost(connection: asyncpg.Connection, texts: Sequence[TextSketch]) -> float:
    """Milliseconds of CPU a page, ours and PostgreSQL's, in batches as they are settled."""
    backend = psutil.Process(await connection.fetchval("select pg_backend_pid()"))
    started = _cpu(backend)
    for start in range(0, len(texts), BATCH):
        async with connection.transaction():
            await clusters.add(connection, texts[start : start + BATCH])
    return 1000 * (_cpu(backend) - started) / len(texts)


def _cpu(backend: psutil.Process) -> float:
    used = backend.cpu_times()
    return float(used.user + used.system) + time.process_time()


def _print_edited() -> None:
    if not (DATA / "retrieval").exists():
        print(f"no collections in {DATA}; see benchmarks/datasets.py")
        return
    texts = {name: long_texts(name) for name in COLLECTIONS}
    for name, some in texts.items():
        print(f"{name:10} {len(some):5} texts", *_recalls(name, some), sep="  ")
    everything = [text for some in texts.values() for text in some]
    pairs = len(everything) * (len(everything) - 1) // 2
    print(f"of {pairs:,} pairs of texts: {_told(sketch, everything)}, before: ", end="")
    print(_told(_former, everything))


def long_texts(name: str) -> list[str]:
    """The texts of a collection that are long enough to have copies."""
    lines = (DATA / "retrieval" / name / "docs.jsonl").read_text().splitlines()
    return [text for line in lines if len(text := json.loads(line)["text"]) >= SHORTEST]


def _recalls(name: str, texts: Sequence[str]) -> Iterable[str]:
    words = re.compile(_WORDS.get(name, r"\S+\s*"))
    cut = [words.findall(text) for text in texts]
    vocabulary = sorted({word for some in cut for word in some})
    for share in EDITED:
        rng = random.Random(f"{name} {share}")
        edited = [with_edits(rng, some, vocabulary, share) for some in cut]
        now, before = (recall(make, texts, edited) for make in (sketch, _former))
        yield f"{share:.0%} edited {now:.3f} (before {before:.3f})"


def with_edits(
    rng: random.Random, words: Sequence[str], others: Sequence[str], share: float
) -> str:
    """The text with that share of its words replaced."""
    return "".join(rng.choice(others) if rng.random() < share else word for word in words)


def recall(make: Callable[[str], Sketch], texts: Sequence[str], others: Sequence[str]) -> float:
    """The share of the texts that are found to be near-duplicates of those at their places."""
    found = 0
    for one, other in zip(map(make, texts), map(make, others), strict=True):
        found += bool(set(one.bands) & set(other.bands)) and share_of(one, other) >= THRESHOLD
    return found / len(texts)


def _told(make: Callable[[str], Sketch], texts: Sequence[str]) -> str:
    compared, false, copies = joined_pairs(make, texts)
    return f"{compared:,} compared, {false} joined falsely, {copies} copies"


def joined_pairs(make: Callable[[str], Sketch], texts: Sequence[str]) -> tuple[int, int, int]:
    """How many pairs are compared, joined falsely, and copies indeed: a collection has such."""
    sketches = [make(text) for text in texts]
    buckets: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(sketches):
        for band in one.bands:
            buckets[band].append(number)
    compared = {pair for held in buckets.values() for pair in combinations(held, 2)}
    joined = [(a, b) for a, b in compared if share_of(sketches[a], sketches[b]) >= THRESHOLD]
    copies = sum(_same_words(texts[a], texts[b]) for a, b in joined)
    return len(compared), len(joined) - copies, copies


def share_of(one: Sketch, other: Sketch) -> float:
    """The share of their words that two texts have in common, as their sketches tell."""
    return similarities([one.signature], [other.signature])[0]


def _same_words(one: str, other: str) -> bool:
    """Whether two texts have a fifth of their word pairs in common, counted and not estimated."""
    pairs = [set(zip(t.split(), t.split()[1:], strict=False)) for t in (one, other)]
    return len(pairs[0] & pairs[1]) >= 0.2 * len(pairs[0] | pairs[1])


def _former(text: str) -> Sketch:
    """The sketch of version 1: letters of any script without spaces are units of their own."""
    units = re.compile(
        rf"[{current._SIGNS}{current._LETTERS}]|[^\W_{current._SIGNS}{current._LETTERS}]+"
    )
    spaced = " ".join(units.findall(text))
    codes = current._units(spaced)
    if not len(codes):
        return Sketch((), b"")
    coarse = current._minhashes(current._shingles(codes, 4), current._family(64, seed=1))
    fine = current._minhashes(current._shingles(codes, 2), current._FINE)
    bands = [(place, *row) for place, row in enumerate(coarse.reshape(32, 2).tolist())]
    return Sketch(
        tuple(hash(band) for band in bands),
        (fine & np.uint64(0xFFFF)).astype("<u2").tobytes(),
    )
