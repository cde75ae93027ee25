"""Run a command, and start it again whenever the code below a folder changes.

Usage: reload.py FOLDER COMMAND…

Polls once a second instead of using kernel notifications, which do not work where the folder is
mounted from another system, as on a Mac. SIGTERM is passed to the command, and ends both.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

ROOMS = ("activities", "atlas", "starter", "workflows")
KINDS = (".py", ".sql", ".md", ".dat")


def sources(folder: Path) -> Iterator[tuple[str, int]]:
    """Each file of the code, with when it was changed."""
    yield "worker.py", (folder / "worker.py").stat().st_mtime_ns
    for room in ROOMS:
        for path in (folder / room).rglob("*"):
            if path.suffix in KINDS:
                with contextlib.suppress(FileNotFoundError):  # an editor's, gone again
                    yield str(path), path.stat().st_mtime_ns


def looked(folder: Path) -> dict[str, int] | None:
    """The state of the code; None while a file is being replaced."""
    try:
        return dict(sources(folder))
    except OSError:
        return None


def main(folder: Path, command: list[str]) -> int:
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopped:
        state = looked(folder)
        running = subprocess.Popen(command)  # noqa: S603
        while not stopped and looked(folder) in (state, None):
            time.sleep(1)  # a command that exited is restarted only by the next change
        if not stopped:
            sys.stderr.write("reload: the code has changed\n")
        running.send_signal(signal.SIGTERM)
        running.wait()
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
