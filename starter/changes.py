"""The feed of changes for programs: `AtlasClient.changes`.

async for change in atlas.changes(since=kept, follow=True, content="text"):
    apply(change)
    keep(change.cursor)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Literal, Self, get_args

from atlas.domain import change_cursors
from starter.errors import DatabaseDown, ExpiredCursor, InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.domain.change_cursors import ChangeCursor
    from atlas.stores.postgres.changes.change_reader import ChangePart, CorpusChange
    from atlas.stores.postgres.changes.change_signal import ChangeSignal
    from starter.connection import Parts

TextForm = Literal["text", "markdown", "chunks"]
"""What of a document may come with its change."""

_PART = 500
"""Changes read at once."""
_RETRY = 2.0
"""Seconds between two attempts of a follower to reach a PostgreSQL that does not answer."""


class ChangeStream:
    """Changes as they are read: an async iterator. `cursor` is where to go on behind those that
    it has yielded."""

    def __init__(
        self,
        parts: Parts,
        since: str,
        *,
        follow: bool,
        source: str | None,
        content: TextForm | None,
        limit: int | None,
    ) -> None:
        if content not in (None, *get_args(TextForm)):
            known = ", ".join(get_args(TextForm))
            raise InvalidRequest(f"content: {content!r} refused: give one of {known}")
        if limit is not None and limit < 1:
            raise InvalidRequest(f"limit: {limit} refused: give 1 or more")
        self._parts = parts
        self._follow = follow
        self._source = source
        self._content = content
        self._limit = limit
        self._coming = self._changes(since)
        self.cursor = since

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CorpusChange:
        """The next change. Raises `InvalidRequest`, `ExpiredCursor`, `NotFound`, `CannotConnect`;
        a follower waits for the next, and for a PostgreSQL that does not answer."""
        return await anext(self._coming)

    async def aclose(self) -> None:
        """End it; the kept cursor brings again whatever was not dealt with."""
        await self._coming.aclose()

    async def _changes(self, since: str) -> AsyncGenerator[CorpusChange]:
        place = await self._begin(since)
        self.cursor = str(place)
        given = 0
        async with self._signal() as signal:
            while True:
                try:
                    part = await self._part(place)
                    async for change in self._with_texts(part):
                        self.cursor = change.cursor
                        yield change
                        given += 1
                        if given == self._limit:
                            return
                except DatabaseDown:
                    if not self._follow:
                        raise
                    place = change_cursors.parse(self.cursor)
                    await asyncio.sleep(_RETRY)
                    continue
                place = part.cursor
                self.cursor = str(place)
                if part.more:
                    continue
                if signal is None:
                    return
                await signal.wait()

    async def _begin(self, since: str) -> ChangeCursor:
        from atlas.stores.postgres.changes import change_reader
        from atlas.stores.postgres.sources import sources

        async with self._parts.database() as connection:
            if self._source is not None:
                try:
                    await sources.get(connection, self._source)
                except sources.UnknownSource as error:
                    raise NotFound(str(error)) from None
            with _refused():
                if since in (change_cursors.START, change_cursors.NOW):
                    state = await change_reader.state(connection)
                    return state.begin if since == change_cursors.START else state.end
                place = change_cursors.parse(since)
                await change_reader.verify(connection, place)
                return place

    async def _part(self, place: ChangeCursor) -> ChangePart:
        from atlas.stores.postgres.changes import change_reader

        read = change_reader.read if place.page is None else change_reader.live
        with self._parts.untraced("read changes"):
            async with self._parts.database() as connection:
                with _refused():
                    return await read(connection, place, _PART, self._source)

    async def _with_texts(self, part: ChangePart) -> AsyncIterator[CorpusChange]:
        from atlas.stores.postgres.changes import change_reader

        if self._content is None:
            for read in part.changes:
                yield read.change
            return
        async with self._parts.database() as connection:
            pieces = await change_reader.portions(connection, part.changes, self._content)
        for piece in pieces:
            async with self._parts.database() as connection:
                found = await change_reader.with_texts(connection, piece, self._content)
            for change in found:
                yield change

    @asynccontextmanager
    async def _signal(self) -> AsyncIterator[ChangeSignal | None]:
        """What wakes a follower; None: this reader ends where the feed does."""
        if not self._follow:
            yield None
            return
        from atlas.stores.postgres.changes.change_signal import change_signal

        async with change_signal(self._parts.locations.require_database()) as signal:
            yield signal


@contextmanager
def _refused() -> Iterator[None]:
    """Raise the client's errors for a cursor that cannot go on."""
    try:
        yield
    except change_cursors.ExpiredCursor as error:
        raise ExpiredCursor(f"since: {error}") from None
    except change_cursors.InvalidCursor as error:
        raise InvalidRequest(f"since: {error}") from None
