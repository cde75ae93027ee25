"""Another user for PostgreSQL when Atlas runs as root: PostgreSQL refuses root.

Nothing is created on the system: it borrows an account that every system has (`nobody`), by number.
Often that user cannot reach the home (`/root` is 0700) or the wheel (a virtual environment below
it). Then its processes keep one Linux capability: dac_read_search, which lets them pass through and
read folders that their user could not, or dac_override if others may not run a program's file or
the container withholds the first one. launch.py does this.
"""

import os
import pwd
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.child_environment import allowed
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.launch import CAPABILITIES
from atlas.embedded.launch import __file__ as launcher
from atlas.embedded.process_identity import LINUX

_BORROWED = ("nobody", "daemon", "bin")


@dataclass(frozen=True)
class Account:
    """The user a process runs as, and the one capability it keeps, if any."""

    user: int
    group: int
    capability: str | None = None

    def options(self) -> list[str]:
        """The launcher's options for this account."""
        options = ["--user", str(self.user), "--group", str(self.group)]
        return options if self.capability is None else [*options, "--capability", self.capability]


def account_for(data: Path, reached: list[Path], programs: list[Path]) -> Account | None:
    """Who PostgreSQL runs as; None means the current user, which is the case for everyone but root.

    `data` is the data directory: if it exists, its owner is the answer. `reached` are folders which
    that user must be able to enter, `programs` files it must be able to run.

    Raises:
        EmbeddedError: the data belongs to somebody else, or no account fits.
    """
    owner = _owner(data)
    if os.geteuid() != 0:
        if owner is not None and owner.pw_uid != os.geteuid():
            raise EmbeddedError(
                f"{data} belongs to user {owner.pw_name}",
                "Run as the user who made this home, or set ATLAS_HOME to another folder",
            )
        return None
    entry = owner if owner is not None and owner.pw_uid != 0 else _borrowed()
    needed = _needed_capability(entry.pw_uid, entry.pw_gid, reached, programs)
    return Account(entry.pw_uid, entry.pw_gid, needed)


def give(folder: Path, account: Account | None) -> None:
    """Make `folder` (0700) if it is missing, and have the account own it.

    Raises:
        EmbeddedError: it cannot be made, or somebody else put something there.
    """
    try:
        if not folder.is_symlink():
            folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        mine = {os.geteuid(), os.geteuid() if account is None else account.user}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in mine:
            raise EmbeddedError(
                f"{folder} was not created by Atlas", "Remove it, or set ATLAS_HOME to another path"
            )
        folder.chmod(0o700)
        if account is not None:
            os.chown(folder, account.user, account.group)
    except OSError as error:
        raise from_os_error("prepare", folder, error) from error


def shim(
    command: list[str], account: Account | None, death_signal: signal.Signals | None = None
) -> list[str]:
    """`command` through launch.py: as `account`, and tied to this process by `death_signal`."""
    options = [] if account is None else account.options()
    if death_signal is not None:
        options += ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal))]
    return [sys.executable, "-I", "-S", launcher, *options, "--", *command]


def enclosing(command: list[str]) -> list[str]:
    """`command` through launch.py, in a network of its own."""
    return [sys.executable, "-I", "-S", launcher, "--own-network", "--", *command]


def not_enclosable() -> str | None:
    """Why this system lets nothing of ours run in a network of its own; None where it does."""
    if not LINUX:
        return "it takes Linux"
    tried = subprocess.run(  # noqa: S603
        enclosing([]),
        capture_output=True,
        text=True,
        check=False,
        env=allowed(os.environ),
    )
    said = tried.stderr.strip().splitlines()[-1:] or ["no reason was given"]
    return None if tried.returncode == 0 else said[0].removeprefix("atlas: ")


def _owner(path: Path) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(path.stat().st_uid)
    except FileNotFoundError:
        return None
    except (OSError, KeyError) as error:
        raise EmbeddedError(
            f"Cannot determine who owns {path}", "Run as the user who made this home"
        ) from error


def _borrowed() -> pwd.struct_passwd:
    for name in _BORROWED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and there is no user {', '.join(_BORROWED)}",
        "Run Atlas as an ordinary user, or set ATLAS_DATABASE_URL to a PostgreSQL of your own",
    )


def _needed_capability(
    user: int, group: int, reached: list[Path], programs: list[Path]
) -> str | None:
    runnable = all(_allows(path, user, group, 0o5) for path in programs)
    closed = [path for path in [*reached, *programs] if not _passable(path.parent, user, group)]
    if runnable and not closed:
        return None
    wanted = ["dac_read_search", "dac_override"] if runnable else ["dac_override"]
    held = _held_capabilities()
    for name in wanted:
        if LINUX and held >> CAPABILITIES[name] & 1:
            return name
    where = closed[0] if closed else programs[0]
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and user {user} cannot reach {where}",
        "Set ATLAS_HOME to a folder under a path that every user may pass (such as /srv/atlas), "
        "run Atlas as an ordinary user, or set ATLAS_DATABASE_URL",
    )


def _passable(folder: Path, user: int, group: int) -> bool:
    resolved = folder.resolve()
    return all(_allows(part, user, group, 0o1) for part in [resolved, *resolved.parents])


def _allows(path: Path, user: int, group: int, bits: int) -> bool:
    """Whether the mode of `path` grants `bits` (4 read, 1 run or pass); ACLs are not read."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return True  # not created yet: we will create it with a mode that allows this
    mode = stat.S_IMODE(found.st_mode)
    shift = 6 if found.st_uid == user else 3 if found.st_gid == group else 0
    return (mode >> shift) & bits == bits


def _held_capabilities() -> int:
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0
