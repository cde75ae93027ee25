"""Exports of chunks, and in formats beside JSON Lines: whole, and the same after a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from atlas.contracts.export_corpus import ExportRequest
from atlas.domain.chunking.document_chunks import document_chunks
from atlas.formats import export_formats
from tests.stores.drive import Drive
from tests.stores.exporting import Export, a_part_a_step, contents

BASE = "https://example.org"
WORDS = "harbour tide ferry bell fog quay lantern anchor gull".split()
WEB = {f"{BASE}/{word}": f"The {word} and {' '.join(WORDS[n:])}, that is all. " * 20
       for n, word in enumerate(WORDS)}  # fmt: skip


@pytest.fixture
async def synced(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> Drive:
    a_part_a_step(monkeypatch)
    await drive.add("docs")
    await drive.run("docs", WEB)
    return drive


async def wanted(synced: Drive, size: int) -> list[tuple[str, str]]:
    """The chunks of all documents by themselves."""
    found = []
    for url in WEB:
        document = await synced.document(url)
        chunks = document_chunks(url, document.text, document.markdown, document.outline, size)
        found += [(chunk.id, chunk.text) for chunk in chunks]
    return sorted(found)


async def test_chunks_are_exported_with_their_document(synced: Drive, tmp_path: Path) -> None:
    to = tmp_path / "chunks"
    export = Export(synced, to, what="chunks", chunk_size=300, part_documents=4)
    finished = await export.whole()
    files = contents(to)
    chunks = [json.loads(line) for body in files.values() for line in body.splitlines()]
    assert sorted((each["id"], each["text"]) for each in chunks) == await wanted(synced, 300)
    one = await synced.document(chunks[0]["url"])
    assert (chunks[0]["title"], chunks[0]["text_hash"]) == (one.title, one.text_hash)
    assert (finished.documents, finished.records) == (9, len(chunks))
    manifest = json.loads((to / "manifest.json").read_text())
    assert (manifest["what"], manifest["chunk_size"]) == ("chunks", 300)
    assert [part["records"] for part in manifest["parts"]] == [
        len(body.splitlines()) for body in files.values()
    ]


async def test_parquet_is_read_back_from_parts_and_from_one_file(
    synced: Drive, tmp_path: Path
) -> None:
    await Export(synced, tmp_path / "lines").whole()
    lines = [
        json.loads(line)
        for body in contents(tmp_path / "lines").values()
        for line in body.splitlines()
    ]
    folder, file = tmp_path / "folder", tmp_path / "corpus.parquet"
    finished = await Export(synced, folder, format="parquet", part_documents=4).whole()
    assert (finished.documents, finished.records, finished.parts) == (9, 9, 3)
    assert list(contents(folder)) == [f"part-0000{n}.parquet" for n in range(3)]
    rows = [row for name in contents(folder) for row in pq.read_table(folder / name).to_pylist()]
    await Export(synced, file, format="parquet", part_documents=4).whole()
    assert pq.read_table(file).to_pylist() == rows
    assert [row["text"] for row in rows] == [line["text"] for line in lines]
    assert [row["changed_at"].isoformat() for row in rows] == [
        line["changed_at"].replace("Z", "+00:00") for line in lines
    ]
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["corpus.parquet", "folder",
                                                                  "lines"]  # fmt: skip


async def test_without_pyarrow_an_export_is_refused_before_it_writes(
    synced: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_formats, "find_spec", lambda name: None)
    chosen = await Export(synced, tmp_path / "corpus", format="parquet").begin()
    assert "pip install" in chosen.refused
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"what": "chunks", "format": "markdown-folder"}, "for jsonl and parquet, not for"),
        ({"what": "pages"}, "'documents' or 'chunks'"),
        ({"what": "chunks", "chunk_size": 10}, "chunk_size"),
        ({"format": "arrow"}, "format"),
    ],
)
def test_what_a_format_cannot_do_is_refused(fields: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ExportRequest(to="/tmp/x", **fields)


def test_each_format_has_its_usual_compression() -> None:
    assert ExportRequest(to="/tmp/x").compress == "none"
    assert ExportRequest(to="/tmp/x", format="parquet").compress == "zstd"
    assert ExportRequest(to="/tmp/x", format="parquet", compress="none").compress == "none"
    assert ExportRequest(to="/tmp/x.parquet", format="parquet").one_file
