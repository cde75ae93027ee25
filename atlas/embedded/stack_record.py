"""The record of a home's stack, written to `<home>/stack.json` for every other command.

The file is replaced as a whole (written to a new file, fsync, rename), so a reader sees the state
before or after a change, never half of it. It holds no secret. `<home>/stack.lock` says who
supervises the home: the lock keeps a second supervisor out, and the identity in it (pid and start
mark) shows others which process that is.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.process_identity import ProcessId, identify
from atlas.private_files import tighten

State = Literal["starting", "ready", "stopping", "stopped"]
_FORMAT = 1


@dataclass
class PartRecord:
    """One process of the stack: who it is, where it answers, since when (Unix seconds)."""

    pid: int
    started: str
    address: str
    since: float

    @property
    def process(self) -> ProcessId:
        """Its identity beyond the pid."""
        return ProcessId(self.pid, self.started)


@dataclass
class Stack:
    """The stack of one home as last recorded. Parts that are external are None or absent."""

    home: Path
    state: State = "stopped"
    database_url: str | None = None
    temporal_address: str | None = None
    ui_url: str | None = None
    temporal_secrets: str | None = None
    """The folder of what Temporal's clients need to be admitted; None where everybody is."""
    supervisor: ProcessId | None = None
    """Who recorded this; None: an Atlas that did not yet say so."""
    ports: dict[str, int] = field(default_factory=dict)
    parts: dict[str, PartRecord] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether a supervisor is running for this home."""
        return supervisor_of(self.home) is not None

    @property
    def ready(self) -> bool:
        """Whether everything has started. A supervisor that was killed leaves "ready" behind, and
        it stays until the next one has ended what still ran: that is not the next one's word."""
        holder = supervisor_of(self.home)
        ours = holder is not None and self.supervisor in (None, holder)
        return ours and self.state == "ready"

    def write(self) -> None:
        """Replace `<home>/stack.json`.

        Raises:
            EmbeddedError: the home cannot be written.
        """
        path = self.home / "stack.json"
        content = {"format": _FORMAT, **asdict(self)}
        del content["home"]
        try:
            _replace(path, json.dumps(content, indent=2) + "\n")
        except OSError as error:
            raise from_os_error("write", path, error) from error


def read_stack(home: Path) -> Stack | None:
    """The recorded stack of `home`; None when there never was one, or the record is unreadable."""
    try:
        content = json.loads((home / "stack.json").read_text())
        if content.pop("format") != _FORMAT:
            return None
        known = {item.name for item in fields(Stack)}
        parts = {name: PartRecord(**value) for name, value in content.pop("parts").items()}
        recorder = content.pop("supervisor", None)
        return Stack(
            home=home,
            parts=parts,
            supervisor=None if recorder is None else ProcessId(**recorder),
            **{k: v for k, v in content.items() if k in known},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class HomeLock:
    """The right to supervise a home. However its holder dies, the kernel releases it."""

    def __init__(self, home: Path) -> None:
        self._path = home / "stack.lock"
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another process holds it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error("open", self._path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        me = identify(os.getpid())
        assert me is not None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(me)).encode(), 0)
        return True

    def in_place(self) -> bool:
        """Whether we hold the lock and its file is still the one that others would open."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def supervisor_of(home: Path) -> ProcessId | None:
    """The live process that supervises `home`, or None.

    Read, not locked: a reader that held the lock even briefly would make an `atlas up` fail.
    """
    try:
        holder = ProcessId(**json.loads((home / "stack.lock").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return holder if holder.alive else None


def prepare_home(home: Path) -> None:
    """Make the home folder, and close it to others, with everything that is in it.

    Raises:
        EmbeddedError: it is a file, or cannot be made or written.
    """
    try:
        # Others may pass through root's home but not read it: PostgreSQL's user must get through.
        through = [home, home / "postgres"] if os.geteuid() == 0 else []
        fresh = not home.exists()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if fresh and through:
            home.chmod(0o711)  # whatever the umask
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
        tighten(home, *through, levels=2)
    except OSError as error:
        raise from_os_error("make", home, error) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise EmbeddedError(
            f"{home} cannot be written",
            "Set ATLAS_HOME to a folder you own, or run as the user who owns this one",
        )


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
