"""Archives are read to their end, whoever wrote them and whatever is broken in them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from atlas.domain.archive_records import ArchiveProblem, ArchiveRecord, ArchiveRefused
from atlas.formats import warc_reader
from atlas.formats.warc_reader import read_archive

BODIES = [f"<p>Body {number} of the archive.</p>".encode() * 9 for number in range(6)]


def read(data: bytes, most: int = 1 << 20) -> list[ArchiveRecord | ArchiveProblem]:
    return list(read_archive(io.BytesIO(data), lambda head: most))


def said(data: bytes) -> list[str]:
    """Of each record its address, of each problem its offset."""
    return [
        each.head.headers["warc-target-uri"].rpartition("/")[2]
        if isinstance(each, ArchiveRecord)
        else f"!{each.offset}"
        for each in read(data)
    ]


def record(name: str, body: bytes, **headers: str) -> bytes:
    fields = {
        "WARC-Type": "resource",
        "WARC-Target-URI": f"https://example.org/{name}",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return f"WARC/1.0\r\n{lines}\r\n".encode() + body + b"\r\n\r\n"


def members(*records: bytes) -> list[bytes]:
    return [gzip.compress(each, mtime=0) for each in records]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio's files
@pytest.mark.parametrize("zipped", [True, False])
def test_what_warcio_writes_is_read(zipped: bool) -> None:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=zipped)
    for number, body in enumerate(BODIES):
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        uri = f"https://example.org/{number}"
        writer.write_record(
            writer.create_warc_record(uri, "response", io.BytesIO(body), http_headers=head)
        )
    found = read(out.getvalue())
    assert [each.block.partition(b"\r\n\r\n")[2] for each in found] == BODIES
    assert [each.head.kind for each in found] == ["response"] * 6
    assert found[0].head.offset == 0
    assert out.getvalue()[found[3].head.offset :][:2] == (b"\x1f\x8b" if zipped else b"WA")


def test_only_what_is_wanted_of_a_block_is_kept() -> None:
    for data in (ARCHIVE, ZIPPED, gzip.compress(ARCHIVE)):
        assert [found.block for found in read(data, 10)] == [body[:10] for body in BODIES]
        assert [found.block for found in read(data)] == BODIES


BREAK: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("no length", lambda data: data.replace(b"Content-Length", b"Content-Breadth")),
    ("a length that is none", lambda data: data.replace(b"Length: ", b"Length: -")),
    ("a length beyond the end", lambda data: data.replace(b"Length: ", b"Length: 9999")),
    ("no colon", lambda data: data.replace(b"WARC-Type:", b"WARC-Type")),
    ("another version line", lambda data: data.replace(b"WARC/1.0", b"WORK/1.0")),
    ("a long header", lambda data: data.replace(b"resource", b"x" * 70_000)),
    ("many headers", lambda data: data.replace(b"WARC-Type", b"A: b\r\n" * 300 + b"WARC-Type")),
    ("no end of headers", lambda data: data[:40]),
]


@pytest.mark.parametrize(("what", "broken"), BREAK)
def test_a_broken_record_is_named_and_the_rest_is_read(
    what: str, broken: Callable[[bytes], bytes]
) -> None:
    records = [record(name, body) for name, body in zip("abc", BODIES, strict=False)]
    records[1] = broken(records[1])
    zipped = members(*records)
    assert said(b"".join(zipped)) == ["a", f"!{len(zipped[0])}", "c"], what
    if what not in ("a length beyond the end", "no end of headers"):
        assert said(b"".join(records)) == ["a", f"!{len(records[0])}", "c"], what


@pytest.mark.parametrize("at", [0.2, 0.5, 0.95])
def test_behind_damaged_gzip_data_the_next_member_is_found(at: float) -> None:
    zipped = members(*(record(name, body) for name, body in zip("abc", BODIES, strict=False)))
    middle = bytearray(zipped[1])
    middle[int(len(middle) * at)] ^= 0xFF
    data = zipped[0] + bytes(middle) + zipped[2]
    assert said(data) == ["a", f"!{len(zipped[0])}", "c"]
    assert said(zipped[0] + b"garbage!" * 9 + zipped[2]) == ["a", f"!{len(zipped[0])}", "c"]
    cut = zipped[0] + zipped[2][:-20]
    assert said(cut) == ["a", f"!{len(zipped[0])}"]


def test_a_page_cannot_make_up_records() -> None:
    forged = record("forged", b"Believe me.")
    for body in (forged, b"x\r\n\r\n" + forged, gzip.compress(forged, 0)):
        data = record("page", body) + record("next", b"y")
        assert said(data) == ["page", "next"]
        assert said(b"".join(members(record("page", body), record("next", b"y")))) == [
            "page",
            "next",
        ]
    # Nor where the record that it is in has no length, if each has a member of its own.
    broken = record("page", forged).replace(b"Content-Length", b"X", 1)
    assert said(b"".join(members(broken, record("next", b"y")))) == ["!0", "next"]
    # Nor where the file ends within it.
    assert said(record("page", forged + b"x" * 99)[:-30]) == ["!0"]


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc_reader, "MAX_SKIPPED", 1 << 20)
    bomb = record("bomb", b"\0" * (50 << 20))
    unpacked = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, bits: int) -> None:
            self._stream = real(bits)

        def decompress(self, data: bytes, size: int) -> bytes:
            nonlocal unpacked
            found = self._stream.decompress(data, size)
            unpacked += len(found)
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    first, middle, last = members(record("a", b"x"), bomb, record("c", b"y"))
    found = list(read_archive(io.BytesIO(first + middle + last), lambda head: 1000))
    assert [type(each) for each in found] == [ArchiveRecord, ArchiveProblem, ArchiveRecord]
    assert "claims 52428800 bytes" in str(found[1])
    assert unpacked < 4 << 20
    # One that says less than it is.
    liar = gzip.compress(record("b", b"x") + b"\0" * (50 << 20))
    unpacked = 0
    kinds = [type(each) for each in read_archive(io.BytesIO(first + liar + last), lambda head: 9)]
    assert kinds[0] is ArchiveRecord and kinds[-1] is ArchiveRecord
    assert ArchiveProblem in kinds


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x1f\x8b", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveRefused, match="begins neither"):
        read(data)


def test_a_file_without_end_of_problems_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc_reader, "MAX_PROBLEMS_IN_A_ROW", 5)
    with pytest.raises(ArchiveRefused, match="5 records in a row"):
        read(b"WARC/1.0\r\nx\r\n" * 20)


ARCHIVE = b"".join(record(str(number), body) for number, body in enumerate(BODIES))
ZIPPED = b"".join(members(*(record(str(n), body) for n, body in enumerate(BODIES))))


@given(
    st.sampled_from([ARCHIVE, ZIPPED]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12)), max_size=4),
)
@settings(deadline=None)
def test_any_damage_leaves_a_file_that_is_read_to_its_end(
    data: bytes, damages: list[tuple[float, bytes]]
) -> None:
    broken = bytearray(data)
    for where, what in damages:
        at = int(where * len(broken))
        broken[at : at + len(what)] = what
    try:
        found = read(bytes(broken))
    except ArchiveRefused:
        return
    for each in found:
        if isinstance(each, ArchiveRecord):
            assert len(each.block) == each.head.length
        else:
            assert 0 <= each.offset <= len(broken) and each.reason
    if not damages:
        assert len(found) == 6
