"""WARC files as warcio, which is not ours, reads them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from atlas.domain.export_entry import ExportEntry, StoredResponse
from atlas.domain.export_parts import PartForm
from atlas.formats.export_formats import ExportFormats
from atlas.formats.warc_records import http_head, moment
from tests.formats.documents import NOON, document

BODY = "<html><body><p>High water comes late. Ä</p></body></html>".encode("latin-1")
ANSWER = StoredResponse(200, "text/html", "ISO-8859-1", '"v1"', "Mon, 23 Nov 2026 10:00:00 GMT",
                        datetime(2026, 11, 24, 9, 30, 1, 250, UTC))  # fmt: skip


def entry(path: str, body: bytes, response: StoredResponse = ANSWER, **more: Any) -> ExportEntry:
    digest = hashlib.sha256(body).hexdigest()
    url = f"https://example.org/{path}"
    return ExportEntry(document(url=url, snapshot=digest, **more), response=response)


def written(folder: Path, *pages: tuple[ExportEntry, bytes], compress: str = "gzip") -> Path:
    folder.mkdir(exist_ok=True)
    form = PartForm(format="warc", compress=compress, as_of=NOON)
    part = ExportFormats().open_part(form, folder, "part-00000.warc.gz")
    for each, body in pages:
        part.add(each, body if part.wants_body(each) else None)
    [(draft, _)] = part.close()
    return draft


def read(path: Path) -> list[tuple[Any, bytes]]:
    """All records, with every digest checked."""
    found = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            found.append((record, record.content_stream().read()))
            # warcio checks none of a revisit, whose payload is elsewhere.
            assert record.digest_checker.passed is (None if record.rec_type == "revisit" else True)
    return found


def test_what_a_browser_made_is_a_resource_and_no_response(tmp_path: Path) -> None:
    made = StoredResponse(200, "text/html", "utf-8", None, None, NOON, rendered=True)
    pages = [(entry("a", BODY, made), BODY), (entry("b", BODY, made), BODY)]
    _, first, text, second, _ = read(written(tmp_path, *pages))
    assert [each[0].rec_type for each in (first, text, second)] == [
        "resource", "conversion", "resource",
    ]  # fmt: skip
    record, body = first
    assert (body, record.http_headers) == (BODY, None)
    assert record.rec_headers["Content-Type"] == "text/html;charset=utf-8"
    assert text[0].rec_headers["WARC-Refers-To"] == record.rec_headers["WARC-Record-ID"]


@pytest.mark.parametrize("compress", ["gzip", "none"])
def test_a_body_is_a_response_with_its_text_and_an_equal_one_a_revisit(
    tmp_path: Path, compress: str
) -> None:
    first, second = entry("a", BODY), entry("b", BODY, StoredResponse(status=203))
    path = written(tmp_path, (first, BODY), (second, BODY), compress=compress)
    info, response, text, revisit, other = read(path)
    kinds = [record.rec_type for record, _ in (info, response, text, revisit, other)]
    assert kinds == ["warcinfo", "response", "conversion", "revisit", "conversion"]
    assert b"no raw headers" in info[1]
    record, body = response
    assert (record.format, body) == ("warc", BODY)
    assert record.rec_headers.protocol == "WARC/1.1"
    assert record.rec_headers["WARC-Target-URI"] == first.document.url
    assert record.rec_headers["WARC-Date"] == "2026-11-24T09:30:01.000250Z"
    assert record.http_headers.get_statuscode() == "200"
    assert dict(record.http_headers.headers) == {
        "Content-Type": "text/html; charset=ISO-8859-1",
        "ETag": '"v1"',
        "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT",
        "Content-Length": str(len(BODY)),
    }
    assert (text[0].rec_headers["WARC-Refers-To"], text[1]) == (
        record.rec_headers["WARC-Record-ID"],
        first.document.text.encode(),
    )
    again = revisit[0].rec_headers
    assert again["WARC-Profile"].endswith("/1.1/revisit/identical-payload-digest")
    assert again["WARC-Payload-Digest"] == record.rec_headers["WARC-Payload-Digest"]
    assert again["WARC-Refers-To"] == record.rec_headers["WARC-Record-ID"]
    assert again["WARC-Refers-To-Target-URI"] == first.document.url
    assert again["WARC-Refers-To-Date"] == record.rec_headers["WARC-Date"]
    assert (revisit[0].http_headers.get_statuscode(), revisit[1]) == ("203", b"")
    ids = {record.rec_headers["WARC-Record-ID"] for record, _ in read(path)}
    assert len(ids) == 5


def test_each_record_is_a_gzip_member_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, (entry("a", BODY), BODY))
    with path.open("rb") as file:
        archive = ArchiveIterator(file)
        places = [archive.get_record_offset() for _ in archive]
    whole = path.read_bytes()
    for start, end in zip(places, [*places[1:], len(whole)], strict=True):
        assert gzip.decompress(whole[start:end]).startswith(b"WARC/1.1\r\n")


def test_the_same_documents_make_the_same_bytes(tmp_path: Path) -> None:
    pages = [(entry(name, name.encode()), name.encode()) for name in "abcabc"]
    first = written(tmp_path / "first", *pages).read_bytes()
    assert written(tmp_path / "second", *pages).read_bytes() == first


def test_what_is_not_known_is_left_out_and_the_date_is_that_of_the_text(tmp_path: Path) -> None:
    bare = entry("a", BODY, StoredResponse(), changed_at=NOON)
    record, _ = read(written(tmp_path, (bare, BODY)))[1]
    assert record.http_headers.headers == [("Content-Length", str(len(BODY)))]
    assert record.rec_headers["WARC-Date"] == moment(NOON)


@given(st.text(), st.text(), st.text(), st.text(), st.integers(100, 999))
def test_no_value_breaks_out_of_its_header(
    media: str, charset: str, etag: str, modified: str, status: int
) -> None:
    head = http_head(StoredResponse(status, media, charset, etag, modified), 0)
    names = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]
    assert set(names) <= {b"Content-Type", b"ETag", b"Last-Modified", b"Content-Length", b""}
    assert head.count(b"\r\n\r\n") == 1 and head.endswith(b"\r\n\r\n")
    assert head.count(b"\n") == head.count(b"\r\n") == len(names)


def test_a_large_body_is_whole(tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    _, (_, found), _ = read(written(tmp_path, (replace(entry("a", body)), body)))
    assert found == body
