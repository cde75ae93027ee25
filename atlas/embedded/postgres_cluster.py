"""A PostgreSQL cluster that may still run although its supervisor is gone.

Needs no installation of PostgreSQL, so `atlas down` works even after the wheel was removed.
"""

import hashlib
import os
import signal
import subprocess
from pathlib import Path

from atlas.domain.child_environment import allowed
from atlas.embedded import process_identity
from atlas.embedded.process_identity import ProcessId

PORT = 5432
"""Only names the socket's file: PostgreSQL listens on no port."""
_SOCKET_PATH_LIMIT = 103  # bytes; sun_path holds 108 on Linux, 104 on macOS
# Short, and on every system; the folder made there is 0700.
_TEMPORARY = Path("/tmp")  # noqa: S108
_STOP_SECONDS = 30.0
_ORPHANS_SECONDS = 2.0


def socket_folder(folder: Path) -> Path:
    """The folder of the cluster's socket: its own, or a private one if that path is too long."""
    inside = folder / "run"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return _TEMPORARY / f"atlas-{os.geteuid()}-{digest}"


def end_cluster(folder: Path) -> bool:
    """End a postmaster whose parent died, and backends whose postmaster died; whether any ran.

    Only processes proven to work on this data directory are touched. Then the lock files go: they
    name a dead process, or after a reboot somebody else's, and PostgreSQL takes any live process of
    that pid, even a zombie, for a running server.
    """
    data = folder / "data"
    if not data.exists():
        return False
    postmaster = _lock_file_pid(data)
    proven = _proven(data, postmaster)
    found = bool(proven)
    if postmaster in proven:
        process_identity.end(proven.pop(postmaster), signal.SIGINT, _STOP_SECONDS)
    for orphan in proven.values():
        # A backend notices the death of its postmaster unless it is busy.
        process_identity.end(orphan, signal.SIGQUIT, _ORPHANS_SECONDS)
    for lock in (data / "postmaster.pid", socket_folder(folder) / f".s.PGSQL.{PORT}.lock"):
        lock.unlink(missing_ok=True)
    return found


def clear_cluster(folder: Path) -> bool:
    """`end_cluster`, and remove a socket folder that is not in `folder`; whether any ran."""
    found = end_cluster(folder)
    sockets = socket_folder(folder)
    if sockets.parent != folder and sockets.is_dir() and not sockets.is_symlink():
        for entry in sockets.iterdir():
            entry.unlink()
        sockets.rmdir()
    return found


def _proven(data: Path, postmaster: int | None) -> dict[int, ProcessId]:
    """Processes proven to work on the data directory: by their own working directory on Linux."""
    pids = process_identity.working_in(data, "postgres")
    if (
        not process_identity.LINUX
        and postmaster is not None
        and _named_by_command(postmaster, data)
    ):
        pids = [postmaster]
    known = {pid: process_identity.identify(pid) for pid in pids}
    return {pid: process for pid, process in known.items() if process is not None}


def _lock_file_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _named_by_command(pid: int, data: Path) -> bool:
    said = subprocess.run(  # noqa: S603
        ["/bin/ps", "-p", str(pid), "-o", "command="],
        capture_output=True,
        text=True,
        check=False,
        env=allowed(os.environ),
    )
    return f"-D {data} " in said.stdout
