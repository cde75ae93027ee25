"""Keeps the stack of one home running: starts it in order, restarts what dies, stops in order.

    postgres ─┐
    temporal ─┼─> migrations, retention ─> worker polls    (start)
      worker ─┘   (imports, and waits)
    worker ─> temporal ─> postgres                         (stop)

A part that exits is restarted, after a longer delay each time it exits soon after. One that lives
but answers nothing for long is killed, and so restarted. If the supervisor itself is killed, the
kernel ends the parts (launch.py); what escapes that is ended by the next start (orphans.py).
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from atlas.embedded.child_process import ChildProcess, exit_reason
from atlas.embedded.components import Part
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.log_files import Listener, PartLog
from atlas.embedded.orphans import end_leftovers
from atlas.embedded.ports import is_free, turn
from atlas.embedded.postgres import SUPERUSER
from atlas.embedded.process_identity import identify
from atlas.embedded.stack_plan import Plan, StackParts, build, choose_ports
from atlas.embedded.stack_record import PartRecord, Stack, State, read_stack
from atlas.embedded.temporal import TemporalServer
from atlas.embedded.temporal_access import TemporalAccess
from atlas.embedded.unprivileged import not_enclosable

OWN_NAME = "atlas"
# The delay doubles: a part that crashes on start must not keep the machine busy.
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_SOUND_SECONDS = 60.0  # after this long it ran well: its next restart is quick again
_PORT_TRIES = 3  # more losses in a row are not a race with another program
_WATCH_SECONDS = 1.0
# Looks without an answer after which a part hangs. Counted, not timed: when the machine slept, or
# the supervisor was stopped, only the look at that moment is lost. A part that is merely slow has
# each time as long as its answer may take, and a minute in all.
_LOOKS = 6


class Supervisor:
    """The supervisor of one home. Its caller holds the home's lock.

    `set_up` brings the database's schema up to date, given its URL (None: the external one) and,
    for the embedded one, that of the superuser, by which it makes the database first.
    `worker_hangs` says whether the worker, by its pid, gives no sign of life. `listener` gets each
    line that a part or the supervisor writes. `home_is_ours` says whether the lock is still where
    others look for it.
    """

    def __init__(
        self,
        plan: Plan,
        set_up: Callable[[str | None, str | None], Awaitable[object]],
        worker_hangs: Callable[[int], bool],
        listener: Listener,
        on_ready: Callable[[], object] = lambda: None,
        home_is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._plan = plan
        self._set_up = set_up
        self._parts: StackParts = build(plan, worker_hangs)
        self._logs = plan.home / "logs"
        self._listener = listener
        self._on_ready = on_ready
        self._home_is_ours = home_is_ours
        self._own_log = PartLog(self._logs, OWN_NAME, listener)
        self._part_logs: dict[str, PartLog] = {}
        self._stack = read_stack(plan.home) or Stack(plan.home)
        self._stack.supervisor = identify(os.getpid())
        self._children: dict[str, ChildProcess] = {}
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; called a second time, stop waiting for anything."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def say(self, text: str) -> None:
        """Write a message for the listener and the log."""
        self._own_log.write(text.encode())

    async def run(self) -> None:
        """Start everything, keep it running until `stop`, and stop it.

        Raises:
            EmbeddedError: a part did not start; everything else is stopped again.
        """
        try:
            if await self._unless_stopped(self._start()):
                await self._keep()
        finally:
            await self._stop_all()

    async def _unless_stopped(self, work: Awaitable[Any]) -> bool:
        """Do the work unless asked to stop meanwhile; whether it was done."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.wait([task])
        return False

    async def _start(self) -> None:
        for name in await asyncio.to_thread(end_leftovers, self._stack):
            self.say(f"{name} was still running from last time: ended it")
        self._record("starting")
        worker = self._parts.worker
        early = await self._spawn(worker) if worker.announces else None
        await self._start_servers()
        await asyncio.to_thread(worker.release)
        await (self._launch(worker) if early is None else early.until_ready())
        self._record("ready")
        self._report_addresses()
        self._on_ready()

    async def _start_servers(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_database())
                group.create_task(self._start_temporal())
        except BaseExceptionGroup as failures:
            # The one that failed cancelled the other, so only its error matters.
            raise failures.exceptions[0] from None

    async def _start_database(self) -> None:
        postgres = self._parts.postgres
        if postgres is not None:
            await self._launch(postgres)
            self._stack.database_url = postgres.url()
            await self._set_up(postgres.url(), postgres.url("postgres", SUPERUSER))
        else:
            self._stack.database_url = None
            await self._set_up(None, None)

    async def _start_temporal(self) -> None:
        temporal = self._parts.temporal
        if temporal is None:
            self._stack.temporal_address = self._stack.ui_url = None
            self._stack.temporal_secrets = None
            return
        if temporal.access is None:
            self.say(
                "other users of this machine can use Temporal: it cannot run in a network of its "
                f"own here ({not_enclosable()}); see docs/security.md"
            )
        for attempt in range(1, _PORT_TRIES + 1):
            try:
                await self._launch_temporal(temporal)
                return
            except EmbeddedError:
                # Another program may have taken a port between our check and the server's bind.
                lost = [port for port in self._stack.ports.values() if not is_free(port)]
                if not lost or attempt == _PORT_TRIES:
                    raise

    async def _launch_temporal(self, temporal: TemporalServer) -> ChildProcess:
        """Start the server on free ports; we hold the lock on ports until it listens on them."""
        mine = turn()
        await asyncio.to_thread(mine.__enter__)
        try:
            self._choose_ports(temporal)
            return await self._launch(temporal)
        finally:
            mine.__exit__(None, None, None)

    def _choose_ports(self, temporal: TemporalServer) -> None:
        preferred = dict(self._plan.preferred_ports)
        if temporal.enclosed:
            preferred.pop("http", None)
        for remark in choose_ports(preferred, self._stack):
            self.say(remark)
        ports = self._stack.ports
        temporal.port, temporal.ui_port = ports["temporal"], ports["ui"]
        temporal.http_port = ports.get("http", 0)
        self._stack.temporal_address, self._stack.ui_url = temporal.address, temporal.ui_url
        self._stack.temporal_secrets = str(temporal.folder) if temporal.enclosed else None

    async def _launch(self, part: Part) -> ChildProcess:
        """Start a part and wait until it answers."""
        child = await self._spawn(part)
        await child.until_ready()
        return child

    async def _spawn(self, part: Part) -> ChildProcess:
        """Start a part; it is recorded before anybody waits for it."""
        await asyncio.to_thread(part.prepare)
        child = await ChildProcess.start(part, self._plan.home, self._log_of(part))
        self._children[part.name] = child
        self._stack.parts[part.name] = PartRecord(
            child.identity.pid, child.identity.started, part.address, time.time()
        )
        self._stack.write()
        return child

    def _log_of(self, part: Part) -> PartLog:
        if part.name not in self._part_logs:
            self._part_logs[part.name] = PartLog(self._logs, part.name, self._listener)
        return self._part_logs[part.name]

    async def _keep(self) -> None:
        children = list(self._children.values())
        keepers = [asyncio.create_task(self._keep_one(child)) for child in children]
        keepers.append(asyncio.create_task(self._watch_home()))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([stopping, *keepers], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in [stopping, *keepers]:
                task.cancel()
            await asyncio.wait([stopping, *keepers])

    async def _keep_one(self, child: ChildProcess) -> None:
        """Start the part again each time it ends or hangs, for ever."""
        delay = _FIRST_DELAY
        while True:
            began = time.monotonic()
            code = await self._until_ended(child)
            await child.clear()
            if time.monotonic() - began > _SOUND_SECONDS:
                delay = _FIRST_DELAY
            child, delay = await self._restart(child.part, exit_reason(code), delay)

    async def _until_ended(self, child: ChildProcess) -> int:
        watch = asyncio.create_task(self._end_if_it_hangs(child))
        try:
            return await child.wait()
        finally:
            watch.cancel()

    async def _end_if_it_hangs(self, child: ChildProcess) -> None:
        silent = 0
        while True:
            await asyncio.sleep(self._plan.look_seconds)
            silent = 0 if await self._answers(child) else silent + 1
            if silent == _LOOKS:
                self.say(f"{child.part.name} hangs: no answer {_LOOKS} times in a row, killing it")
                child.kill()

    async def _answers(self, child: ChildProcess) -> bool:
        try:
            async with asyncio.timeout(self._plan.look_seconds):
                return await child.answers()
        except TimeoutError:
            return False

    async def _restart(self, part: Part, ending: str, delay: float) -> tuple[ChildProcess, float]:
        while True:
            self.say(f"{part.name} ended ({ending}): starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)
            try:
                child = await self._relaunch(part)
            except EmbeddedError as error:
                await self._children[part.name].stop(self._hurry)
                ending = error.message
                continue
            self.say(f"{part.name} runs again (pid {child.identity.pid})")
            return child, delay

    async def _relaunch(self, part: Part) -> ChildProcess:
        temporal = self._parts.temporal
        if part is not temporal or temporal is None:
            return await self._launch(part)
        before = temporal.address
        child = await self._launch_temporal(temporal)
        worker = self._children["worker"]
        if temporal.address != before and worker.running:
            self.say("Temporal moved: the worker starts again to follow it")
            await worker.stop(self._hurry)
        return child

    async def _watch_home(self) -> None:
        """Stop when the home was deleted: nothing could find these processes any longer."""
        while self._home_is_ours():  # noqa: ASYNC110
            await asyncio.sleep(_WATCH_SECONDS)  # nothing notifies us of a deleted file
        self.say(f"{self._plan.home} is gone: stopping what ran in it")
        self.stop()

    async def _stop_all(self) -> None:
        self._note("stopping")
        for name in ("worker", "temporal", "postgres"):
            child = self._children.get(name)
            if child is not None:
                if child.running:
                    self.say(f"stopping {name}")
                # Temporal prints forty lines of warnings as it stops: they stay in its log.
                self._part_logs[name].quiet = name == "temporal"
                await child.stop(self._hurry)
                self._stack.parts.pop(name, None)
        self._note("stopped")
        self.say("stopped")
        for log in [*self._part_logs.values(), self._own_log]:
            log.close()

    def _record(self, state: State) -> None:
        self._stack.state = state
        self._stack.write()

    def _note(self, state: State) -> None:
        """Record the state if possible: a full disk must not keep the parts from being stopped."""
        try:
            self._record(state)
        except EmbeddedError as error:
            self.say(str(error))

    def _report_addresses(self) -> None:
        self.say(f"PostgreSQL  {self._stack.database_url or 'external (ATLAS_DATABASE_URL)'}")
        address = self._stack.temporal_address or f"external ({self._plan.external_temporal})"
        self.say(f"Temporal    {address}")
        if self._stack.ui_url is not None:
            self.say(f"Web UI      {self._stack.ui_url}")
        temporal = self._parts.temporal
        if temporal is not None and temporal.access is not None:
            self.say(f"            user atlas, password in {temporal.access.password_file}")
        if temporal is not None:
            profile = TemporalAccess(temporal.folder).profile
            self.say(f"`temporal`  export TEMPORAL_CONFIG_FILE={profile}")
        self.say(f"Home        {self._plan.home}")
        self.say("ready")
