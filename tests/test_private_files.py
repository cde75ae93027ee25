"""What Atlas keeps is its owner's alone, and what was open is closed."""

import os
from pathlib import Path

import pytest

from atlas.private_files import tighten
from atlas.stores.blobs.local import FolderBlobs
from tests.secrecy import open_to_others


@pytest.fixture
def open_umask() -> object:
    """The umask that hides nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def _opened(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)


@pytest.mark.usefixtures("open_umask")
def test_everything_of_an_old_home_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("stack.json", "logs/worker.log", "blobs/aa/bb/x.zst", "temporal/temporal.db"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("x")
    assert len(open_to_others(home)) == 10
    tighten(home, levels=2)
    assert open_to_others(home) == []


@pytest.mark.usefixtures("open_umask")
def test_files_in_folders_that_were_private_are_closed_too(tmp_path: Path) -> None:
    """Homes were 0700 and their logs too, but the files in them followed the umask."""
    (tmp_path / "logs").mkdir(0o700)
    tmp_path.chmod(0o700)
    (tmp_path / "logs" / "worker.log").write_text("x")
    tighten(tmp_path, levels=2)
    assert open_to_others(tmp_path) == []


@pytest.mark.usefixtures("open_umask")
def test_nothing_behind_a_link_is_touched_and_what_may_be_passed_stays_so(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "folder").mkdir(parents=True)
    (elsewhere / "file").write_text("x")
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    (home / "link").symlink_to(elsewhere)
    (home / "file").symlink_to(elsewhere / "file")
    home.chmod(0o755)
    tighten(home, home, levels=2)
    assert home.stat().st_mode & 0o777 == 0o711
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o007 for path in elsewhere.rglob("*")} == {0o007, 0o006}
    home.chmod(0o700)
    tighten(home, home, levels=2)
    assert home.stat().st_mode & 0o777 == 0o700, "it was not to be passed before"


def test_a_private_tree_is_not_walked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        (tmp_path / f"{number:02x}" / "00" / "deep").mkdir(parents=True)
    _opened(tmp_path)
    looked: list[object] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda handle: (looked.append(handle), scan(handle))[1])
    tighten(tmp_path)
    first = len(looked)
    assert first == 1 + 3 * 40
    tighten(tmp_path)
    assert len(looked) == first + 1


def test_nothing_to_close_is_no_error(tmp_path: Path) -> None:
    tighten(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    tighten(tmp_path / "file")


@pytest.mark.usefixtures("open_umask")
async def test_blobs_are_private_whatever_the_umask(tmp_path: Path) -> None:
    root = tmp_path / "blobs"
    store = FolderBlobs(root, 1 << 20)
    await store.prepare()
    digest = (await store.put(b"body")).digest
    assert open_to_others(root) == []

    _opened(root)  # as an earlier version left it
    store = FolderBlobs(root, 1 << 20)
    await store.prepare()
    assert open_to_others(root) == []
    assert await store.get(digest) == b"body"
