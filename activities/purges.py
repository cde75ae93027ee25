"""Erasure, a part at a time; each part may be repeated, and a later one believes no earlier one."""

from __future__ import annotations

import html
import json
import re
import time
from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.purge_documents import (
    MAX_REMAINS_LISTED,
    EndPurge,
    PurgeEnded,
    PurgeStep,
    PurgeStepDone,
)
from atlas.domain.blob import BlobCorrupt, BlobMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.services.purges import PurgeStore

WORKING_SECONDS = 30.0
"""An activity returns after this time with where to continue, so that a retry repeats little."""
_ARTIFACTS = 20
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_ERASED = "(erased)"


class Purging:
    """Erases what a run has chosen. `PurgeStore` makes every change to rows."""

    def __init__(self, store: PurgeStore, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    @activity.defn
    async def purge_part(self, request: PurgeStep) -> PurgeStepDone:
        """Do the next part of a stage."""
        match request.stage:
            case "choose":
                return await self._choose(request)
            case "keep_away":
                done = await self._store.keep_away(request.run_id, request.reason)
                return PurgeStepDone(cursor="more" if done else None, done=done)
            case "erase":
                return await self._erase(request)
            case "scrub":
                following = await self._store.scrub_part(request.run_id, request.cursor)
                return PurgeStepDone(cursor=following)
            case "artifacts":
                return await self._artifacts(request)
            case "bodies":
                done = await self._store.delete_bodies(request.run_id)
                if not done and await self._store.erase_from_index(request.run_id, WORKING_SECONDS):
                    return PurgeStepDone()
                return PurgeStepDone(cursor="more", done=done)
        found, following = await self._store.traces(request.run_id, request.cursor)
        return PurgeStepDone(cursor=following, traces=found)

    @activity.defn
    async def erase_again(self, request: EndPurge) -> None:
        """Take everything chosen up once more: something was left."""
        await self._store.erase_again(request.run_id)

    @activity.defn
    async def end_purge(self, request: EndPurge) -> PurgeEnded:
        """Count what was erased, forget the hosts on which nothing is left, and the list."""
        totals = await self._store.totals(request.run_id)
        mentions = await self._store.mentions(request.run_id)
        hosts: list[str] = []
        if request.forget:
            on = await self._store.hosts_of(request.run_id)
            hosts = sorted(await self._store.empty_hosts(on))
        await self._store.forget(request.run_id)
        return PurgeEnded(**totals, hosts=hosts[:MAX_REMAINS_LISTED], mentions=mentions)

    async def _choose(self, request: PurgeStep) -> PurgeStepDone:
        if request.source is not None:
            refused = await self._store.unknown_source(request.source)
            if refused:
                return PurgeStepDone(refused=refused)
        following = await self._store.choose(request)
        return PurgeStepDone(cursor=None if following is None else str(following))

    async def _erase(self, request: PurgeStep) -> PurgeStepDone:
        until, done = time.monotonic() + WORKING_SECONDS, 0
        while True:
            part = await self._store.erase_part(request.run_id, patient=request.patient)
            done += part.pages
            if not part.pages:
                cursor = "held" if part.held else None
                return PurgeStepDone(cursor=cursor, done=done, held=part.held)
            if time.monotonic() >= until or activity.is_worker_shutdown():
                return PurgeStepDone(cursor="more", done=done)

    # Reports, manifests and outcomes

    async def _artifacts(self, request: PurgeStep) -> PurgeStepDone:
        """Rewrite the next artifacts that name something erased."""
        patterns = [re.compile(each) async for each in self._store.patterns(request.run_id)]
        rows = await self._store.artifacts(request.cursor, _ARTIFACTS)
        rewritten = 0
        for row in rows:
            rewritten += await self._rewrite(request.run_id, row, patterns)
        following = rows[-1]["key"] if len(rows) == _ARTIFACTS else None
        return PurgeStepDone(cursor=following, done=rewritten)

    async def _rewrite(
        self, run_id: str, row: Mapping[str, str], patterns: list[re.Pattern[str]]
    ) -> bool:
        try:
            body = await self._blobs.get(row["digest"])
        except (BlobMissing, BlobCorrupt):
            return False  # an audit says so
        text = body.decode("utf-8", "surrogateescape")
        cleaned = without(text, patterns, row["media"])
        if cleaned == text:
            return False
        new: str | None = None
        if row["kind"] != "manifest":  # those are known by the hash of what they say
            body = cleaned.encode("utf-8", "surrogateescape")
            async with self._blobs.writer() as writer:
                await writer.write(body)
                ref = await writer.finish()
                await self._store.announce(ref.digest, ref.size)
                await writer.publish()
            new = ref.digest
        await self._store.replace_artifact(run_id, row["kind"], row["name"], row["digest"], new)
        return True


def without(text: str, patterns: list[re.Pattern[str]], media: str) -> str:
    """A report or a list without the addresses. Lines of JSON that name one go as a whole; HTML is
    searched as it is written."""
    if media == "application/x-ndjson":
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if not _named(_said(line), patterns))
    for each in patterns:
        text = each.sub(_ERASED, text)
        if "&" in text:
            text = _without_escaped(text, each)
    return text


def _without_escaped(text: str, pattern: re.Pattern[str]) -> str:
    """Without the addresses that HTML writes with `&amp;` and the like."""

    def erased(found: re.Match[str]) -> str:
        plain = html.unescape(found[0])
        if not pattern.search(plain):
            return found[0]
        return html.escape(pattern.sub(_ERASED, plain), quote=False)

    return _ADDRESS.sub(erased, text)


def _said(line: str) -> str:
    try:
        return json.dumps(json.loads(line), ensure_ascii=False)
    except ValueError:
        return line


def _named(text: str, patterns: list[re.Pattern[str]]) -> bool:
    return any(each.search(text) for each in patterns)
