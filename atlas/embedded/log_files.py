"""The parts' output: written to `<home>/logs/NAME.log`, of bounded size, and passed on."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from atlas.embedded.errors import from_os_error

Listener = Callable[[str, str], None]
"""Called with the name of a part and one line of its output."""

MAX_BYTES = 10 * 1024 * 1024
KEPT = 3
_LINE_BYTES = 32 * 1024
_TAIL = 20


class PartLog:
    """The log of one part: NAME.log, and the older NAME.log.1 to NAME.log.3."""

    def __init__(self, folder: Path, name: str, listener: Listener) -> None:
        self.path = folder / f"{name}.log"
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self.quiet = False
        self._name = name
        self._listener = listener
        try:
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise from_os_error("write", self.path, error) from error

    def write(self, line: bytes) -> None:
        """Keep one line, given without its line feed. A full disk loses the log, never the part."""
        text = line.decode(errors="replace")
        self.tail.append(text)
        try:
            self._file.write(line + b"\n")
            if self._file.tell() > MAX_BYTES:
                self._rotate()
        except OSError:
            pass
        if not self.quiet:
            self._listener(self._name, text)

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Write every line of the stream until it ends; a longer line is cut at 32 KiB."""
        rest = b""
        while chunk := await stream.read(_LINE_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.write(line.rstrip(b"\r"))
            if len(rest) > _LINE_BYTES:
                self.write(rest)
                rest = b""
        if rest:
            self.write(rest)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEPT, 0, -1):
            older = self.path.with_suffix(f".log.{number}")
            newer = self.path if number == 1 else self.path.with_suffix(f".log.{number - 1}")
            if newer.exists():
                newer.replace(older)
        self._file = self.path.open("ab", buffering=0)
