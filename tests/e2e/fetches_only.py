"""A worker process without the processing queue: what it fetches waits to be processed."""

import asyncio

import worker
from atlas.composition.parts import open_parts
from atlas.contracts.names import QUEUE
from atlas.locations import locate
from atlas.settings import Settings
from atlas.temporal import connect


async def main() -> None:
    settings = Settings.load()
    locations = locate(settings)
    client = await connect(locations.temporal_address)
    async with open_parts(settings, locations, client, worker.utc_now) as parts:
        for one in worker.build_workers(parts):
            if one.task_queue == QUEUE:
                await one.run()


asyncio.run(main())
