"""A shell that types what a page says, as its reader would."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Self

_END = "\x1eended:"


@dataclass(frozen=True)
class Typed:
    """A command and what came of it; stdout and stderr as they were mixed."""

    code: int
    output: str


class Shell:
    """One bash for a whole page: what a command exports, activates or starts stays."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "PS1": "", "TERM": "dumb"}
        self._lines: Queue[str] = Queue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What a page started with & is of its shell's group.
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(100)
        self._reading.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def type(self, line: str, timeout: float) -> Typed:
        """Run one command, and wait for its end."""
        assert self._process.stdin is not None
        # Without this a command would read the commands after it.
        self._process.stdin.write(f"{{ {line}\n}} < /dev/null\nprintf '{_END}%d\\n' $?\n")
        self._process.stdin.flush()
        return self._until_the_end(timeout)

    def _until_the_end(self, timeout: float) -> Typed:
        output = ""
        while True:
            try:
                said = self._lines.get(timeout=timeout)
            except Empty:
                raise AssertionError(f"no end after {timeout:g} s of silence: {output}") from None
            before, mark, code = said.partition(_END)
            output += before
            if mark:
                return Typed(int(code), output)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(f"{_END}255")
