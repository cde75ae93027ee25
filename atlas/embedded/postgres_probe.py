"""Whether a PostgreSQL server answers: the first words of its protocol, spoken without a library,
whose memory the supervisor would keep for as long as the stack runs."""

import asyncio
import struct
from pathlib import Path

CANNOT_CONNECT_NOW = "57P03"
"""SQLSTATE of a server that starts, recovers or shuts down."""
_PROTOCOL = 3 << 16
_GOODBYE = struct.pack("!ci", b"X", 4)


async def ask(path: Path, role: str, database: str) -> str | None:
    """Open a session by the socket `path` and end it: None, or the SQLSTATE of the refusal.

    Raises OSError and EOFError where nobody answers, ValueError where that is no PostgreSQL.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(_greeting(role, database))
        while True:
            # https://www.postgresql.org/docs/current/protocol-message-formats.html
            kind, length = struct.unpack("!ci", await reader.readexactly(5))
            content = await reader.readexactly(length - 4)
            if kind == b"E":
                return _sqlstate(content)
            if kind == b"Z":  # ready for a query; before that it would log that we hung up
                writer.write(_GOODBYE)
                return None
    finally:
        writer.close()


def _greeting(role: str, database: str) -> bytes:
    words = ("user", role, "database", database, "application_name", "atlas supervisor")
    content = b"".join(word.encode() + b"\0" for word in words) + b"\0"
    return struct.pack("!ii", len(content) + 8, _PROTOCOL) + content


def _sqlstate(fields: bytes) -> str:
    told = {field[:1]: field[1:].decode(errors="replace") for field in fields.split(b"\0")}
    return told.get(b"C", "")
