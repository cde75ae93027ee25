"""Documents as JSON Lines."""

from __future__ import annotations

import re

import msgspec

from atlas.domain.exported_document import ExportedDocument

_ENCODER = msgspec.json.Encoder()
# Valid in JSON as they are, but: C1 controls and DEL control a terminal, and U+2028 and U+2029 end
# a line for many readers of lines.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def json_line(document: ExportedDocument) -> bytes:
    """One line, its end included. Times are ISO 8601 in UTC."""
    return _UNSAFE.sub(_escaped, _ENCODER.encode(document)) + b"\n"


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())
