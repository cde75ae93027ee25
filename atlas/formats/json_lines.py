"""Documents as JSON Lines."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from atlas.domain.exported_document import ExportedDocument
from atlas.formats.compression import How, compressing

_ENCODER = msgspec.json.Encoder()
# Valid in JSON unescaped, but DEL and the C1 controls act on a terminal, and many line readers take
# U+2028 and U+2029 for the end of a line.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def json_line(document: ExportedDocument) -> bytes:
    """One line, including its end. Times are ISO 8601 in UTC."""
    return _UNSAFE.sub(_escaped, _ENCODER.encode(document)) + b"\n"


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


class JsonLinesPart:
    """A `PartWriter`: one file."""

    def __init__(self, folder: Path, name: str, compress: How) -> None:
        self._draft, self._name = folder / name, name
        self._file = self._draft.open("wb")
        self._stream = compressing(self._file, compress)

    def add(self, document: ExportedDocument) -> None:
        self._stream.write(json_line(document))

    def close(self) -> list[tuple[Path, str]]:
        self._stream.close()
        self._file.close()
        return [(self._draft, self._name)]
