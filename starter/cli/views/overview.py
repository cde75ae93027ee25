"""What `atlas status` and `atlas top` say about workers, queues, runs, hosts and sources."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starter.cli.framework.durations import about, written
from starter.cli.framework.output import Columns, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starter.monitoring.overview import (
        AuditSeen,
        HostSeen,
        IndexSeen,
        Overview,
        QueueSeen,
        RunSeen,
        ScheduleSeen,
        SourceSeen,
        Untold,
        WorkerSeen,
    )


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, or how far ahead."""
    if moment is None:
        return "never"
    span = now - moment
    return f"{about(span)} ago" if span >= timedelta(0) else f"in {about(-span)}"


def mark(seen: SourceSeen) -> str:
    """The state of a source, whether it misses its objective, whether a run is working on it."""
    said = [
        seen.state,
        *(["missed"] if seen.broken else []),
        *(["running"] if seen.running else []),
    ]
    return ", ".join(said)


def promise(seen: SourceSeen) -> str:
    """How often a source is collected."""
    if seen.state == "pushed":
        return "never: pushed"
    return f"cron {seen.cron}" if seen.cron else f"every {written(seen.every)}"


def achieved(seen: SourceSeen) -> str:
    """How many of its pages were seen in the time that the objective gives."""
    if seen.objective is None:
        return ""
    if seen.state == "paused":
        return "paused"
    if seen.achieved is None:
        return "no page yet"
    return f"{math.floor(seen.achieved * 1000) / 10:g}% of {seen.pages}"


def burning(seen: SourceSeen) -> str:
    """How fast what the objective allows is used up, and whether that is an alert."""
    if not seen.burn_rate and not seen.burning:
        return ""
    return f"{seen.burn_rate:g}" + (f", {seen.burning}" if seen.burning else "")


def speed(run: RunSeen) -> str:
    """The speed of a run, now or on average, and about how long it takes yet."""
    rate = run.average if run.rate is None else run.rate
    left = "" if run.left is None else f", {about(run.left)} left"
    return "" if rate is None or run.paused_since else f"{rate:.3g}/s{left}"


def how_far(run: RunSeen) -> str:
    """Done out of total, and while pages are fetched how many of them are."""
    if run.done is None:
        return ""
    if run.fetched not in (None, run.total):
        return f"{run.done}/{run.total}, {run.fetched} fetched"
    return f"{run.done}/{'?' if run.total is None else run.total}"


def stage(run: RunSeen) -> str:
    """The stage of a run; with the attempt if it keeps failing."""
    return f"{run.stage}, try {run.attempt}" if run.attempt > 2 else run.stage


def breaker(host: HostSeen) -> str:
    """The breaker of a host, and how long it stays in that state."""
    if host.breaker == "closed":
        return f"{host.failures} failed" if host.failures else "closed"
    name = host.breaker.replace("_", " ")
    return f"{name} for {about(host.waits)}" if host.waits else name


def limit(host: HostSeen) -> str:
    """The delay of a host, and why it is more than declared; a star marks a manual limit."""
    if host.delay is None and host.limit_delay is None:
        return ""
    hand = "*" if host.limit_delay is not None else ""
    why = f" ({host.delay_reason})" if host.delay_reason not in ("", "limit") else ""
    return f"{max(host.delay or 0.0, host.limit_delay or 0.0):.3g} s{hand}{why}"


def in_short(seen: Overview) -> Iterator[tuple[str, str]]:
    """Heading and text of each section; what needs attention follows on lines without a heading."""
    for head, told, lines in (
        ("workers", seen.workers, _workers),
        ("queues", seen.queues, _queues),
        ("runs", seen.runs, _runs),
        ("hosts", seen.hosts, _hosts),
        ("schedules", seen.schedules, _schedules),
        ("sources", seen.sources, _sources),
    ):
        words = ["not known"] if told is None else list(lines(seen))
        yield from zip([head, *[""] * len(words)], map(one_line, words), strict=False)
    if seen.index is not None:
        yield "index", one_line(index_words(seen.index))
    if seen.audit is not None:
        yield "audit", one_line(_audit(seen.audit, seen.at))


def index_words(index: IndexSeen) -> str:
    """Whether the search index is in step with the corpus, and what holds it up."""
    if index.trouble and index.written:
        return f"does not follow: {index.trouble}"
    said = "nobody keeps it in step, start a worker" if not index.written else ""
    if index.generation is None:
        return said or "being built"
    if not index.documents_behind:
        return said or f"generation {index.generation}, in step with the corpus"
    behind = f"{index.documents_behind} documents, {about(index.seconds_behind)} behind"
    return f"generation {index.generation}, {behind}" + (f": {said}" if said else "")


def _audit(audit: AuditSeen, now: datetime) -> str:
    looked = "everything" if audit.full else "a sample"
    left = audit.findings - audit.repaired
    if not left:
        return f"nothing to repair in {looked}, {ago(audit.ended_at, now)}"
    return (
        f"{left} findings in {looked}, {ago(audit.ended_at, now)}: "
        f"`atlas runs outcomes {audit.run_id}`"
    )


def why_untold(untold: Iterable[Untold]) -> list[str]:
    """What could not be read, grouped by reason."""
    by_reason: dict[str, list[str]] = {}
    for each in untold:
        by_reason.setdefault(each.why, []).append(each.what)
    return [one_line(f"{', '.join(what)}: {why}") for why, what in by_reason.items()]


def _workers(seen: Overview) -> Iterator[str]:
    workers = seen.workers or ()
    yield _counted((each.state for each in workers), ("running", "draining", "lost")) or "none"
    for each in workers:
        if each.state != "running":
            yield f"{each.identity} {each.state}, {silence(each)}"


def silence(worker: WorkerSeen) -> str:
    """Details of a worker that is not simply running."""
    if worker.state == "draining":
        under_way = sum(slot.activities or 0 for slot in worker.slots)
        return f"{under_way} activities to finish"
    return f"silent for {about(worker.heard)}"


def _queues(seen: Overview) -> Iterator[str]:
    for each in seen.queues or ():
        yield f"{each.name}: {backlog(each)}" + (", no worker" if not each.workers else "")


def backlog(queue: QueueSeen) -> str:
    """What is waiting, for how long, and what is in progress."""
    waiting = f"{queue.backlog} waiting"
    if queue.backlog:
        waiting += f" for {about(queue.oldest)}"
    return waiting + (f", {queue.in_flight} in progress" if queue.in_flight is not None else "")


def _runs(seen: Overview) -> Iterator[str]:
    runs = seen.runs or ()
    if not runs:
        yield "none in progress"
    for run in runs[:10]:
        parts = (run.type, run.source, stage(run), how_far(run), run.of, speed(run))
        yield (
            " ".join(part for part in parts if part) + f", since {about(seen.at - run.started_at)}"
        )
    more = (seen.runs_total or 0) - 10
    if more > 0:
        yield f"and {more} more: `atlas top`"


def _hosts(seen: Overview) -> Iterator[str]:
    hosts = seen.hosts or ()
    yield f"{len(hosts)} used recently, {sum(host.in_flight for host in hosts)} requests in flight"
    for host in hosts:
        if host.breaker != "closed":
            yield f"{host.host}: {breaker(host)}; {host.last_error or 'failed'}"


def _schedules(seen: Overview) -> Iterator[str]:
    schedules = seen.schedules or ()
    counted = _counted((each.state for each in schedules), ("active", "paused", "missing"))
    following = next((each for each in schedules if each.next), None)
    yield (counted or "none") + (
        f"; next {following.id} {ago(following.next, seen.at)}" if following else ""
    )
    for each in schedules:
        if each.state != "active":
            yield f"{each.id}: {schedule_note(each)}"


def schedule_note(each: ScheduleSeen) -> str:
    """Why a schedule is not active."""
    if each.state == "missing":
        return "missing; `atlas schedules apply` creates it"
    return f"{each.state} {each.note}".strip()


def _sources(seen: Overview) -> Iterator[str]:
    sources = seen.sources or ()
    counted = _counted(
        (each.state for each in sources), ("stale", "due", "fresh", "paused", "pushed")
    )
    yield counted or "none"
    for each in seen.stale[:10]:
        yield (
            f"{each.name}: stale, {about(each.late)} late; last success "
            f"{ago(each.last_success, seen.at)}"
            + ("; a run is in progress" if each.running else "")
        )
    if len(seen.stale) > 10:
        yield f"and {len(seen.stale) - 10} more: `atlas sources freshness`"
    for each in seen.broken[:10]:
        yield f"{each.name}: {achieved(each)} pages seen in time; the objective is {each.objective}"
    if len(seen.broken) > 10:
        yield f"and objectives of {len(seen.broken) - 10} more: `atlas sources freshness`"
    holding = [each for each in sources if each.held]
    for each in holding[:10]:
        yield f"{each.name}: {each.held} removals held; `atlas deletions list --source {each.name}`"
    if len(holding) > 10:
        yield f"and removals of {len(holding) - 10} more: `atlas deletions list`"


def _counted(states: Iterable[str], order: tuple[str, ...]) -> str:
    found = Counter(states)
    return ", ".join(f"{found[state]} {state}" for state in order if found[state])


FRESHNESS: Columns[SourceSeen] = {
    "source": lambda seen: seen.name,
    "state": mark,
    "last success": lambda seen: seen.last_success,
    "due": lambda seen: seen.due,
    "late": lambda seen: about(seen.late) if seen.late else "",
    "promise": promise,
    "objective": lambda seen: seen.objective,
    "seen": achieved,
    "burn rate": burning,
    "last outcome": lambda seen: seen.last_outcome,
}
"""Of `atlas sources freshness`."""
