"""The one error of the embedded stack: what went wrong, and how to fix it.

Every problem that a person can fix (full disk, a home that is a file, a missing wheel) becomes an
`EmbeddedError`; the CLI prints it without a traceback.
"""

import errno
from pathlib import Path


class EmbeddedError(Exception):
    """A fault of the embedded stack that a person can fix."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message}. {mend}")
        self.message = message
        self.mend = mend


_MENDS = {
    errno.ENOSPC: "Free some space on that disk, or set ATLAS_HOME to a folder on another one",
    errno.EDQUOT: "Your quota is used up: free some space, or set ATLAS_HOME to another disk",
    errno.EROFS: "That disk is read-only: set ATLAS_HOME to a folder you may write",
    errno.EACCES: "Set ATLAS_HOME to a folder you own, or run as the user who owns this one",
    errno.EPERM: "Set ATLAS_HOME to a folder you own, or run as the user who owns this one",
    errno.ENOTDIR: "A part of that path is a file: set ATLAS_HOME to a folder",
    errno.EEXIST: "That path is a file: set ATLAS_HOME to a folder",
    errno.ENAMETOOLONG: "Set ATLAS_HOME to a shorter path",
}


def from_os_error(action: str, path: Path, error: OSError) -> EmbeddedError:
    """The `EmbeddedError` that explains an `OSError` raised while doing `action` on `path`."""
    reason = error.strerror or type(error).__name__
    mend = _MENDS.get(error.errno or 0, "Fix that, or set ATLAS_HOME to another folder")
    return EmbeddedError(f"Cannot {action} {path}: {reason}", mend)
