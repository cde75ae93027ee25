"""Runs under way keep limits that are set by hand, and go on at once when one is lifted or a host
is reset: by the requests that the host sees, not by a clock."""

from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from starter import AtlasClient
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin, Reply, Seen

PAGES = 6


def listed(origin: Origin) -> list[str]:
    return [origin.url(f"/{number}") for number in range(PAGES)]


async def waiting(env: AtlasEnv, pages: int) -> None:
    """Wait until so many pages were given back, to be asked for much later."""

    async def there() -> bool:
        found = await env.value(
            "select count(*) from run_pages where stage <> 'done' and not_before > $1::timestamptz",
            await env.value("select clock_timestamp()") + timedelta(minutes=5),
        )
        return bool(found == pages)

    await until(there)


async def happened(env: AtlasEnv, workflow_id: str, kind: "EventType.ValueType") -> bool:
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    return kind in [event.event_type for event in history.events]


async def rests(env: AtlasEnv, workflow_id: str) -> None:
    """Wait until a lane of the run waits for a moment."""
    await until(lambda: happened(env, workflow_id, EventType.EVENT_TYPE_TIMER_STARTED))


async def was_woken(env: AtlasEnv, workflow_id: str) -> bool:
    """Whether a lane was woken before its time was up."""
    return await happened(env, workflow_id, EventType.EVENT_TYPE_TIMER_CANCELED)


async def test_a_sync_under_way_slows_down_and_goes_on(atlas_env: AtlasEnv, origin: Origin) -> None:
    async with AtlasClient.connect() as client:
        limited = False

        async def page(seen: Seen) -> Reply:
            nonlocal limited
            if seen.path == "/2" and not limited:
                limited = True
                await client.limits.set(host=origin.host, delay=3600.0, reason="they asked us to")
            return Reply(f"<title>{seen.path}</title><p>What {seen.path} has to say.")

        origin.route("/", page)
        origin.status("/robots.txt", 404)
        await atlas_env.add_source("docs", "urls", *listed(origin), parallel=1)
        async with atlas_env.worker():
            run = await client.sync("docs")
            await waiting(atlas_env, PAGES - 3)
            asked = [seen.path for seen in origin.requests()]
            assert asked == ["/robots.txt", "/0", "/1", "/2"]  # from the next request on
            host = await client.hosts.get(origin.host)
            assert (host.limit_delay, host.delay, host.in_flight) == (3600.0, 3600.0, 0)
            await rests(atlas_env, run.workflow_id)
            assert await client.limits.clear(host=origin.host) is True
            result = await run.result()
            assert (result.outcome, result.counts.added) == ("completed", PAGES)
            assert len(origin.requests()) == 1 + PAGES
            assert await was_woken(atlas_env, run.workflow_id)


async def test_a_source_goes_faster_and_a_host_is_tried_again(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    for number in range(PAGES):
        origin.page(f"/{number}", f"<title>{number}</title><p>What page {number} has to say.")
    await atlas_env.add_source("docs", "urls", *listed(origin), delay=1800.0, parallel=1)
    async with AtlasClient.connect() as client:
        # The host counts as down, for ten minutes.
        await atlas_env.pool.execute(
            "insert into hosts (host, failures, down_since, open_until, last_error) "
            "select $1, 9, t, t + interval '9 minutes', 'refused the connection' "
            "from (select clock_timestamp() as t) clock",
            origin.host,
        )
        assert (await client.hosts.list(troubled=True))[0].state == "open"
        async with atlas_env.worker():
            run = await client.sync("docs")
            await waiting(atlas_env, PAGES)
            assert origin.requests() == []
            reset = await client.hosts.reset(origin.host)
            assert reset.was_closed and reset.woken.runs == [run.workflow_id]
            # At the source's own pace robots.txt is the only request of the first half hour.
            await origin.arrived("/robots.txt")
            await waiting(atlas_env, PAGES)
            assert len(origin.requests()) == 1
            assert (await client.hosts.get(origin.host)).state == "closed"
            await client.limits.set(source="docs", delay=0.0, lasts=timedelta(hours=1))
            result = await run.result()
            assert (result.outcome, result.counts.added) == ("completed", PAGES)
        again = await client.hosts.reset(origin.host)
        assert not again.was_closed and again.woken.runs == []
