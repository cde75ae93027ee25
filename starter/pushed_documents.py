"""Documents that Atlas does not fetch: `atlas.put(url, body)` and `atlas.withdraw(url)`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from starter.connection import Parts
from starter.errors import InvalidRequest
from starter.page_urls import canonical_url

if TYPE_CHECKING:
    from atlas.contracts.jobs import Trigger
    from atlas.contracts.push_documents import PushResult
    from atlas.stores.postgres.connection import Connection
    from starter.runs.handles import JobHandle

Body = bytes | str | BinaryIO | AsyncIterable[bytes] | Iterable[bytes]
"""The bytes of a document, whole or in pieces; a text is sent as UTF-8."""

_PIECE = 256 * 1024


class PushedDocuments:
    """What is put into sources of kind `push`, and withdrawn from them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def put(
        self,
        url: str,
        body: Body,
        *,
        source: str | None = None,
        content_type: str | None = None,
        title: str | None = None,
        modified: datetime | None = None,
        trigger: Trigger = "client",
    ) -> JobHandle[PushResult]:
        """Start `push_documents`: make `body` what the document at `url` says. Nothing is fetched.

        `source` is one of kind `push`; by default the one whose URL is the nearest above. `title`
        stands instead of the one that the body states; `content_type` is what a server would send,
        such as `text/markdown` (a text is UTF-8). When this returns, the body is stored and
        Temporal has the run: nothing is lost if a process ends. `await run.result()` waits until
        the document can be found. The same body again changes nothing; of two bodies for one URL
        the one that was put later stays.

        Raises `InvalidRequest` (also for a URL that a source fetches, and a body larger than
        ATLAS_FETCH_MAX_BYTES), `Refused`, `CannotConnect`.
        """
        url = canonical_url(url)
        if isinstance(body, str):
            body, content_type = body.encode(), _as_utf8(content_type)
        document: dict[str, Any] = {
            "url": url,
            "content_type": content_type,
            "title": title,
            "modified": modified,
        }
        self._check({"documents": [{**document, "snapshot": "0" * 64}], "source": source})
        async with self._parts.database() as connection:
            await _refuse(connection, url, source)
        document["snapshot"] = await self._store(body)
        return await start_push(self._parts, {"documents": [document], "source": source}, trigger)

    async def withdraw(
        self,
        *urls: str,
        source: str | None = None,
        confirmed: bool = False,
        trigger: Trigger = "client",
    ) -> JobHandle[PushResult]:
        """Start `push_documents`: say of pushed documents that they are gone. They leave the corpus
        by the deletion rule of their source, at once unless that is `keep`; so many within a day
        that it may be a mistake wait for a person (`deletions`), unless they are `confirmed`. Their
        versions stay as history.

        Raises `InvalidRequest`, `CannotConnect`.
        """
        wanted = sorted({canonical_url(url) for url in urls})
        fields = {"withdraw": wanted, "source": source, "confirmed": confirmed}
        self._check(fields)
        async with self._parts.database() as connection:
            for url in wanted:
                await _refuse(connection, url, source, held_only=True)
        return await start_push(self._parts, fields, trigger)

    def _check(self, fields: dict[str, Any]) -> None:
        """Before a body is stored for nothing."""
        from starter.runs.start import checked, kind_named

        checked(kind_named("push_documents").request, fields)

    async def _store(self, body: Body) -> str:
        """The body in the blob store, its row before it; its hash."""
        from atlas.stores.postgres.crawl.bodies import blob_index

        most, size = self._parts.settings.fetch.fetch_max_bytes, 0
        async with self._parts.blobs() as blobs, blobs.writer() as writer:
            async for piece in _pieces(body):
                size += len(piece)
                if size > most:
                    raise InvalidRequest(
                        f"body: larger than {most} bytes; ATLAS_FETCH_MAX_BYTES sets the most that "
                        "a document may have"
                    )
                await writer.write(piece)
            ref = await writer.finish()
            async with self._parts.database() as connection:
                await blob_index.announce(connection, ref.digest, ref.size, datetime.now(UTC))
            await writer.publish()
        return ref.digest


async def _refuse(
    connection: Connection, url: str, source: str | None, *, held_only: bool = False
) -> None:
    """Raise `InvalidRequest` for an address that no push source takes. The run decides; this saves
    its caller from waiting for that. `held_only`: an address that no source holds is none of it."""
    from atlas.stores.postgres.services.pushes import target_of

    target = await target_of(connection, url, source, held_only=held_only)
    if target is not None and target.refused:
        raise InvalidRequest(f"url: {target.refused}")


def _as_utf8(content_type: str | None) -> str | None:
    if content_type is None or "charset=" in content_type.lower():
        return content_type
    return f"{content_type}; charset=utf-8"


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
    elif isinstance(body, str):
        yield body.encode()
    elif isinstance(body, AsyncIterable):
        async for piece in body:
            yield piece
    elif hasattr(body, "read"):
        while piece := body.read(_PIECE):
            yield piece
    else:
        for piece in body:
            yield piece


async def start_push(
    parts: Parts, fields: dict[str, Any], trigger: Trigger
) -> JobHandle[PushResult]:
    """Draw the place of what is put or withdrawn, and start the run for it."""
    from atlas.stores.postgres.crawl.bodies import delivered_bodies
    from starter.runs.start import kind_named, start_type

    named = [each["url"] for each in fields.get("documents", ())]
    async with parts.database() as connection, connection.transaction():
        place = await delivered_bodies.draw_place(
            connection, sorted({*named, *fields.get("withdraw", ())})
        )
    kind = kind_named("push_documents")
    try:
        return await start_type(parts, kind, {**fields, "place": place}, trigger)
    except BaseException:
        # Without it, later puts for the address would wait a minute for this one.
        with suppress(Exception):
            async with parts.database() as connection:
                await delivered_bodies.give_up(connection, place)
        raise
