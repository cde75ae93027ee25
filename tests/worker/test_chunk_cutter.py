"""Chunks are the same wherever they are cut, and a child that fails costs none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from atlas.domain.export_entry import ExportEntry, records_of
from atlas.domain.extraction.outline import OutlineSection
from atlas.text.children.pool import ExtractorPool
from atlas.worker import chunk_cutter
from atlas.worker.chunk_cutter import ChunkCutter
from tests.formats.documents import NOON, document
from tests.text.children import poison

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
TEXT = "Tides\n\n" + "High water comes late, and the ferry waits. " * 60
ENTRY = ExportEntry(
    document(text=TEXT, markdown="# " + TEXT, sources=("a", "b"), changed_at=NOON),
    (OutlineSection(0, 1, "Tides", "tides"),),
)


async def test_chunks_are_cut_in_a_child_and_here_if_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = records_of(ENTRY, "chunks", 400)
    assert len(here) > 5
    async with ExtractorPool(children=1, timeout=60, preloaded=()) as pool:
        cutter = ChunkCutter(pool)
        with monkeypatch.context() as patch:
            patch.setattr(chunk_cutter, "exported_chunks", None)  # of this process
            entry = await cutter(ENTRY, 400)
        assert entry == replace(ENTRY, chunks=here)
        assert records_of(entry, "chunks", 400) is entry.chunks
        for fault in (poison.crash, _nonsense):
            monkeypatch.setattr(chunk_cutter, "_cut", fault)
            assert (await cutter(ENTRY, 400)).chunks == here, fault


def _nonsense(_: object) -> bytes:
    return msgspec.msgpack.encode([{"id": 1}])
