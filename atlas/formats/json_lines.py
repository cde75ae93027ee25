"""Documents or chunks as JSON Lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import msgspec

from atlas.domain.export_entry import ExportEntry, records_of
from atlas.domain.export_parts import PartForm
from atlas.domain.exported_chunk import ExportedChunk
from atlas.domain.exported_document import ExportedDocument
from atlas.formats.compression import How, compressing

_ENCODER = msgspec.json.Encoder()
# Valid in JSON unescaped, but DEL and the C1 controls act on a terminal, and many line readers take
# U+2028 and U+2029 for the end of a line.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def json_line(record: ExportedDocument | ExportedChunk) -> bytes:
    """One line, including its end. Times are ISO 8601 in UTC."""
    return _UNSAFE.sub(_escaped, _ENCODER.encode(record)) + b"\n"


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


class JsonLinesPart:
    """A `PartWriter`: one file."""

    def __init__(self, form: PartForm, folder: Path, name: str) -> None:
        self._draft, self._name, self._form = folder / name, name, form
        self._file = self._draft.open("wb")
        self._stream = compressing(self._file, cast(How, form.compress))
        self.records = 0

    def wants_body(self, entry: ExportEntry) -> bool:
        return False

    def add(self, entry: ExportEntry, body: bytes | None = None) -> None:
        for record in records_of(entry, self._form.what, self._form.chunk_size):
            self._stream.write(json_line(record))
            self.records += 1

    def close(self) -> list[tuple[Path, str]]:
        self._stream.close()
        self._file.close()
        return [(self._draft, self._name)]
