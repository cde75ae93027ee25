"""What other users of the machine see of a running stack, and what its servers see of ours."""

import os
from pathlib import Path

import asyncpg
import psutil
import pytest

from atlas.embedded.process_identity import LINUX
from tests.embedded.conftest import Home
from tests.secrecy import ODD_SECRETS, open_to_others, told_a_secret


@pytest.mark.skipif(not LINUX, reason="the kernel shows environments on Linux only")
async def test_no_server_knows_a_secret_and_nothing_kept_can_be_read_by_others(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ODD_SECRETS.items():
        monkeypatch.setenv(name, value)
    home.path.mkdir(mode=0o755)
    (home.path / "logs").mkdir(mode=0o755)
    (home.path / "logs" / "worker.log").write_text("of an earlier version\n")
    (home.path / "logs" / "worker.log").chmod(0o644)
    before = os.umask(0)
    try:
        assert await home.up() == 0
    finally:
        os.umask(before)
    connection = await asyncpg.connect(home.stack.database_url)  # a backend of its own
    try:
        supervisor = home.process("supervisor").pid
        worker = home.process("worker").pid
        children = [each.pid for each in psutil.Process(supervisor).children(recursive=True)]
        assert {home.process(name).pid for name in ("postgres", "temporal")} <= set(children)
        assert len(children) > 6  # PostgreSQL's own, too
        assert told_a_secret(pid for pid in children if pid != worker) == {}
        assert told_a_secret([worker]), "it is Atlas itself, and its settings name any variable"
    finally:
        await connection.close()
    assert open_to_others(home.path) == []
    assert (home.path / "temporal" / "temporal.db").exists()
    await home.down()
    assert open_to_others(home.path) == []
    assert await home.up() == 0  # what was closed can still be used
    assert Path(home.path / "logs" / "worker.log").read_text()
