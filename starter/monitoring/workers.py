"""Which workers run, drain or are lost, by their heartbeats; by their polls where a server keeps
none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from atlas.domain.timing.worker_liveness import Pulse, Pulses
from atlas.health.fleet import Beat
from atlas.health.queues import POLL_AGE, QueueState
from starter.monitoring.overview import QueueSeen, SlotsSeen, WorkerSeen, WorkerState

REMEMBERED = 300.0
"""Seconds for which a lost worker is listed. Temporal, too, forgets a poller after five minutes."""

_ORDER = ("lost", "draining", "running")


class Fleet:
    """The workers over several looks: what proves that one lives is that its heartbeats move."""

    def __init__(self) -> None:
        self._pulses = Pulses()
        self.beats: list[Beat] = []
        """Of the last look, also of workers that are gone."""
        self._known: Mapping[str, Pulse] = {}
        self._now = 0.0

    def look(self, beats: Sequence[Beat], now: float) -> None:
        """Take note of the heartbeats that are known `now` (seconds since the epoch)."""
        self._known = self._pulses.look({each.key: each.at.timestamp() for each in beats}, now)
        self.beats, self._now = list(beats), now

    def doubtful(self, queues: Mapping[str, QueueState]) -> bool:
        """Whether some worker can only be judged by another look. One that Temporal no longer
        lists as a poller has been gone for minutes."""
        return any(
            self._known[beat.key].doubtful(self._now, beat.interval)
            and _polls(beat, queues)
            and not beat.stopping
            for beat in self.beats
        )

    def workers(self) -> tuple[WorkerSeen, ...]:
        """Those that run, drain, or were lost in the last minutes, the lost first."""
        by_process: dict[str, list[Beat]] = defaultdict(list)
        for beat in self.beats:
            if self._listed(beat):
                by_process[beat.process].append(beat)
        found = [self._worker(beats) for beats in by_process.values()]
        return tuple(sorted(found, key=_place))

    def _listed(self, beat: Beat) -> bool:
        """Not one that ended as it should, nor one that was lost long ago."""
        if not self._lost(beat):
            return True
        return not beat.stopping and self._age(beat) <= REMEMBERED

    def _lost(self, beat: Beat) -> bool:
        return self._known[beat.key].lost(self._now, beat.interval)

    def _age(self, beat: Beat) -> float:
        return self._known[beat.key].age(self._now)

    def _worker(self, beats: Sequence[Beat]) -> WorkerSeen:
        first = beats[0]
        slots = tuple(self._slots(beat) for beat in beats)
        return WorkerSeen(
            identity=first.identity,
            host=first.host,
            pid=first.pid,
            version=first.version,
            state=_state([each.state for each in slots]),
            heard=round(min(map(self._age, beats)), 1),
            started=min(beat.started for beat in beats),
            slots=slots,
        )

    def _slots(self, beat: Beat) -> SlotsSeen:
        lost, work = self._lost(beat), beat.activities
        return SlotsSeen(
            queue=beat.queue,
            state="lost" if lost else "draining" if beat.stopping else "running",
            workflows=beat.workflows.used,
            activities=work.used,
            free=work.free,
            processed=beat.workflows.processed + work.processed,
            failed=beat.workflows.failed + work.failed,
        )


def _polls(beat: Beat, queues: Mapping[str, QueueState]) -> bool:
    state = queues.get(beat.queue)
    return state is None or any(poll.identity == beat.identity for poll in state.polls)


def _state(states: Iterable[WorkerState]) -> WorkerState:
    """The state of a process by its queues: it drains once any part does, and is lost only if all
    are."""
    return max(states, key=("lost", "running", "draining").index)


def _place(worker: WorkerSeen) -> tuple[object, ...]:
    return _ORDER.index(worker.state), worker.host, worker.pid or 0, worker.identity


def by_polls(
    queues: Mapping[str, QueueState], now: datetime, *, besides: Iterable[Beat] = ()
) -> tuple[WorkerSeen, ...]:
    """The workers that polled in the last minutes, `besides` those that sent a heartbeat: of
    servers that keep none, and for the first second of a worker."""
    known = {beat.identity for beat in besides}
    last: dict[str, dict[str, datetime]] = defaultdict(dict)
    for queue, state in queues.items():
        for poll in state.polls:
            if poll.identity not in known:
                seen = last[poll.identity]
                seen[queue] = max(poll.at, seen.get(queue, poll.at))
    return tuple(sorted((_polling(*each, now) for each in last.items()), key=_place))


def _polling(identity: str, polls: Mapping[str, datetime], now: datetime) -> WorkerSeen:
    states: dict[str, WorkerState] = {
        queue: "running" if now - at <= POLL_AGE else "lost" for queue, at in polls.items()
    }
    pid, _, host = identity.partition("@")
    return WorkerSeen(
        identity=identity,
        host=host,
        pid=int(pid) if pid.isdigit() else None,
        version="",
        state=_state(states.values()),
        heard=round(max(0.0, (now - max(polls.values())).total_seconds()), 1),
        started=None,
        slots=tuple(
            SlotsSeen(queue, state, None, None, None, None, None)
            for queue, state in sorted(states.items())
        ),
    )


def queues_seen(
    queues: Mapping[str, QueueState], workers: Sequence[WorkerSeen]
) -> tuple[QueueSeen, ...]:
    """The queues with what runs of each."""
    return tuple(_queue(name, state, workers) for name, state in queues.items())


def _queue(name: str, state: QueueState, workers: Sequence[WorkerSeen]) -> QueueSeen:
    slots = [slot for worker in workers for slot in worker.slots if slot.queue == name]
    under_way = [slot.activities for slot in slots if slot.state != "lost"]
    known = [each for each in under_way if each is not None]
    return QueueSeen(
        name=name,
        workers=sum(slot.state == "running" for slot in slots),
        backlog=state.backlog,
        oldest=state.oldest,
        in_flight=sum(known) if known or not under_way else None,
        added=round(state.added, 2),
        dispatched=round(state.dispatched, 2),
    )
