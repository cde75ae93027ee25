"""How much memory an export takes does not depend on how many documents it writes."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import zstandard

from tests.e2e.bulk_documents import fill

_SCRIPT = Path(__file__).with_name("export_process.py")
_FORMATS: dict[str, dict[str, Any]] = {
    "jsonl": {},
    "parquet": {"format": "parquet"},
    "chunks": {"what": "chunks"},
    "warc": {"format": "warc"},
    "markdown-folder": {"format": "markdown-folder"},
}
_NINTH = {"prefix": "https://bulk.example/2"}
"""The addresses that end in a number which begins with 2."""


def put_bodies(folder: Path, documents: list[tuple[str, str]]) -> None:
    """The bodies that `fill` names, each of its own, as the blob store keeps them."""
    compressor = zstandard.ZstdCompressor(level=3)
    for url, digest in documents:
        place = folder / digest[:2] / digest[2:4] / f"{digest}.zst"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(compressor.compress(url.encode()))


async def exported(database: str, blobs: Path, to: Path, **request: Any) -> dict[str, int]:
    asked = json.dumps({"to": str(to), **request})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(_SCRIPT), database, str(blobs), asked,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    await asyncio.to_thread(shutil.rmtree, to)
    found: dict[str, int] = json.loads(out)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", _FORMATS)
async def test_memory_is_flat_in_every_format(
    name: str, database_url: str, database: asyncpg.Pool, tmp_path: Path
) -> None:
    """Of 100,000 documents it is that of a ninth of them; children that cut chunks are apart."""
    await fill(database, 100_000)
    blobs, options = tmp_path / "blobs", _FORMATS[name]
    if name == "warc":
        rows = await database.fetch(
            "select p.url, encode(d.snapshot, 'hex') as digest "
            "from documents d join pages p on p.id = d.page_id"
        )
        bodies = [(row["url"], row["digest"]) for row in rows]
        await asyncio.to_thread(put_bodies, blobs, bodies)
    few = await exported(database_url, blobs, tmp_path / "few", only=_NINTH, **options)
    many = await exported(database_url, blobs, tmp_path / "many", **options)
    print(
        f"{name}: {few['memory'] >> 20} MiB for {few['documents']}, "
        f"{many['memory'] >> 20} MiB for {many['documents']}, {many['bytes']} bytes",
        flush=True,
    )
    assert (few["documents"], many["documents"]) == (11_111, 100_000)
    assert many["memory"] < 1.2 * few["memory"]
