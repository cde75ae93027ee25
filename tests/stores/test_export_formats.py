"""Exports of chunks, and in formats beside JSON Lines: whole, and the same after a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from warcio.archiveiterator import ArchiveIterator

from atlas.contracts.export_corpus import ExportRequest
from atlas.domain.chunking.document_chunks import document_chunks
from atlas.formats import export_formats
from atlas.formats.warc_records import moment
from atlas.stores.blobs import Blobs, open_blobs
from tests.stores.drive import Drive
from tests.stores.exporting import Export, a_part_a_step, contents
from tests.stores.test_purge import Eraser

BASE = "https://example.org"
WORDS = "harbour tide ferry bell fog quay lantern anchor gull".split()
WEB = {f"{BASE}/{word}": f"The {word} and {' '.join(WORDS[n:])}, that is all. " * 20
       for n, word in enumerate(WORDS)}  # fmt: skip

MOVED = "The tide is another one today. " * 20


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


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[Blobs]:
    """The bodies of all pages."""
    async with open_blobs(str(tmp_path / "blobs")) as opened:
        for body in {*WEB.values(), MOVED}:
            await opened.put(body.encode())
        yield opened


def archived(path: Path) -> list[tuple[str, str, bytes]]:
    """Kind, address and payload of all records after the first, with every digest checked."""
    with path.open("rb") as file:
        found = [
            (record.rec_type, record.rec_headers["WARC-Target-URI"], record.content_stream().read())
            for record in ArchiveIterator(file, check_digests="raise")
        ]
    assert found[0][0] == "warcinfo"
    return found[1:]


async def test_warc_has_the_bodies_with_what_is_kept_of_their_answers(
    synced: Drive, tmp_path: Path, blobs: Blobs
) -> None:
    await synced.run("docs", {**WEB, f"{BASE}/again": WEB[f"{BASE}/tide"]})
    await synced.pool.execute(
        "update fetches set content_type = 'text/plain', charset = 'utf-8', etag = '\"v\"'"
    )
    to = tmp_path / "corpus.warc.gz"
    finished = await Export(synced, to, blobs, format="warc", part_documents=20).whole()
    found = archived(to)
    bodies = {url: body for kind, url, body in found if kind == "response"}
    assert bodies == {url: text.encode() for url, text in WEB.items()}
    assert [url for kind, url, _ in found if kind == "revisit"] == [f"{BASE}/again"]
    texts = [body.decode() for kind, _, body in found if kind == "conversion"]
    assert sorted(texts) == sorted([*WEB.values(), WEB[f"{BASE}/tide"]])
    assert (finished.documents, finished.records) == (10, 21)
    with to.open("rb") as file:
        record = next(each for each in ArchiveIterator(file) if each.rec_type == "response")
    assert record.http_headers["Content-Type"] == "text/plain; charset=utf-8"
    assert record.http_headers["ETag"] == '"v"'
    asked = (
        "select max(fetched_at) from fetches f join pages p on p.id = f.page_id where p.url = $1"
    )
    url = record.rec_headers["WARC-Target-URI"]
    assert record.rec_headers["WARC-Date"] == moment(await synced.pool.fetchval(asked, url))


async def test_what_changes_meanwhile_changes_no_answer_and_no_byte(
    synced: Drive, tmp_path: Path, blobs: Blobs
) -> None:
    await Export(synced, tmp_path / "still", blobs, format="warc").whole()
    disturbed = Export(synced, tmp_path / "disturbed", blobs, format="warc")
    now = synced.now
    await disturbed.begin()
    await disturbed.write()
    await synced.run("docs", {**WEB, f"{BASE}/tide": MOVED})
    await synced.pool.execute("delete from fetches")
    synced.now = now
    await disturbed.end()
    assert contents(tmp_path / "disturbed") == contents(tmp_path / "still")


async def test_a_body_that_is_lost_leaves_its_document_out_and_is_counted(
    synced: Drive, tmp_path: Path, blobs: Blobs
) -> None:
    await blobs.delete(hashlib.sha256(WEB[f"{BASE}/tide"].encode()).hexdigest())
    export = Export(synced, tmp_path / "corpus", blobs, format="warc", part_documents=20)
    finished = await export.whole()
    assert (finished.documents, finished.missing) == (8, 1)
    found = archived(tmp_path / "corpus" / "part-00000.warc.gz")
    assert f"{BASE}/tide" not in {url for _, url, _ in found}
    assert len(found) == 16


async def test_an_erased_body_is_in_no_record_and_a_revisit_of_it_becomes_the_response(
    synced: Drive, tmp_path: Path, blobs: Blobs
) -> None:
    await synced.run("docs", {**WEB, f"{BASE}/again": WEB[f"{BASE}/tide"]})
    export = Export(synced, tmp_path / "corpus", blobs, format="warc", part_documents=20)
    await export.begin()
    await export.write()
    eraser = Eraser(synced, blobs)
    await eraser.run(f"{BASE}/tide")
    assert eraser.found == {}
    await export.end()
    found = archived(tmp_path / "corpus" / "part-00000.warc.gz")
    assert f"{BASE}/tide" not in {url for _, url, _ in found}
    assert {url for kind, url, _ in found if kind == "response"} == {
        *WEB, f"{BASE}/again"
    } - {f"{BASE}/tide"}  # fmt: skip


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
        ({"format": "warc", "compress": "zstd"}, "is not for warc"),
        ({"format": "warc", "what": "chunks"}, "for jsonl and parquet, not for warc"),
    ],
)
def test_what_a_format_cannot_do_is_refused(fields: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ExportRequest(to="/tmp/x", **fields)


def test_each_format_has_its_usual_compression() -> None:
    assert ExportRequest(to="/tmp/x").compress == "none"
    assert ExportRequest(to="/tmp/x", format="parquet").compress == "zstd"
    assert ExportRequest(to="/tmp/x", format="parquet", compress="none").compress == "none"
    assert ExportRequest(to="/tmp/x", format="warc").compress == "gzip"
    assert ExportRequest(to="/tmp/x.parquet", format="parquet").one_file
    assert ExportRequest(to="/tmp/x.warc.gz", format="warc").one_file
    assert ExportRequest(to="/tmp/x.warc", format="warc", compress="none").one_file
    with pytest.raises(ValidationError, match="which 'compress' 'gzip' does not make"):
        ExportRequest(to="/tmp/x.warc", format="warc")
