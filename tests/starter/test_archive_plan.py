"""Which documents of an archive are taken over, from which record, and what is said of the rest."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
from typing import Any

import pytest

from atlas.domain.archive_records import ArchiveRefused
from starter import archive_plan
from starter.archive_plan import ArchivePlan, ArchivePlanner, planned_bodies

PAGE = b"<p>High water comes late.</p>"
SITE = "https://example.org"


def digest(body: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()


def answer(body: bytes, status: int = 200, media: str = "text/html", *lines: str) -> bytes:
    head = [f"HTTP/1.1 {status} x", f"Content-Type: {media}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def record(
    path: str, block: bytes, kind: str = "response", day: int = 1, **headers: str | None
) -> bytes:
    media = "application/http; msgtype=response" if kind in ("response", "revisit") else "text/html"
    fields: dict[str, str | None] = {
        "WARC-Type": kind,
        "WARC-Target-URI": path if ":" in path else SITE + path,
        "WARC-Date": f"2026-11-{day:02}T12:00:00Z",
        "Content-Type": media,
        "Content-Length": str(len(block)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(["WARC/1.1", *lines, "", ""]).encode() + block + b"\r\n\r\n"


def read(*records: bytes, most: int = 10_000) -> tuple[ArchivePlan, dict[str, tuple[bytes, Any]]]:
    """The plan, and of each address body and type; the same, however the file is packed."""
    found: list[tuple[ArchivePlan, dict[str, tuple[bytes, Any]]]] = []
    for data in (b"".join(records), b"".join(map(gzip.compress, records)),
                 gzip.compress(b"".join(records))):  # fmt: skip
        file = io.BytesIO(data)
        planner = ArchivePlanner()
        planner.read(file)
        plan = planner.planned()
        bodies = {
            each.url.removeprefix(SITE): (body, each.content_type)
            for body, documents in planned_bodies(file, plan, most)
            for each in documents
        }
        found.append((plan, bodies))
    assert found[0][1] == found[1][1] == found[2][1]
    assert found[0][0].passed_over == found[1][0].passed_over == found[2][0].passed_over
    assert found[0][0].unreadable == found[1][0].unreadable == found[2][0].unreadable
    return found[0]


def test_the_latest_capture_counts_wherever_it_stands() -> None:
    plan, bodies = read(
        record("/a", answer(b"second"), day=3),
        record("/a", answer(b"third"), day=5),
        record("/a", answer(b"first"), day=1),
        record("/b?utm_source=x#top", answer(PAGE)),
    )
    assert bodies == {"/a": (b"third", "text/html"), "/b": (PAGE, "text/html")}
    assert plan.passed_over == {"older capture of an address": 2}
    assert (plan.records, plan.documents, plan.unreadable) == (4, 2, 0)


def test_resources_are_bodies_and_other_records_are_passed_over() -> None:
    plan, bodies = read(
        record("/info", b"software: x", "warcinfo"),
        record("/a", b"GET / HTTP/1.1", "request"),
        record("/a", PAGE, "resource"),
        record("/b", PAGE, "conversion"),
        record("dns:example.org", b"x", "resource"),
        record("file:///etc/passwd", b"x", "resource"),
        record("/c", answer(b"gone", 404)),
        record("/d", answer(b"", 301)),
        record("/e", answer(b"png", 200, "image/png")),
        record("/f", answer(b"a{}", 200, "text/css")),
        record("/g", answer(PAGE), WARC_Segment_Number="1"),
    )
    assert bodies == {"/a": (PAGE, "text/html")}
    assert plan.passed_over == {
        "warcinfo record": 1,
        "request record": 1,
        "conversion record": 1,
        "address that is not http or https": 2,
        "answer that is no page": 2,
        "type that Atlas does not read": 2,
        "body in segments": 1,
    }
    assert plan.problems == []


def test_a_revisit_has_the_body_of_what_it_repeats() -> None:
    same = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    unchanged = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    payload = digest(PAGE)
    plan, bodies = read(
        record("/a", answer(PAGE, 200, "text/html; charset=latin1"), WARC_Payload_Digest=payload),
        record("/digest", answer(b"", 200, "text/plain"), "revisit", 2,
               WARC_Payload_Digest=payload, WARC_Profile=same),
        record("/bare", b"", "revisit", 2, WARC_Payload_Digest=payload.lower()),
        record("/named", b"", "revisit", 2, WARC_Refers_To_Target_URI=f"{SITE}/a",
               WARC_Refers_To_Date="2026-11-01T12:00:00.000Z"),
        record("/b", answer(b"body of b")),
        record("/b", answer(b"", 304), "revisit", 2, WARC_Profile=unchanged),
        record("/lost", answer(b""), "revisit", 2, WARC_Payload_Digest=digest(b"?")),
    )  # fmt: skip
    latin = "text/html; charset=latin1"
    assert bodies == {
        "/a": (PAGE, latin),
        "/digest": (PAGE, "text/plain"),
        "/bare": (PAGE, latin),
        "/named": (PAGE, latin),
        "/b": (b"body of b", "text/html"),
    }
    [lost] = plan.problems
    assert (lost.url, plan.unreadable) == (f"{SITE}/lost", 1)
    assert "is not in the archive" in lost.reason


def test_bodies_are_decoded() -> None:
    packed = answer(gzip.compress(PAGE), 200, "text/html", "Content-Encoding: gzip",
                    "Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT")  # fmt: skip
    plan, bodies = read(record("/a", packed))
    assert bodies["/a"][0] == PAGE
    [[document]] = plan.bodies.values()
    assert document.modified is not None and document.modified.day == 23


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (record("/x", answer(PAGE), WARC_Date="yesterday"), "WARC-Date"),
        (record("/x", answer(PAGE), WARC_Date=None), "WARC-Date"),
        (record("/x", answer(PAGE), WARC_Truncated="length"), "cut off"),
        (record("/x", b"<html>"), "no HTTP status line"),
        (record("/x", answer(PAGE), WARC_Block_Digest=digest(b"?")), "WARC-Block-Digest"),
        (record("/x", answer(b"x" * 100_000)), "larger than 10000 bytes"),
        (record("/x", b"x" * 10_001, "resource"), "larger than 10000 bytes"),
        (
            record("/x", answer(b"\x1f\x8bnonsense", 200, "text/html", "Content-Encoding: gzip")),
            "undecodable|Error",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_named_and_the_rest_is_taken(bad: bytes, why: str) -> None:
    before, after = record("/a", answer(PAGE)), record("/b", answer(PAGE))
    plan, bodies = read(before, bad, after)
    assert set(bodies) == {"/a", "/b"}
    [problem] = plan.problems
    assert (problem.offset, problem.url, plan.unreadable) == (len(before), f"{SITE}/x", 1)
    if why != "undecodable|Error":
        assert why in problem.reason


def test_digests_are_understood_however_they_are_spelled() -> None:
    block = answer(PAGE)
    spelled = [
        digest(block),
        f"sha1:{hashlib.sha1(block).hexdigest()}",
        f"SHA-256:{hashlib.sha256(block).hexdigest().upper()}",
        "sha256:" + base64.b32encode(hashlib.sha256(block).digest()).decode().rstrip("="),
        "blake3:whatever",
        "nonsense",
    ]
    plan, bodies = read(
        *(record(f"/{n}", block, WARC_Block_Digest=each) for n, each in enumerate(spelled))
    )
    assert (len(bodies), plan.problems) == (6, [])


def test_no_type_that_a_put_refuses_comes_through() -> None:
    types = ["text/html;charset=utf-8", "nonsense", "text/html; " + "x" * 300, ""]
    _, bodies = read(
        *(record(f"/{n}", answer(PAGE, 200, each)) for n, each in enumerate(types) if n != 1)
    )
    assert [content_type for _, content_type in bodies.values()] == [types[0], None, None]


def test_problems_and_kinds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_plan, "MOST_PROBLEMS", 3)
    monkeypatch.setattr(archive_plan, "MAX_ADDRESSES", 5)
    plan, _ = read(*(record(f"/{n}", b"no answer") for n in range(9)))
    assert (plan.unreadable, len(plan.problems)) == (9, 3)
    plan, _ = read(*(record(f"/{n}", b"", f"kind{n}") for n in range(60)))
    assert len(plan.passed_over) == 21 and plan.passed_over.total() == 60
    with pytest.raises(ArchiveRefused, match="more than 5 documents"):
        read(*(record(f"/{n}", answer(PAGE)) for n in range(6)))
    monkeypatch.setattr(archive_plan, "MAX_RECORDS", 5)
    with pytest.raises(ArchiveRefused, match="more than 5 records"):
        read(*(record(f"/{n}", b"", "request") for n in range(6)))


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_a_date_that_is_none_ends_no_import(date: str) -> None:
    late = "Last-Modified: Mon, 01 Jan 0001 00:00:00 +1400"
    plan, bodies = read(record("/a", answer(PAGE, 200, "text/html", late), WARC_Date=date))
    assert [body for body, _ in bodies.values()] in ([PAGE], [])
    assert len(bodies) + sum(plan.passed_over.values()) + len(plan.problems) == 1


def test_of_several_files_the_latest_capture_counts_and_a_revisit_finds_its_body() -> None:
    new, old = b"<p>The pier is open.</p>", b"<p>The pier is shut.</p>"
    files = [
        record("/pier", answer(new), day=2) + record("/tide", answer(PAGE), day=1,
               WARC_Payload_Digest=digest(PAGE)),
        record("/pier", answer(old), day=1) + record("/again", b"", "revisit", day=3,
               WARC_Payload_Digest=digest(PAGE)),
    ]  # fmt: skip
    for order in ((0, 1), (1, 0)):
        planner = ArchivePlanner()
        for number in order:
            planner.read(io.BytesIO(files[number]), f"{number}.warc")
        plan = planner.planned()
        found = {
            each.url.removeprefix(SITE): (body, each.archive)
            for place, number in enumerate(order)
            for body, documents in planned_bodies(io.BytesIO(files[number]), plan, 10_000, place)
            for each in documents
        }
        assert found == {
            "/pier": (new, "0.warc"), "/tide": (PAGE, "0.warc"), "/again": (PAGE, "1.warc"),
        }  # fmt: skip
        assert (plan.records, plan.problems) == (4, [])
        assert plan.passed_over == {"older capture of an address": 1}
