"""The engines under test, texts to put into them, and a process that writes until it is killed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.search.index_parts import index_parts, lexeme_query
from atlas.stores.search.opensearch_engine import OpenSearchIndex
from atlas.stores.search.port import (
    IndexedText,
    IndexOrigin,
    PartMatches,
    SearchIndex,
    TextChanges,
    TextScope,
)
from atlas.stores.search.tantivy_engine import TantivyIndex

ORIGIN = IndexOrigin("a-corpus", 2)
KIT = Path(
    os.environ.get("OPENSEARCH_START")
    or Path(__file__).parents[4] / "shared" / "opensearch" / "start.sh"
)
"""Starts a real OpenSearch: `start.sh FOLDER 0` prints `ready URL`."""


@dataclass(frozen=True)
class Place:
    """Where an index is; `open` makes what another process would have."""

    kind: str
    at: str
    name: str

    def open(self) -> SearchIndex:
        if self.kind == "tantivy":
            return TantivyIndex(Path(self.at))
        return OpenSearchIndex(self.at, name=self.name)


def new_name() -> str:
    return f"test{uuid.uuid4().hex[:12]}"


def why_no_opensearch() -> str | None:
    """Why no real OpenSearch can be started here; None: it can."""
    if not KIT.is_file():
        return f"no OpenSearch to start: {KIT} is missing; OPENSEARCH_START names another"
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no OpenSearch without {' and '.join(missing)}" if missing else None


@dataclass(frozen=True)
class OpenSearchNode:
    """A real node that runs: its address, and its process."""

    url: str
    process: int


@contextmanager
def opensearch_node(folder: Path) -> Iterator[OpenSearchNode]:
    """A real node for as long as the block lasts."""
    node = subprocess.Popen(["bash", str(KIT), str(folder), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert node.stdout is not None
        line = node.stdout.readline()
        assert line.startswith("ready "), "the node did not start; see above"
        yield OpenSearchNode(line.split()[1], node.pid)
    finally:
        node.terminate()
        node.wait(60)
        node.stdout.close()


def hash_of(said: str) -> bytes:
    return hashlib.sha256(said.encode()).digest()


def text(said: str, title: str = "", **more: object) -> IndexedText:
    """A text as the index takes it; by default live, of the source `docs`, in English."""
    known: dict[str, object] = {
        "pages": [1],
        "sources": ["docs"],
        "languages": ["en"],
        "hosts": ["docs.example"],
    }
    known.update(more)
    return IndexedText(hash_of(f"{title}\n{said}"), index_parts(title, said), **known)  # type: ignore[arg-type]


async def find(
    index: SearchIndex,
    query: str,
    limit: int = 100,
    *,
    scope: TextScope | None = None,
    generation: int | None = None,
) -> PartMatches:
    return await index.search(
        lexeme_query(query), scope or TextScope(), limit, generation=generation
    )


def step(number: int) -> TextChanges:
    """The step of that number: two texts come, one of the step before goes, one is put again."""
    return TextChanges(
        put=[
            text(f"every step arrives number{number}"),
            text(f"every step leaves number{number}"),
            text("every step again", sources=[f"source{number}"]),
        ],
        remove=[hash_of(f"\nevery step leaves number{number - 1}")],
        cursor=number,
    )


def left_by(number: int) -> set[bytes]:
    """What the index holds after that many steps."""
    if not number:
        return set()
    arrived = {hash_of(f"\nevery step arrives number{each}") for each in range(1, number + 1)}
    return arrived | {
        hash_of(f"\nevery step leaves number{number}"),
        hash_of("\nevery step again"),
    }


async def held(index: SearchIndex) -> set[bytes]:
    found = await find(index, "every step", 10_000, generation=1)
    assert len({match.text_hash for match in found.best}) == found.total
    return {match.text_hash for match in found.best}


def writer(place: Place) -> subprocess.Popen[str]:
    """A process that makes one step after the other, from the cursor on, and prints each."""
    command = [sys.executable, "-m", __name__, place.kind, place.at, place.name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _write(index: SearchIndex, say: Callable[[str], None]) -> None:
    number = await index.cursor(1)
    while True:
        number += 1
        await index.apply(1, step(number))
        say(str(number))


if __name__ == "__main__":
    asyncio.run(_write(Place(*sys.argv[1:4]).open(), lambda line: print(line, flush=True)))
