"""Archives come back as the documents that they were, through the command and the client."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from atlas.contracts import push_documents
from starter import AtlasClient, InvalidRequest, NotFound
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas

__all__ = ["atlas"]

SITE = "https://old.example.org/"


def page(words: str) -> str:
    return f"<html lang=en><head><title>Harbour</title></head><body><main><p>{words}</p></main>"


async def texts(env: AtlasEnv) -> dict[str, tuple[str, str, str]]:
    rows = await env.pool.fetch(
        "select p.url, d.title, d.text, d.markdown from versions v "
        "join documents d on d.id = v.document_id join pages p on p.id = v.page_id "
        "where v.valid_to is null"
    )
    return {row["url"]: (row["title"], row["text"], row["markdown"]) for row in rows}


async def test_a_corpus_goes_to_an_archive_and_comes_back_with_the_same_texts(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas, tmp_path: Path
) -> None:
    for number in range(5):
        origin.page(f"/{number}", page(f"The ferry {number} leaves when the tide turns. " * 5))
    origin.page("/same", page("The ferry 3 leaves when the tide turns. " * 5))
    latin = page("Fähre und Möwe über dem Fluß. " * 5).encode("latin-1")
    origin.page("/latin", latin, content_type="text/html; charset=iso-8859-1", encoding="gzip")
    origin.page("/notes", "# Tides\n\nHigh water, low water.\n", content_type="text/markdown")
    paths = ["/0", "/1", "/2", "/3", "/4", "/same", "/latin", "/notes"]
    await atlas_env.add_source("docs", "urls", *map(origin.url, paths))
    folder = tmp_path / "corpus"
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        before = await texts(atlas_env)
        assert len(before) == 8
        to = ("--to", str(folder), "--part-documents", "3")
        ran = await atlas("export", *to, "--format", "warc", "--wait", "-o", "json")
        assert (ran.code, ran.json["documents"], ran.json["records"]) == (0, 8, 19), ran
        (folder / "part-00007.warc.gz").write_bytes(b"<html>")
        (folder / ".hidden.warc").write_bytes(b"<html>")
        # The corpus of another Atlas, which knows nothing of all that.
        await atlas_env.pool.execute("truncate pages, sources, runs, fetches, blobs cascade")
        for body in (atlas_env.blobs).rglob("*"):
            if body.is_file():
                body.unlink()
        added = await atlas("sources", "add", "old", origin.url("/"), "--kind", "push")
        assert added.code == 0, added.err
        asked = len(origin.log)
        ran = await atlas("import", str(folder), "--source", "old", "-o", "json")
        assert (ran.code, ran.json["added"], ran.json["archives"]) == (1, 8, 4), ran
        [problem] = ran.json["problems"]
        assert problem["archive"] == str(folder / "part-00007.warc.gz"), "named, the rest taken"
        assert ran.json["passed_over"] == {"conversion record": 8, "warcinfo record": 3}
        assert await texts(atlas_env) == before
        (folder / "part-00007.warc.gz").unlink()
        again = await atlas("import", str(folder), "--source", "old")
        assert (again.code, "3 files, 8 documents; 0 added" in again.out) == (0, True), again
        assert "8 unchanged" in again.out
        assert len(origin.log) == asked, "nothing is fetched"
        assert await atlas_env.value("select count(*) from versions") == 8


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio's files
async def test_what_an_archive_cannot_give_is_named_and_the_rest_is_there(
    atlas_env: AtlasEnv, atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_documents, "MAX_PUSHED", 20)
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    ends = [0]
    for number in range(30):
        body = page(f"The archive has bell {number}, and the fog has gull {number}. " * 5).encode()
        if number == 7:
            body = b"%PDF-1.7 nothing of it"
        uri = f"https://elsewhere.example/{number}" if number == 5 else f"{SITE}{number}"
        kind = "application/pdf" if number == 7 else "text/html"
        head = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(uri, "response", io.BytesIO(body), http_headers=head)
        )
        ends.append(out.tell())
    data = bytearray(out.getvalue())
    data[(ends[3] + ends[4]) // 2] ^= 0xFF
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(data)
    await atlas("sources", "add", "old", SITE, "--kind", "push")
    await atlas_env.add_source("docs", "urls", "https://example.org/")
    async with atlas_env.worker():
        ran = await atlas("import", str(file), "--source", "old", "-o", "json")
        assert ran.out, ran
        assert (ran.code, ran.json["added"], len(ran.json["runs"])) == (1, 27, 2), ran
        problems = {each["offset"]: (each["url"], each["reason"]) for each in ran.json["problems"]}
        assert set(problems) == {ends[3], ends[5], ends[7]}
        assert "gzip data is damaged" in problems[ends[3]][1]
        assert "not below a URL of source 'old'" in problems[ends[5]][1]
        assert problems[ends[7]][0] == f"{SITE}7"
        shown = await atlas("import", str(file), "--source", "old")
        assert (shown.code, "27 unchanged" in shown.out) == (1, True), shown
        assert f"offset {ends[3]}: the gzip data is damaged" in shown.err
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    none = tmp_path / "none.warc"
    none.write_bytes(b"<html>")
    (tmp_path / "empty").mkdir()
    for words, code, said in (
        ((str(tmp_path / "empty"), "--source", "old"), 2, "no file whose name ends with .warc or"),
        ((str(none), "--source", "old"), 2, "begins neither with a WARC record"),
        ((str(tmp_path / "x"), "--source", "old"), 2, "No such file"),
        ((str(file), "--source", "nosuch"), 1, "no source 'nosuch'"),
        ((str(file), "--source", "docs"), 2, "is of kind urls"),
        (("s3://bucket", "--source", "old"), 2, "write s3://bucket/key"),
    ):
        ran = await atlas("import", *words)
        assert (ran.code, said in ran.err) == (code, True), ran
    async with AtlasClient.connect() as client:
        with pytest.raises(NotFound):
            await client.import_archive(file, source="nosuch")
        with pytest.raises(InvalidRequest):
            await client.import_archive(none, source="old")
    digest = hashlib.sha256(data).hexdigest()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
