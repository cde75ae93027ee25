"""Stops a stack: the running one, and what a supervisor that was killed left running.

Only processes proven to belong to this home are ended: by pid and start mark, by session and
environment mark, or (PostgreSQL) by working directory. Orphans are ended, not adopted: their output
goes to a pipe that nobody reads, and a clean stop takes less time than a check of their state.
"""

import os
import signal
import time
from pathlib import Path

from atlas.embedded import process_identity
from atlas.embedded.child_process import mark_of
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.postgres_cluster import clear_cluster
from atlas.embedded.stack_record import HomeLock, Stack, read_stack, supervisor_of

_PATIENCE = {"worker": 45.0, "temporal": 10.0}  # in order: the worker needs the other
_SUPERVISOR_SECONDS = 120.0  # longer than all of its parts may take together
_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.02


def end_leftovers(stack: Stack) -> list[str]:
    """End what an earlier supervisor of this home left running; the names of what was ended.

    May block for as long as the parts take to stop. The caller holds the home's lock.
    """
    ended = [name for name in _PATIENCE if _end(stack, name)]
    if clear_cluster(stack.home / "postgres"):
        ended.append("postgres")
    stack.parts.clear()
    return ended


def stop_stack(home: Path) -> list[str]:
    """Stop everything that runs in this home; the names of what was ended, empty if nothing ran.

    Raises:
        EmbeddedError: another command is starting the stack right now.
    """
    stopped = _stop_supervisor(home)
    stack = read_stack(home)
    if stack is None:
        return stopped
    lock = HomeLock(home)
    deadline = time.monotonic() + _LOCK_SECONDS
    while not lock.acquire():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Another process is starting {home}", "Try `atlas down` again")
        time.sleep(_POLL_SECONDS)
    try:
        leftovers = end_leftovers(stack)
        stack.state = "stopped"
        stack.write()
    finally:
        lock.release()
    return [*stopped, *leftovers]


def _stop_supervisor(home: Path) -> list[str]:
    supervisor = supervisor_of(home)
    if supervisor is None:
        return []
    stack = read_stack(home)
    names = [] if stack is None else list(stack.parts)
    os.kill(supervisor.pid, signal.SIGTERM)
    if not process_identity.wait_gone(supervisor, _SUPERVISOR_SECONDS):
        process_identity.end(supervisor, signal.SIGKILL, _LOCK_SECONDS)
    return names


def _end(stack: Stack, name: str) -> bool:
    part = stack.parts.get(name)
    if part is None:
        return False
    alive = part.process.alive
    process_identity.end(part.process, signal.SIGTERM, _PATIENCE[name])
    mark = mark_of(stack.home)
    orphans = process_identity.marked_members(part.pid, mark)
    process_identity.kill_session(part.pid, mark)
    return alive or bool(orphans)
