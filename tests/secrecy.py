"""What other users of the machine could read, and what a process knows of our environment."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import psutil

ODD_SECRETS = {
    "GITHUB_TOKEN": "hunter2-token",
    "MY_SITE_LOGIN": "hunter2-login",
    "password": "hunter2-lower-case",
    "PATH_TO_THE_SAFE": "hunter2-path",
    "LC_SECRET": "hunter2-locale",
    "PYTHON_KEYRING": "hunter2-python",
    "GOOGLE_APPLICATION_CREDENTIALS": "hunter2-google",
    "LD_KEY": "hunter2-linker",
    "AWS_SESSION_TOKEN": "hunter2-aws",
    "PGPASSWORD": "hunter2-postgres",
    "ATLAS_ALERT_WEBHOOK": "https://example.org/hunter2",
    "HTTPS_PROXY": "http://me:hunter2@127.0.0.1:1",
}
"""Variables with a secret each; no rule about names would catch them all."""
_MARK = "hunter2"


def told_a_secret(pids: Iterable[int]) -> dict[str, list[str]]:
    """The secrets above in the environments that the kernel shows, by process. Linux only."""
    found: dict[str, list[str]] = {}
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
            name = " ".join(psutil.Process(pid).cmdline())[:80]
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            continue  # it has ended
        known = [entry.partition("=")[0] for entry in text.split("\0") if _MARK in entry]
        if known:
            found[f"{pid} {name}"] = known
    return found


def open_to_others(folder: Path) -> list[str]:
    """What group or others may read, write or list; and what they may pass through or run, but for
    the folders that PostgreSQL's user passes when Atlas runs as root."""
    through = {folder, folder / "postgres"} if os.geteuid() == 0 else set()
    found = []
    for path in [folder, *folder.rglob("*")]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # removed meanwhile
        if stat.S_ISLNK(mode):
            continue
        if mode & (0o066 if path in through else 0o077):
            found.append(f"{stat.filemode(mode)} {path.relative_to(folder)}")
    return found
