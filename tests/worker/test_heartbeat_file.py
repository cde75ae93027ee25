"""The sign of life of a worker: whose it is, how old it may be, what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atlas.embedded.process_identity import ProcessId
from atlas.health.fleet import Beat, FleetSlots
from atlas.worker.heartbeat import HEARD, unheard
from atlas.worker.heartbeat_file import STALE_AFTER, Sign, SignFile, folder, hangs, signs

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NO_SLOTS = FleetSlots(0, None, 0, 0)


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def sign(renewed: float, trouble: str | None = None) -> Sign:
    return Sign(ProcessId(7, "mark"), "7@host", ("atlas", "atlas-bulk"), renewed, trouble)


def beat(queue: str, at: datetime) -> Beat:
    return Beat(
        *("key", "process", "7@host", "host", 7, queue, "atlas-1", False, NOW, at, 1.0),
        NO_SLOTS,
        NO_SLOTS,
    )


@pytest.mark.parametrize(
    ("one", "well", "says"),
    [
        (sign(97.0), True, "7@host works on atlas, atlas-bulk; sign 3 s old"),
        (sign(100 - STALE_AFTER), True, "sign 20 s old"),
        (sign(100 - STALE_AFTER - 1), False, "has given no sign for 21 s: its event loop"),
        (sign(99.0, "Temporal is lost"), False, "7@host: Temporal is lost"),
        (sign(10.0, "Temporal is lost"), False, "has given no sign for 90 s"),
        (sign(5000.0), False, "has given no sign"),  # of before the machine started
    ],
)
def test_a_sign_is_judged_by_its_age_and_by_what_it_tells(one: Sign, well: bool, says: str) -> None:
    assert one.well(100.0) is well
    assert says in one.says(100.0)


def test_a_worker_hangs_that_gave_signs_and_ceased_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not hangs(os.getpid())  # it may be unable to write any
    mine = SignFile("me@here", ("atlas",))
    mine.renew("Temporal is lost")
    assert not hangs(os.getpid())
    with monkeypatch.context() as aged:
        later = time.monotonic() + STALE_AFTER + 1
        aged.setattr(time, "monotonic", lambda: later)
        assert hangs(os.getpid())
        sign = folder() / f"{os.getpid()}.json"
        sign.with_name("1.json").write_text(sign.read_text())
        mine.remove()
        assert not hangs(os.getpid())


def test_a_worker_leaves_its_sign_while_it_lives_and_no_longer() -> None:
    assert signs() == []
    mine = SignFile("me@here", ("atlas",))
    mine.renew(None)
    mine.renew("Temporal is lost")
    (found,) = signs()
    assert (found.process.pid, found.identity, found.queues) == (os.getpid(), "me@here", ("atlas",))
    assert found.trouble == "Temporal is lost"
    mine.remove()
    assert signs() == []
    mine.remove()  # twice does no harm


def test_what_a_killed_worker_left_is_no_sign_and_neither_is_a_foreign_file() -> None:
    code = (
        "from atlas.worker.heartbeat_file import SignFile; import os; SignFile('x', ()).renew(None)"
    )
    own = {**os.environ, "TMPDIR": str(folder().parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=own)
    assert len(list(folder().glob("*.json"))) == 1
    (folder() / "1.json").write_text("no json")
    (folder() / "2.json").write_text("[]")
    assert signs() == []


def test_no_sign_is_written_where_somebody_else_chose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = SignFile("me@here", ("atlas",))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder().symlink_to(elsewhere)
    with pytest.raises(PermissionError, match=r"no folder of this user; remove it"):
        mine.renew(None)
    assert list(elsewhere.iterdir()) == []
    # A folder of another user: for who asks, ours is one.
    us = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: us + 1)
    theirs = SignFile("them@here", ("atlas",))
    folder().mkdir()
    with pytest.raises(PermissionError, match=f"atlas-workers-{us + 1} is no folder"):
        theirs.renew(None)
    assert list(folder().iterdir()) == []


def test_only_a_queue_with_a_fresh_heartbeat_is_heard() -> None:
    fresh, old = NOW - timedelta(seconds=2), NOW - HEARD - timedelta(seconds=1)
    queues = ("atlas", "atlas-bulk")
    assert unheard([beat("atlas", fresh), beat("atlas-bulk", fresh)], queues, NOW) is None
    # A container started again has the name it had before: the newer heartbeat counts.
    again = [beat("atlas", old), beat("atlas", fresh), beat("atlas-bulk", old)]
    assert unheard(again, queues, NOW) == "Temporal does not hear it on atlas-bulk"
    assert unheard([], queues, NOW) == "Temporal does not hear it on atlas, atlas-bulk"
