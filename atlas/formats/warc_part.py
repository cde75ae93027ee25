"""Documents as WARC: the stored body of each as a `response`, and its text as a `conversion`. A
body that a browser made of a page is a `resource`: no server sent it.

A body that an earlier page of the same part has is a `revisit` of that one. No record refers to
another part, so that each file can be read by itself, and an erasure needs no other part rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, cast

from atlas.domain.export_entry import ExportEntry
from atlas.domain.export_parts import PartForm
from atlas.formats.compression import How, compressing
from atlas.formats.warc_records import (
    REVISIT_PROFILE,
    Headers,
    http_head,
    moment,
    payload_digest,
    record_id,
    write_record,
)

_INFO = """\
software: Atlas/{version}\r
format: WARC File Format 1.1\r
conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r
description: Bodies are as stored, after content decoding. Atlas keeps no requests and no raw \
headers: status lines and headers are rebuilt from status, media type, charset, ETag and \
Last-Modified. A resource is the HTML that a browser made of a page by running its scripts. A \
status that is not known any more is 200; a date that is not, when the page got \
its present text. A conversion is the text that Atlas extracted from the record it refers to.\r
"""


@dataclass(frozen=True, slots=True)
class _Written:
    """The response that first brought a body."""

    id: str
    url: str
    date: str
    length: int


class WarcPart:
    """A `PartWriter`: one file, each record of which is compressed by itself."""

    def __init__(self, form: PartForm, folder: Path, name: str) -> None:
        if form.as_of is None:
            raise ValueError("as_of: a WARC file is dated by the moment of the choice")
        self._draft, self._name, self._how = folder / name, name, cast(How, form.compress)
        self._file = self._draft.open("wb")
        self._bodies: dict[str, _Written] = {}
        self.records = 0
        info = [
            ("WARC-Type", "warcinfo"),
            ("WARC-Record-ID", record_id("warcinfo", form.as_of, name)),
            ("WARC-Date", moment(form.as_of)),
            ("Content-Type", "application/warc-fields"),
        ]
        self._write(info, _INFO.format(version=version("atlas-corpus")).encode())

    def wants_body(self, entry: ExportEntry) -> bool:
        return entry.response.rendered or entry.document.snapshot not in self._bodies

    def add(self, entry: ExportEntry, body: bytes | None = None) -> None:
        document = entry.document
        date = moment(entry.response.received_at or document.changed_at)
        if entry.response.rendered:
            self._write_text(entry, date, self._write_rendered(entry, date, body))
            return
        first = self._bodies.get(document.snapshot)
        kind = "response" if first is None else "revisit"
        identity = record_id(kind, document.url, date, document.snapshot)
        headers = [
            ("WARC-Type", kind),
            ("WARC-Record-ID", identity),
            ("WARC-Date", date),
            ("WARC-Target-URI", document.url),
            ("WARC-Payload-Digest", payload_digest(document.snapshot)),
            ("Content-Type", "application/http;msgtype=response"),
        ]
        if first is None:
            if body is None:
                raise ValueError(f"{document.url}: a response needs its body")
            self._bodies[document.snapshot] = _Written(identity, document.url, date, len(body))
            self._write(headers, http_head(entry.response, len(body)), body)
        else:
            refers = [
                ("WARC-Profile", REVISIT_PROFILE),
                ("WARC-Refers-To", f"<{first.id}>"),
                ("WARC-Refers-To-Target-URI", first.url),
                ("WARC-Refers-To-Date", first.date),
            ]
            self._write([*headers, *refers], http_head(entry.response, first.length))
        self._write_text(entry, date, identity)

    def close(self) -> list[tuple[Path, str]]:
        self._file.close()
        return [(self._draft, self._name)]

    def _write_rendered(self, entry: ExportEntry, date: str, body: bytes | None) -> str:
        document = entry.document
        if body is None:
            raise ValueError(f"{document.url}: a resource needs its body")
        identity = record_id("resource", document.url, date, document.snapshot)
        headers = [
            ("WARC-Type", "resource"),
            ("WARC-Record-ID", identity),
            ("WARC-Date", date),
            ("WARC-Target-URI", document.url),
            ("WARC-Payload-Digest", payload_digest(document.snapshot)),
            ("Content-Type", "text/html;charset=utf-8"),
        ]
        self._write(headers, body)
        return identity

    def _write_text(self, entry: ExportEntry, date: str, source: str) -> None:
        document = entry.document
        headers = [
            ("WARC-Type", "conversion"),
            ("WARC-Record-ID", record_id("conversion", document.url, date, document.text_hash)),
            ("WARC-Date", date),
            ("WARC-Target-URI", document.url),
            ("WARC-Refers-To", f"<{source}>"),
            ("Content-Type", "text/plain;charset=utf-8"),
        ]
        self._write(headers, document.text.encode())

    def _write(self, headers: Headers, *block: bytes) -> None:
        # A frame for each record lets readers begin at any of them.
        shown = [
            (name, f"<{value}>" if name == "WARC-Record-ID" else value) for name, value in headers
        ]
        stream: BinaryIO = compressing(self._file, self._how)
        write_record(stream, shown, *block)
        stream.close()
        self.records += 1
