"""The Chromium of this machine, for tests that need one; where there is none they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FOUND = os.environ.get("ATLAS_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
needs_chromium = pytest.mark.skipif(
    FOUND is None,
    reason="no Chromium on this machine: install one, or name it in ATLAS_BROWSER",
)


SANDBOX = os.geteuid() != 0
"""Chromium has none when root starts it; `tests/web/browser/test_sandbox.py` then does as somebody
else."""


def settings(**more: str) -> dict[str, str]:
    """What makes a worker render."""
    sandbox = str(SANDBOX).lower()
    return {"ATLAS_BROWSER": FOUND or "", "ATLAS_BROWSER_SANDBOX": sandbox, **more}


def processes(mark: str) -> Iterator[psutil.Process]:
    """Those of browsers and their keepers whose command line names `mark`."""
    for process in with_mark(mark):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if "chrom" in line or "browser_keeper" in line:
            yield process


def with_children(mark: str) -> list[psutil.Process]:
    """The same, and all processes below them."""
    found = list(processes(mark))
    for each in list(found):
        with suppress(psutil.Error):  # it has ended meanwhile
            found += each.children(recursive=True)
    return found


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def with_mark(mark: str) -> list[psutil.Process]:
    """All processes whose command line names `mark`, but this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found
