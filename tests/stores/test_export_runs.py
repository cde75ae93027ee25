"""An export to a folder or a file: whole, of one moment, and the same after a crash anywhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError

from atlas.contracts.export_corpus import DocumentFilter, ExportRequest
from atlas.domain.export_parts import TargetRefused
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.targets import folder_target
from tests.stores.drive import Drive
from tests.stores.exporting import Export, a_part_a_step, contents
from tests.stores.test_purge import Eraser

BASE = "https://example.org"
WORDS = "harbour tide ferry bell fog quay lantern anchor gull rope net sail mast keel oar".split()
WEB = {f"{BASE}/{word}": f"{word} {' '.join(WORDS[n:])} and nothing else. " * 3
       for n, word in enumerate(WORDS)}  # fmt: skip


@pytest.fixture
async def synced(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> Drive:
    a_part_a_step(monkeypatch)
    await drive.add("docs")
    await drive.run("docs", WEB)
    return drive


def told(lines: bytes) -> list[str]:
    return [json.loads(line)["url"] for line in lines.splitlines()]


async def test_a_folder_has_parts_and_a_manifest_that_counts_them(
    synced: Drive, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "corpus"
    finished = await Export(synced, to, part_documents=4).whole()
    manifest = json.loads((to / "manifest.json").read_text())
    files = contents(to)
    assert list(files) == [f"part-0000{n}.jsonl" for n in range(4)]
    assert manifest["parts"] == [
        {
            "name": name,
            "documents": len(body.splitlines()),
            "records": len(body.splitlines()),
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        for name, body in files.items()
    ]
    assert [part["documents"] for part in manifest["parts"]] == [4, 4, 4, 3]
    assert (finished.documents, finished.parts) == (manifest["documents"], 4) == (15, 4)
    assert sorted(url for body in files.values() for url in told(body)) == sorted(WEB)
    assert await synced.pool.fetchval("select count(*) from exports") == 0
    assert await synced.pool.fetchval("select count(*) from export_pages") == 0


@pytest.mark.parametrize(
    ("ending", "compress", "plain"),
    [
        ("", "none", bytes),
        (".gz", "gzip", gzip.decompress),
        (
            ".zst",
            "zstd",
            lambda body: zstandard.ZstdDecompressor().stream_reader(
                io.BytesIO(body), read_across_frames=True
            ).read(),
        ),
    ],
)  # fmt: skip
async def test_a_file_is_the_parts_one_behind_the_other(
    synced: Drive, tmp_path: Path, ending: str, compress: Any, plain: Callable[[bytes], bytes]
) -> None:
    to = tmp_path / f"corpus.jsonl{ending}"
    finished = await Export(synced, to, compress=compress).whole()
    assert [each.name for each in tmp_path.iterdir()] == [to.name]
    assert sorted(told(plain(to.read_bytes()))) == sorted(WEB)
    assert (finished.parts, finished.bytes) == (1, to.stat().st_size)


async def test_documents_that_change_meanwhile_are_written_as_they_were(
    synced: Drive, tmp_path: Path
) -> None:
    await Export(synced, tmp_path / "still").whole()
    disturbed = Export(synced, tmp_path / "disturbed")
    await disturbed.begin()
    await disturbed.write()
    await synced.add("others")
    changed = {url: f"{text} But everything changed." for url, text in WEB.items()}
    await synced.run("others", changed)
    for _ in range(3):
        await synced.run("docs", {**changed, f"{BASE}/anchor": 404, f"{BASE}/sail": 404})
    assert (await disturbed.end()).documents == 15
    assert contents(tmp_path / "disturbed") == contents(tmp_path / "still")
    await Export(synced, tmp_path / "after").whole()
    assert contents(tmp_path / "after") != contents(tmp_path / "still")


class Killed(BaseException):
    """Ends an attempt where it is."""


class Deaths:
    """Ends attempts before and after calls that change something outside of the process: the first
    attempt at the first of them, the second one further, and so on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._left = 0
        self.count = 0

    def at(self, place: Any, name: str) -> None:
        real = getattr(place, name)

        def call(*args: Any, **named: Any) -> Any:
            self._step()
            value = real(*args, **named)
            self._step()
            return value

        async def awaited(*args: Any, **named: Any) -> Any:
            self._step()
            value = await real(*args, **named)
            self._step()
            return value

        wrapped = awaited if isinstance(place, ExportStore) else call
        self._patch.setattr(place, name, wrapped)

    async def survived(self, step: Callable[[], Any]) -> Any:
        """Repeat a step, as Temporal would, until it ends well."""
        for self._left in itertools.count(1):
            try:
                return await step()
            except Killed:
                self.count += 1
        raise AssertionError("unreachable")

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        (".jsonl.zst", {"compress": "zstd"}),
        pytest.param(".parquet", {"format": "parquet"}, marks=pytest.mark.slow),
        (".warc.gz", {"format": "warc"}),
    ],
)
async def test_an_attempt_that_ends_anywhere_is_repeated_to_the_same_bytes(
    synced: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, options: Any
) -> None:
    folder = tmp_path / "exports"
    whole, killed = folder / f"whole{ending}", folder / f"killed{ending}"
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        for text in WEB.values():
            await blobs.put(text.encode())
    await Export(synced, whole, blobs, **options).whole()
    export, deaths = Export(synced, killed, blobs, **options), Deaths(monkeypatch)
    await export.begin()
    deaths.at(Path, "replace")
    deaths.at(Path, "unlink")
    deaths.at(folder_target, "sync_to_disk")
    deaths.at(export.store, "note")
    deaths.at(export.store, "forget")
    await deaths.survived(export.choose)
    while await deaths.survived(export.write):
        pass
    finished = await deaths.survived(export.finish)
    await deaths.survived(export.forget)
    assert deaths.count > 50
    assert finished.documents == 15
    assert [each.name for each in sorted(folder.iterdir())] == [killed.name, whole.name]
    assert killed.read_bytes() == whole.read_bytes()
    assert await synced.pool.fetchval("select count(*) from export_parts") == 0


async def test_what_is_erased_meanwhile_is_in_no_part(synced: Drive, tmp_path: Path) -> None:
    export = Export(synced, tmp_path / "corpus")
    await export.begin()
    await export.write()
    [first, *_] = told((tmp_path / "corpus" / "part-00000.jsonl").read_bytes())
    last = f"{BASE}/tide"
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        eraser = Eraser(synced, blobs)
        await eraser.run(first, last)
        assert eraser.found == {}
    assert (await export.end()).documents == 13
    files = contents(tmp_path / "corpus")
    assert sorted(url for body in files.values() for url in told(body)) == sorted(
        set(WEB) - {first, last}
    )
    manifest = json.loads((tmp_path / "corpus" / "manifest.json").read_text())
    assert [part["documents"] for part in manifest["parts"]] == [1, 2, 2, 2, 2, 2, 2]


async def test_a_choice_keeps_no_trace_of_an_erased_cluster(synced: Drive, tmp_path: Path) -> None:
    export = Export(synced, tmp_path / "corpus")
    await export.begin()
    erased = f"{BASE}/tide"
    text = await synced.pool.fetchval(
        "select d.text_hash from documents d join pages p on p.id = d.page_id where url = $1",
        erased,
    )
    await synced.pool.execute("update export_pages set cluster = $1", text)
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        eraser = Eraser(synced, blobs)
        await eraser.run(erased)
        assert eraser.found == {}
    assert await synced.pool.fetchval("select count(cluster) from export_pages") == 0


async def test_nothing_that_is_there_is_overwritten(synced: Drive, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep")
    (tmp_path / "corpus.jsonl").write_text("keep")
    underway = Export(synced, tmp_path / "underway")
    await underway.begin()
    for to, why in (
        ("mine", "is not empty: 'notes.txt' is there"),
        ("corpus.jsonl", "exists; name a new file"),
        ("underway", "another export, under way or ended early, is there"),
        ("corpus.jsonl/below", "cannot use"),
    ):
        export = Export(synced, tmp_path / to)
        chosen = await export.begin()
        assert why in chosen.refused and str(tmp_path) in chosen.refused, chosen
        await export.forget(discard=True)
    assert (mine / "notes.txt").read_text() == (tmp_path / "corpus.jsonl").read_text() == "keep"
    assert (await underway.end()).documents == 15
    unknown = Export(synced, tmp_path / "x", only=DocumentFilter(sources=["nosuch"]))
    assert "nosuch" in (await unknown.begin()).unknown


async def test_a_folder_that_another_worker_does_not_see_is_noticed(
    synced: Drive, tmp_path: Path
) -> None:
    export = Export(synced, tmp_path / "corpus")
    await export.begin()
    await export.write()
    (tmp_path / "corpus").rename(tmp_path / "elsewhere")
    with pytest.raises(TargetRefused, match="is not where this export began"):
        await export.write()
    (tmp_path / "elsewhere").rename(tmp_path / "corpus")
    assert (await export.end()).documents == 15


async def test_a_cancelled_export_leaves_nothing(synced: Drive, tmp_path: Path) -> None:
    for to in ("folder", "file.jsonl"):
        export = Export(synced, tmp_path / to)
        await export.begin()
        await export.write()
        await export.forget(discard=True)
    assert list(tmp_path.iterdir()) == []
    assert await synced.pool.fetchval("select count(*) from exports") == 0


async def test_an_empty_choice_is_an_empty_export(synced: Drive, tmp_path: Path) -> None:
    only = DocumentFilter(host="nowhere.example")
    await Export(synced, tmp_path / "none.jsonl", only=only).whole()
    await Export(synced, tmp_path / "none", only=only).whole()
    assert (tmp_path / "none.jsonl").read_bytes() == b""
    manifest = json.loads((tmp_path / "none" / "manifest.json").read_text())
    assert (manifest["documents"], manifest["parts"]) == (0, [])


async def test_what_a_clean_up_deleted_is_counted(synced: Drive, tmp_path: Path) -> None:
    export = Export(synced, tmp_path / "corpus")
    await export.begin()
    gone = await synced.pool.fetchval("select max(page_id) from export_pages")
    await synced.pool.execute("delete from versions where page_id = $1", gone)
    await synced.pool.execute("delete from prepared where page_id = $1", gone)
    await synced.pool.execute("delete from documents where page_id = $1", gone)
    finished = await export.end()
    assert (finished.documents, finished.missing) == (14, 1)


@pytest.mark.parametrize("compress", ["none", "zstd"])
async def test_markdown_is_a_file_a_page_that_its_parts_list(
    synced: Drive, tmp_path: Path, compress: Any
) -> None:
    export = Export(synced, tmp_path / "notes.jsonl", format="markdown-folder", compress=compress)
    assert (await export.whole()).documents == 15
    files = contents(tmp_path / "notes.jsonl")
    parts = [name for name in files if name.endswith(".sha256")]
    listed = [line.split("  ") for name in parts for line in files[name].decode().splitlines()]
    assert len(parts) == 8
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in set(files) - set(parts)} == {
        name: digest for digest, name in listed
    }
    assert len(listed) == 15


async def test_a_page_of_markdown_that_is_erased_meanwhile_goes_and_so_does_a_cancelled_folder(
    synced: Drive, tmp_path: Path
) -> None:
    export = Export(synced, tmp_path / "notes", format="markdown-folder")
    await export.begin()
    await export.write()
    [name] = [each for each in contents(tmp_path / "notes") if "/anchor-" in each]
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        await Eraser(synced, blobs).run(f"{BASE}/anchor")
    await export.end()
    files = contents(tmp_path / "notes")
    assert name not in files
    assert len(files) == 8 + 14
    cancelled = Export(synced, tmp_path / "cancelled", format="markdown-folder")
    await cancelled.begin()
    await cancelled.write()
    await synced.pool.execute("delete from export_parts")  # as if it had ended before that
    await cancelled.forget(discard=True)
    assert not (tmp_path / "cancelled").exists()


@pytest.mark.parametrize(
    ("to", "fields", "why"),
    [
        ("corpus.jsonl", {}, "absolute path"),
        ("s3://", {}, "names no bucket"),
        ("s3://Bucket/x", {}, "names no bucket"),
        ("s3://key:secret@bucket/x", {}, "names no bucket"),
        ("s3://bucket/../x", {}, "names no bucket"),
        ("s3://bucket/x?y", {}, "names no bucket"),
        ("s3://bucket/x.jsonl", {}, "not a file, in a bucket"),
        ("/tmp/a\0b", {}, "zero character"),
        ("/tmp/x.jsonl.zst", {}, "'compress' 'none' does not make"),
        ("/tmp/x.jsonl", {"compress": "gzip"}, "'compress' 'gzip' does not make"),
        ("/tmp/x", {"part_documents": 0}, "part_documents"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_meant_is_refused(to: str, fields: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ExportRequest(to=to, **fields)


@pytest.mark.parametrize("to", ["s3://bucket", "s3://bucket/a/b", "/tmp/x", "/tmp/x.parquet"])
def test_other_targets_are_folders(to: str) -> None:
    assert not ExportRequest(to=to).one_file
