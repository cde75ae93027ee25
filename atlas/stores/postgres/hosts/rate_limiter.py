"""Politeness across any number of workers: one reservation per request, taken just before it.

Time is the database's `clock_timestamp()`, the one clock that all workers share; the answer is
how long to wait, never a slot ahead of now. The same row is the host's breaker: after failures in
a row that blame the host, and while its Retry-After runs, nobody gets a slot; then one request at
a time tries it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta

import asyncpg

from atlas.domain.errors import HostVerdict, PageError, SlotDeadline, verdict_on_host
from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.politeness.adaptive_delay import FORGOTTEN
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.shielded_work import to_its_end
from atlas.stores.postgres.hosts import circuit_breaker, strain

LEASE_SECONDS = 15.0
"""A slot's lease, which its holder renews: so long a worker that was killed blocks its hosts."""

_PATIENT = 2.0
"""Seconds that a request waits in place for a closed host; else its page is given back."""
_ASK_AGAIN = 1.0
"""Seconds after which a request that waits looks whether a limit was changed."""

# Commits of reservations need not survive a crash of PostgreSQL's host: relaxed, no fsync.
# The host's row is locked before it is judged, so that of two workers that ask at once the second
# sees what the first took.
# $2, $3: the source's own delay and parallel; $6 its name; $7 what robots.txt asks for.
# $5: failures in a row from which on a host is tried by one request at a time, the probe.
# Limits set by hand are looked up each time, so that they hold from the next request on. `next_at`
# is how long everyone else has to wait after this request; a limit is no reason to keep others off.
# A host that struggles is asked as slowly as it can bear (`adaptive_delay`, $8 seconds after it was
# last seen to), unless a person set a delay for it or for this source.
_RESERVE = """
    with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
    clock as materialized (select clock_timestamp() as t from relaxed),
    host as materialized (
        select h.*, c.t,
               array(select l from unnest(h.leases) l where l > c.t) as open_leases
        from hosts h, clock c where h.host = $1 for update of h
    ),
    adaptive as materialized (
        select case when strained_at > t - make_interval(secs => $8)
                     and not exists (select from limits l where (l.host = $1 or l.source = $6)
                         and l.delay is not null and (l.expires_at is null or l.expires_at > t))
                    then adaptive_delay end as delay from host
    ),
    pace as materialized (
        select greatest(coalesce(max(l.delay) filter (where l.source is not null), $2),
                        max(l.delay) filter (where l.host is not null), $7,
                        (select a.delay from adaptive a)) as delay,
               greatest($2, $7, (select a.delay from adaptive a)) as usual,
               least(coalesce(max(l.parallel) filter (where l.source is not null), $3),
                     max(l.parallel) filter (where l.host is not null)) as parallel
        from limits l, clock c
        where (l.host = $1 or l.source = $6) and (l.expires_at is null or l.expires_at > c.t)
    ),
    verdict as (
        select host, t, p.delay, slow > 0 or backoff > 0 as strained, open_leases,
               failures, down_since, open_until, throttled, last_error,
               coalesce(open_until > t, false) as closed,
               failures >= $5 and coalesce(probe_until > t, false) as probing,
               greatest(case when $6::text is null or paced_by is distinct from $6 then next_at end,
                        last_at + make_interval(secs => p.delay)) as ready,
               cardinality(open_leases) < p.parallel as room,
               make_interval(secs => least(p.usual, p.delay)) as pace
        from host, pace p
    ),
    taken as (
        update hosts h
        set last_at = v.t, next_at = v.t + v.pace, paced_by = $6,
            leases = v.open_leases || (v.t + make_interval(secs => $4)),
            probe_until = case when v.failures >= $5 then v.t + make_interval(secs => $4) end
        from verdict v
        where h.host = v.host and v.room and v.ready <= v.t and not v.closed and not v.probing
        returning v.t + make_interval(secs => $4) as lease
    )
    select (select lease from taken) as lease, v.pace, v.t as at, v.delay, v.strained,
           v.failures >= $5 as probe, v.failures > 0 as troubled,
           case when v.ready > v.t then extract(epoch from v.ready - v.t)
                when v.probing then 1
                else extract(epoch from (select min(l) from unnest(v.open_leases) l) - v.t)
           end::float8 as wait,
           not v.room or v.probing as crowded,
           case when v.closed then extract(epoch from v.open_until - v.t) end::float8 as closed_for,
           extract(epoch from v.t - v.down_since)::float8 as down_for, v.throttled, v.last_error
    from verdict v
"""

# The next request may come `pace` after this one was really sent, which is later than when the
# slot was taken: dialling lies in between.
_RELEASE = """
    with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
    sent as (select clock_timestamp() - make_interval(secs => $3) as t from relaxed)
    update hosts
    set leases = array_remove(leases, $2::timestamptz),
        last_at = greatest(last_at, sent.t),
        next_at = greatest(next_at, sent.t + $4::interval),
        probe_until = case when $5 then null else probe_until end,
        answered_at = case when $6 then sent.t else answered_at end
    from sent where host = $1
"""


_RENEW = """
    with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
    fresh as (select clock_timestamp() + make_interval(secs => $3) as lease from relaxed)
    update hosts
    set leases = array_append(array_remove(leases, $2::timestamptz), fresh.lease),
        probe_until = case when $4 then fresh.lease else probe_until end
    from fresh where host = $1 returning fresh.lease
"""


@dataclass(slots=True, kw_only=True)
class HeldSlot:
    """One reservation; `sent` records when the request's headers really went out."""

    lease: datetime
    pace: timedelta
    """How long after it others may ask the host."""
    troubled: bool
    """Whether the host's last request failed: an answer is news."""
    probe: bool
    """Whether it tries a host that was down."""
    at: datetime
    """When it was granted, by the database's clock."""
    delay: float
    """Seconds between two requests that were kept."""
    strained: bool
    """Whether the host was seen to struggle: a quick answer is news."""
    sent_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def sent(self, monotonic_time: float) -> None:
        self.sent_at = monotonic_time

    def answered(self, monotonic_time: float) -> None:
        self.answered_at = monotonic_time

    def seen(self, since: float, failed: PageError | None) -> strain.Seen:
        """What the request, sent `since` seconds ago, shows of the host's strain."""
        answered = None if self.answered_at is None else self.answered_at - self.sent_at
        return strain.seen(self.at, self.delay, answered_in=answered, since=since, failed=failed)


@dataclass(eq=False)
class HostSlots:
    """Slots of one source's fetches: `delay` seconds between requests to a host, at most
    `parallel` at once, counted over all workers; limits set by hand apply too (`manual_limits`).

    `deadline` (monotonic seconds): waiting past it raises `SlotDeadline`, which is no failure of
    the page; so does a host that is closed for more than a moment (`HostClosed`). `ttl` is how
    long a lease outlives a worker that died; a longer request renews it.
    """

    pool: asyncpg.Pool
    _: KW_ONLY
    delay: float
    parallel: int
    source: str | None = None
    deadline: float | None = None
    ttl: float = LEASE_SECONDS
    breaker: Breaker = field(default_factory=Breaker)
    measures: Measures = UNMEASURED
    _asked_for: dict[str, float] = field(default_factory=dict, init=False)

    def at_least(self, host: str, delay: float) -> None:
        """Keep to the pause that a host's robots.txt asks for, when it is the longer one."""
        self._asked_for[host] = max(delay, self.crawl_delay(host))

    def crawl_delay(self, host: str) -> float:
        """The pause that the host's robots.txt asks for, as far as it was read."""
        return self._asked_for.get(host, 0.0)

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[HeldSlot]:
        began = time.monotonic()
        held = await self._reserve(host)
        self.measures.host_waited(time.monotonic() - began)
        keeper = asyncio.create_task(self._keep(host, held))
        verdict: HostVerdict = "unknown"
        failed: PageError | None = None
        try:
            yield held
            verdict = "up"
        except PageError as error:
            verdict, failed = verdict_on_host(error), error
            raise
        finally:
            await to_its_end(self._release(host, url, held, keeper, verdict, failed))

    async def _reserve(self, host: str) -> HeldSlot:
        while True:
            row = await self.pool.fetchrow(
                _RESERVE,
                host,
                self.delay,
                self.parallel,
                self.ttl,
                self.breaker.threshold,
                self.source,
                self.crawl_delay(host),
                FORGOTTEN,
            )
            if row is None:
                await self.pool.execute(
                    "insert into hosts (host) values ($1) on conflict do nothing", host
                )
            elif row["lease"] is not None:
                return HeldSlot(
                    lease=row["lease"],
                    pace=row["pace"],
                    troubled=row["troubled"],
                    probe=row["probe"],
                    at=row["at"],
                    delay=row["delay"],
                    strained=row["strained"],
                )
            elif row["closed_for"] is not None:
                await self._wait_for_closed(host, row)
            else:
                await self._wait(host, row["wait"], crowded=row["crowded"])

    async def _wait_for_closed(self, host: str, row: asyncpg.Record) -> None:
        late = self.deadline is not None and (time.monotonic() + row["closed_for"] > self.deadline)
        if late or row["closed_for"] > _PATIENT:
            raise circuit_breaker.why_closed(host, row["closed_for"], row)
        await asyncio.sleep(row["closed_for"])

    async def _wait(self, host: str, seconds: float, *, crowded: bool) -> None:
        # A crowded host is asked again soon, since a lease usually ends long before it expires.
        turn = min(seconds, 0.05) if crowded else seconds
        if self.deadline is not None and time.monotonic() + turn > self.deadline:
            raise SlotDeadline(host, turn)
        await asyncio.sleep(max(min(turn, _ASK_AGAIN), 0.001))

    async def _keep(self, host: str, held: HeldSlot) -> None:
        while True:
            await asyncio.sleep(self.ttl / 3)
            async with held.renewing:
                held.lease = await self.pool.fetchval(
                    _RENEW, host, held.lease, self.ttl, held.probe
                )

    async def _release(
        self,
        host: str,
        url: str,
        held: HeldSlot,
        keeper: asyncio.Task[None],
        verdict: HostVerdict,
        failed: PageError | None,
    ) -> None:
        since = max(0.0, time.monotonic() - held.sent_at)
        async with held.renewing:  # cut off, a renewal might have changed the lease unknown to us
            keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        async with self.pool.acquire() as connection:
            if failed is not None and verdict == "down":
                opened = await circuit_breaker.blame(
                    connection,
                    host,
                    failed,
                    self.breaker,
                    probe=held.probe,
                    trips=url.endswith("/robots.txt"),
                )
                if opened:
                    self.measures.breaker_opened()
            elif verdict == "up" and held.troubled:
                await circuit_breaker.absolve(connection, host)
            # Before the slot is free: whoever takes it already keeps to the new delay.
            shown = held.seen(since, failed)
            if shown.changes(strained=held.strained):
                await strain.note(connection, host, shown)
            answered = held.answered_at is not None
            await connection.execute(
                _RELEASE, host, held.lease, since, held.pace, held.probe, answered
            )
