"""Erasure as its activities see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.purge_documents import PurgeStep
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.erasure import erase, traces
from atlas.stores.postgres.index import index_erasures, index_state
from atlas.stores.postgres.sources import sources
from atlas.stores.search.port import SearchIndex

_PART = 500
"""Addresses of one step."""


@dataclass(eq=False)
class PurgeStore:
    """Every write of an erasure. `delete` takes a digest and deletes it from the store; time comes
    from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    delete: blob_index.Delete
    index: SearchIndex | None = None
    """None: nothing is erased from it, nor looked for in it."""

    totals = on_pool(erase.totals)
    mentions = on_pool(erase.mentions)
    erase_again = on_pool(erase.erase_again)
    forget = on_pool(erase.forget)
    note_body = on_pool(erase.note_body)
    hosts_of = on_pool(erase.hosts_of)
    empty_hosts = on_pool(erase.empty_hosts)

    async def unknown_source(self, name: str) -> str:
        """Why a source cannot be meant; empty: it is declared."""
        async with self.pool.acquire() as connection:
            try:
                await sources.get(connection, name)
            except sources.UnknownSource as error:
                return str(error)
        return ""

    async def choose(self, request: PurgeStep) -> int | None:
        """Choose the next pages; where the following step begins."""
        async with self.pool.acquire() as connection:
            if request.urls is not None:
                await erase.choose_urls(connection, request.run_id, request.urls)
                return None
            return await erase.choose_held(
                connection,
                request.run_id,
                request.source,
                request.host,
                int(request.cursor or 0),
                _PART,
            )

    async def keep_away(self, run_id: str, reason: str) -> int:
        """Keep the next of the chosen addresses away; how many."""
        async with self.pool.acquire() as connection:
            return await purged_urls.add(connection, run_id, reason, self.clock(), _PART)

    async def erase_part(self, run_id: str, *, patient: bool) -> erase.ErasedPart:
        """Erase the next of the chosen pages."""
        async with self.pool.acquire() as connection:
            return await erase.next_part(connection, run_id, self.clock(), patient=patient)

    async def scrub_part(self, run_id: str, after: str) -> str | None:
        """Take the next addresses out of everything else that names them."""
        async with self.pool.acquire() as connection:
            return await erase.scrub_part(connection, run_id, after, _PART)

    async def delete_bodies(self, run_id: str) -> int:
        """Delete the next bodies; how many were dealt with."""
        async with self.pool.acquire() as connection:
            return await erase.delete_bodies(connection, run_id, self.delete, self.clock(), 100)

    async def erase_from_index(self, run_id: str, seconds: float) -> bool:
        """Have the index's writer remove what its files keep of the erased texts, and wait that
        long for it; false: it is at work on it. A writer that is not there, or is held up, is not
        waited for: the search for traces says what is left, and it goes when a writer is back."""
        if self.index is None:
            return True
        async with self.pool.acquire() as connection:
            await index_erasures.ask(connection, run_id)
        until = asyncio.get_running_loop().time() + seconds
        while True:
            async with self.pool.acquire() as connection:
                if not await index_erasures.waiting(connection, run_id):
                    return True
                if asyncio.get_running_loop().time() >= until:
                    now = await index_state.state(connection)
                    return not now.written or now.trouble is not None
            await asyncio.sleep(0.1)

    async def traces(self, run_id: str, after: str) -> tuple[dict[str, int], str | None]:
        """What is left of the next addresses, and, with the last of them, of bodies and texts."""
        async with self.pool.acquire() as connection:
            urls, following = await erase.chosen(connection, run_id, after, _PART)
            found = await traces.of_addresses(connection, urls) if urls else {}
            if following is None:
                found |= await traces.of_hashes(connection, run_id)
                found |= await self._in_index(await index_erasures.erased(connection, run_id))
        return found, following

    async def _in_index(self, texts: list[bytes]) -> dict[str, int]:
        left = await self.index.traces(texts) if self.index is not None else ()
        return {"files of the search index": len(left)} if left else {}

    async def patterns(self, run_id: str) -> AsyncIterator[str]:
        """Regular expressions of the chosen addresses, some hundred each."""
        after: str | None = ""
        while after is not None:
            async with self.pool.acquire() as connection:
                urls, after = await erase.chosen(connection, run_id, after, _PART)
            if urls:
                yield traces.pattern(urls)

    async def artifacts(self, after: str, most: int) -> list[dict[str, str]]:
        """The next reports, manifests and outcomes: `key`, `kind`, `name`, `digest`, `media`."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "select kind || '/' || name as key, kind, name, encode(hash, 'hex') as digest, "
                "media from artifacts where kind || '/' || name > $1 order by 1 limit $2",
                after,
                most,
            )
        return [dict(row) for row in rows]

    async def replace_artifact(
        self, run_id: str, kind: str, name: str, old: str, new: str | None
    ) -> None:
        """Give an artifact another body, or none; the old one is deleted with the others."""
        async with self.pool.acquire() as connection, connection.transaction():
            await erase.note_body(connection, run_id, old)
            if new is None:
                await connection.execute(
                    "delete from artifacts where kind = $1 and name = $2", kind, name
                )
            else:
                await connection.execute(
                    "update artifacts set hash = $3 where kind = $1 and name = $2",
                    kind,
                    name,
                    bytes.fromhex(new),
                )

    async def announce(self, digest: str, size: int) -> None:
        """Make a body's row before its bytes are visible."""
        async with self.pool.acquire() as connection:
            await blob_index.announce(connection, digest, size, self.clock())
