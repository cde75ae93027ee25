"""PostgreSQL, Temporal and the blobs of one Atlas, each opened when it is first needed.

So searching works while Temporal is down, and does not import its client. This is the one place
where errors of asyncpg and the Temporal SDK become those of `starter.errors`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING
from weakref import WeakSet

import asyncpg

from atlas.embedded.endpoints import external_temporal
from atlas.locations import Locations, NotRunning, locate
from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.connection import LOST, DatabaseUnreachable, open_pool, shown, why_lost
from atlas.stores.postgres.migrate import SchemaMismatch, verify
from atlas.telemetry import RunSpan, Telemetry, page_span, setup_telemetry
from atlas.temporal.keyring import EncryptionError
from starter.errors import DatabaseDown, InvalidRequest, NotFound, Refused, TemporalDown

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.service import RPCError

    from atlas.stores.blobs import Blobs
    from atlas.stores.postgres.connection import Connection
    from atlas.stores.search.port import SearchIndex

_CLOSING = 5.0


class Parts:
    """The parts that a client talks to. Not opened before use, closed by `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        try:
            self.locations: Locations = locate(settings)
            self._keyring = settings.keyring()
            self._telemetry: Telemetry = setup_telemetry("atlas-client")
        except (SettingsError, ValueError) as error:
            raise InvalidRequest(str(error)) from None
        self._pool: asyncpg.Pool | None = None
        self._client: Client | None = None
        self._index: SearchIndex | None = None
        self._opening = asyncio.Lock()
        self._run_spans: WeakSet[RunSpan] = WeakSet()

    def run_span(self, name: str) -> RunSpan:
        """The span that the trace of a run begins with, where spans are exported."""
        span = RunSpan(name if self._telemetry.enabled else "")
        self._run_spans.add(span)
        return span

    def untraced(self, name: str) -> AbstractContextManager[object]:
        """A block that runs too often to be traced; its failures are, where spans are exported."""
        return page_span(name, sampled=False) if self._telemetry.enabled else nullcontext()

    async def close(self) -> None:
        """Close every connection and export the remaining spans."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(_CLOSING):
                    await self._pool.close()
            except Exception:  # the server is gone, or a caller still holds a connection
                self._pool.terminate()
        if self._index is not None:
            await self._index.close()
        for span in self._run_spans:  # of runs that nobody waited for to their end
            span.end()
        await asyncio.to_thread(self._telemetry.shutdown)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Connection]:
        """A connection. Raises `DatabaseDown`, or `Refused` where the schema does not fit."""
        pool = await self.pool()
        with translated(self._where()):
            async with pool.acquire() as connection:
                yield connection

    async def pool(self) -> asyncpg.Pool:
        """The pool, opened once. Raises as `database` does."""
        async with self._opening:
            if self._pool is None:
                self._pool = await self._open_pool()
        return self._pool

    def search_index(self) -> SearchIndex:
        """The search index; opened once."""
        if self._index is None:
            from atlas.locations import search_index
            from atlas.stores.postgres.index import shown_hits

            # While PostgreSQL is connected to: the first search would wait for it.
            threading.Thread(target=shown_hits.prepare, daemon=True).start()
            self._index = search_index(self.settings)
        return self._index

    async def check(self) -> None:
        """Raise unless PostgreSQL answers and Temporal's namespace belongs to its corpus.

        Otherwise a run would silently wait for a database, or work for another Atlas. Where no
        address of PostgreSQL is known, only the workers can check.
        """
        if self.locations.database_url is None:
            return
        async with self.database() as connection:
            ours = str(await connection.fetchval("select corpus_id from corpus"))
        from atlas.health.start_checks import recorded_corpus

        async with self.temporal() as client:
            theirs = await recorded_corpus(client)
        if theirs not in (None, ours):
            raise Refused(
                f"Temporal at {self.temporal_address} belongs to another Atlas (corpus {theirs}) "
                f"than PostgreSQL at {self._where()} (corpus {ours}). Start the stack of this home "
                "with `atlas up -d`, or correct TEMPORAL_ADDRESS or ATLAS_DATABASE_URL."
            )

    @asynccontextmanager
    async def temporal(self) -> AsyncIterator[Client]:
        """The client. Raises `TemporalDown`, or `Refused` for what Temporal refuses or we cannot
        decrypt."""
        client = await self._connected()
        from temporalio.service import RPCError

        try:
            yield client
        except EncryptionError as error:
            raise Refused(str(error)) from None
        except RPCError as error:
            raise self.temporal_error(error, client.namespace) from error

    @asynccontextmanager
    async def blobs(self) -> AsyncIterator[Blobs]:
        """The blob store. Raises `Refused` when it does not open, or a blob is missing."""
        from atlas.domain.blob import BlobError
        from atlas.stores.blobs import open_blobs

        try:
            async with open_blobs(self.locations.blobs, s3=self.locations.s3) as blobs:
                yield blobs
        except (BlobError, ValueError) as error:
            raise Refused(f"the blob store: {error}") from None

    async def run_is_open(self, workflow_id: str, run_id: str) -> bool:
        """Whether Temporal has the run under way; for `catalogue.remove_source`."""
        from atlas.temporal.connection import run_is_open

        async with self.temporal() as client:
            return await run_is_open(client, workflow_id, run_id)

    def temporal_error(self, error: RPCError, namespace: str) -> Exception:
        """An error of the Temporal service, with its meaning and the fix."""
        from temporalio.service import RPCStatusCode

        from atlas.temporal.connection import PASSING

        if error.status in PASSING:
            return TemporalDown(
                f"Temporal does not answer at {self.temporal_address}: {error.message}. "
                "Start the embedded stack with `atlas up -d`, or set TEMPORAL_ADDRESS."
            )
        if error.status is RPCStatusCode.NOT_FOUND:
            return NotFound(f"Temporal at {self.temporal_address}, {namespace}: {error.message}")
        return Refused(f"Temporal at {self.temporal_address} refused: {error.message}")

    @property
    def temporal_address(self) -> str:
        """host:port of the server that is asked."""
        if self._client is not None:
            return self._client.service_client.config.target_host
        return self.locations.temporal_address or "127.0.0.1:7233"

    def look_again(self) -> None:
        """Reconnect at the next use if the embedded Temporal has moved: after a restart it uses
        another port if its own is taken."""
        now = locate(self.settings)
        if now.temporal_address not in (None, self.locations.temporal_address):
            self.locations, self._client = now, None

    async def _connected(self) -> Client:
        from atlas.temporal.connection import TemporalUnreachable, connect

        if self.locations.temporal_address is None and external_temporal() is None:
            # Temporal's own default address may be another home's server.
            raise TemporalDown(
                "Temporal: no address is known. Start the embedded stack with `atlas up -d`, "
                "or set TEMPORAL_ADDRESS."
            )
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await connect(
                        self.locations.temporal_address,
                        secrets=self.locations.temporal_secrets,
                        keyring=self._keyring,
                        plugins=self._telemetry.plugins,
                        quiet=True,
                    )
                except TemporalUnreachable as error:
                    raise TemporalDown(str(error)) from None
        return self._client

    async def _open_pool(self) -> asyncpg.Pool:
        try:
            # None is kept open: asyncpg would log tracebacks while PostgreSQL restarts.
            pool = await open_pool(
                self.locations.require_database(), size=4, minimum=0, leisurely=True
            )
        except NotRunning as error:
            raise DatabaseDown(str(error)) from None
        except DatabaseUnreachable as error:
            raise (DatabaseDown if error.passing else Refused)(str(error)) from None
        try:
            with translated(self._where()):
                async with pool.acquire() as connection:
                    await verify(connection)
        except BaseException as error:
            pool.terminate()
            if isinstance(error, SchemaMismatch):
                raise Refused(str(error)) from None
            raise
        return pool

    def _where(self) -> str:
        return shown(self.locations.database_url or "")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate errors of asyncpg; `where` is the address without credentials."""
    try:
        yield
    except LOST as error:
        raise DatabaseDown(why_lost(where, error)) from error
    except asyncpg.PostgresError as error:
        raise Refused(f"PostgreSQL at {where} refused: {error}") from error
