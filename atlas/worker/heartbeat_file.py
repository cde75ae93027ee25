"""Heartbeat files, read by `atlas worker --healthcheck` and the embedded stack's supervisor: each
worker renews one while it works.

The file is written from the worker's event loop, after Temporal confirmed that it hears the worker
on each queue, and PostgreSQL answered it. So a process that hangs lets it grow old, and one that
has lost either of them says so. Reading it costs no import of the Temporal SDK, whose second every
ten seconds would be a tenth of a core. Ages are by the monotonic clock, which all processes of a
machine share.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from atlas.embedded.process_identity import ProcessId, identify

STALE_AFTER = 20.0
"""Seconds without renewal after which a worker counts as hanging; it renews every five at most."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What one worker last wrote about itself."""

    process: ProcessId
    identity: str
    """Its name in Temporal."""
    queues: tuple[str, ...]
    renewed: float
    """On the monotonic clock, seconds."""
    trouble: str | None
    """Why it does no work; None: it does."""

    def well(self, now: float) -> bool:
        """Whether the worker is alive and at work."""
        return self.trouble is None and self.fresh(now)

    def says(self, now: float) -> str:
        """One line: what it does, or what is wrong."""
        age = now - self.renewed
        if not self.fresh(now):
            hangs = "its event loop is blocked, or the process is stopped"
            return f"{self.identity} has given no sign for {age:.0f} s: {hangs}"
        if self.trouble is not None:
            return f"{self.identity}: {self.trouble}"
        return f"{self.identity} works on {', '.join(self.queues)}; sign {age:.0f} s old"

    def fresh(self, now: float) -> bool:
        """Whether the worker renewed it lately, be it to tell of trouble."""
        # A time ahead of ours was written before the machine last started.
        return 0 <= now - self.renewed <= STALE_AFTER


class SignFile:
    """The file of the worker in this process."""

    def __init__(self, identity: str, queues: tuple[str, ...]) -> None:
        process = identify(os.getpid())
        assert process is not None  # it is we
        self._process = process
        self._identity = identity
        self._queues = queues
        self._path = folder() / f"{process.pid}.json"

    def renew(self, trouble: str | None) -> None:
        """Say that the worker lives and works, or what keeps it from working. Raises OSError."""
        sign = Sign(self._process, self._identity, self._queues, time.monotonic(), trouble)
        _make_own(self._path.parent)
        part = self._path.with_suffix(".new")
        part.write_text(json.dumps(asdict(sign)), encoding="utf-8")
        part.replace(self._path)

    def remove(self) -> None:
        """Remove the file: the worker ends."""
        with suppress(OSError):
            self._path.unlink()


def folder() -> Path:
    """Where workers of this user on this machine, or in this container, write their signs."""
    return Path(tempfile.gettempdir()) / f"atlas-workers-{os.getuid()}"


def _make_own(path: Path) -> None:
    """Make the folder; raise PermissionError where somebody else has made it before us: what lies
    in it, or where it leads to, would be theirs to choose."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} is no folder of this user; remove it")


def signs() -> list[Sign]:
    """The signs of the workers that run here, without what killed ones left behind."""
    found = [_read(path) for path in sorted(folder().glob("*.json"))]
    return [sign for sign in found if sign is not None and sign.process.alive]


def hangs(pid: int) -> bool:
    """Whether the worker of that pid gave signs and has ceased to. One that never gave any does
    not: it may be unable to write them."""
    sign = _read(folder() / f"{pid}.json")
    return sign is not None and sign.process.alive and not sign.fresh(time.monotonic())


def _read(path: Path) -> Sign | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        process = ProcessId(int(told["process"]["pid"]), str(told["process"]["started"]))
        return Sign(
            process=process,
            identity=str(told["identity"]),
            queues=tuple(map(str, told["queues"])),
            renewed=float(told["renewed"]),
            trouble=None if told["trouble"] is None else str(told["trouble"]),
        )
    # Removed in between, or not one of these files
    except (OSError, ValueError, KeyError, TypeError):
        return None
