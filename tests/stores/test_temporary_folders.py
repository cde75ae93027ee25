"""A killed process cannot remove its temporary folder; whoever makes the next one does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atlas.stores.temporary_folders import locked_folder, remove_left

_HOLDER = """
import os, time
from atlas.stores.temporary_folders import locked_folder
with locked_folder("atlas-some-") as folder:
    (folder / "draft").write_bytes(b"x" * 1000)
    os.utime(folder, (0, 0))
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(here: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        theirs = Path(holder.stdout.readline().strip())
        with locked_folder("atlas-some-") as mine:
            assert sorted(here.iterdir()) == sorted([mine, theirs])
        holder.kill()
        holder.wait()
    assert list(here.iterdir()) == [theirs]
    with locked_folder("atlas-some-") as mine:
        assert list(here.iterdir()) == [mine]
    assert list(here.iterdir()) == []


def test_only_old_folders_of_that_name_go(here: Path) -> None:
    long_ago = (time.time() - 200.0,) * 2
    elsewhere = here / "elsewhere"
    for name in ("atlas-some-old", "atlas-some-new", "atlas-other", "elsewhere"):
        (here / name).mkdir()
        (here / name / "file").touch()
    for name in ("atlas-some-old", "atlas-other", "elsewhere"):
        os.utime(here / name, long_ago)
    (here / "atlas-some-link").symlink_to(elsewhere)
    (here / "atlas-some-file").touch()
    os.utime(here / "atlas-some-file", long_ago)
    remove_left("atlas-some-", older_than=100.0)
    left = {each.name for each in here.iterdir()}
    assert left == {"atlas-some-new", "atlas-other", "elsewhere"} | {
        *("atlas-some-link", "atlas-some-file")
    }
    assert (elsewhere / "file").exists()
