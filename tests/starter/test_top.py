"""`atlas top` on a real terminal of 80×24: it draws, it ends by a key or Ctrl-C, and it leaves the
terminal as it was."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from starter.cli.views import overview
from starter.cli.views.top_screen import frame
from starter.monitoring.overview import (
    HostSeen,
    IndexSeen,
    Overview,
    QueueSeen,
    SlotsSeen,
    SourceSeen,
    WorkerSeen,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORKER = WorkerSeen(
    identity="7@host",
    host="host",
    pid=7,
    version="atlas-0.1.0",
    state="running",
    heard=0.4,
    started=NOW,
    slots=(SlotsSeen("atlas", "running", 1, 2, 5, 9, 0),),
)
QUEUE = QueueSeen("atlas", 1, 3, timedelta(minutes=7), 2, 0.5, 0.25)
SOURCE = SourceSeen(
    name="docs",
    state="stale",
    every=timedelta(days=1),
    cron=None,
    last_success=NOW - timedelta(days=2),
    due=NOW - timedelta(days=1),
    late=timedelta(days=1),
    tolerance=timedelta(hours=2),
    running=False,
    last_outcome="failed",
    last_ended=NOW,
)


def drawn(seen: Overview, width: int, height: int | None) -> list[str]:
    console = Console(width=width, height=height, highlight=False)
    with console.capture() as captured:
        console.print(frame(seen, width, height, "q quits"))
    return captured.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (200, 60), (20, 6)])
def test_a_frame_fits_its_screen_and_keeps_what_matters(width: int, height: int) -> None:
    many = [replace(WORKER, identity=f"{n}@host") for n in range(30)]
    lost = replace(WORKER, identity="9@host", state="lost")
    seen = Overview(NOW, (lost, *many), True, (QUEUE,), (), 0, (), (), (SOURCE,) * 50)
    lines = drawn(seen, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith("q quits")
    assert any("lost" in line for line in lines)


def test_80_columns_keep_breaker_and_delay_of_a_host_in_trouble() -> None:
    error = "ConnectError: " + "nothing listens there, " * 9
    host = HostSeen("a.long.name.docs.example.org", 2, 1.0, 5.0, "half_open", 3, 240, NOW, error)
    seen = Overview(NOW, (), True, (), (), 0, (host,), (), ())
    lines = drawn(seen, 80, 24)
    heads = next(line for line in lines if line.startswith("HOST"))
    assert heads.split() == ["HOST", "BREAKER", "DELAY", "UNDER", "WAY", "LAST", "ERROR"]
    row = lines[lines.index(heads) + 1]
    assert "half open for 4 min" in row and "5 s*" in row and "ConnectE" in row
    slow = replace(host, limit_delay=None, delay=6.4, delay_reason="answers in 4.2 s")
    lines = drawn(replace(seen, hosts=(slow,)), 80, 24)
    assert any("6.4 s (answers in 4.2 s)" in line for line in lines)


def test_an_index_that_nobody_keeps_in_step_is_said_so() -> None:
    index = IndexSeen(False, 2, 40, 47, 7, 90.0, None, None)
    seen = Overview(NOW, (), True, (QUEUE,), (), 0, (), (), (), index=index)
    lines = drawn(seen, 100, 24)
    assert lines[0].endswith("index: 7 behind")
    assert "! index: generation 2, 7 documents, 90 s behind: nobody keeps it in step" in lines[1]
    held_up = replace(index, written=True, trouble="no room is left")
    assert "! index: does not follow: no room is left" in drawn(replace(seen, index=held_up), 80, 9)
    fine = replace(index, written=True, documents_behind=0)
    assert not any("index" in line for line in drawn(replace(seen, index=fine), 80, 24))


def test_a_frame_without_a_screen_shows_all() -> None:
    seen = Overview(NOW, (WORKER,) * 30, True, (QUEUE,), None, None, (), (), (SOURCE,) * 50)
    lines = drawn(seen, 120, None)
    assert sum("7@host" in line for line in lines) == 30
    assert sum("docs" in line for line in lines) == 50
    assert any(line.split()[:4] == ["7@host", "running", "atlas", "3/8"] for line in lines)
    assert "not known" in "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "code"), [(b"q", 0), (b"\x03", 130), (signal.SIGTERM, 0)], ids=["q", "ctrl-c", "term"]
)
async def test_it_ends_as_asked_and_leaves_the_terminal_as_it_was(
    corpus: str, typed: bytes | signal.Signals, code: int
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "starter.cli", "top"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "TEMPORAL_ADDRESS": "127.0.0.1:1"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
    )
    try:
        shown = await asyncio.to_thread(_until, ours, b"SOURCE")
        assert b"\x1b[?1049h" in shown  # the alternate screen
        if isinstance(typed, bytes):
            os.write(ours, typed)
        else:
            process.send_signal(typed)
        left = await asyncio.to_thread(_until, ours, b"\x1b[?1049l")
        assert b"Traceback" not in left
        assert await asyncio.to_thread(process.wait, 60) == code
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def _until(terminal: int, wanted: bytes) -> bytes:
    """What is shown until then."""
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 65536)
    return shown


@pytest.mark.parametrize(
    ("changes", "state", "seen", "rate"),
    [
        ({}, "stale", "", ""),
        ({"achieved": 1.0, "pages": 40, "burn_rate": 0.0}, "stale", "100% of 40", ""),
        (
            {"achieved": 0.9496, "pages": 40, "broken": True, "burn_rate": 1.01},
            *("stale, missed", "94.9% of 40", "1.01"),
        ),
        (
            {"achieved": 0.0, "pages": 3, "broken": True, "burn_rate": 20.0, "burning": "fast"},
            *("stale, missed", "0% of 3", "20, fast"),
        ),
        ({"burn_rate": 0.0}, "stale", "no page yet", ""),
        ({"state": "paused"}, "paused", "paused", ""),
    ],
)
def test_how_a_source_keeps_its_objective(
    changes: dict[str, Any], state: str, seen: str, rate: str
) -> None:
    """A share is rounded down: what is missed never looks like what was promised."""
    objective = "95% within 2h" if changes else None
    source = replace(SOURCE, objective=objective, **changes)
    said = overview.mark(source), overview.achieved(source), overview.burning(source)
    assert said == (state, seen, rate)
