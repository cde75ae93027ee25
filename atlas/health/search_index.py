"""The search index in an engine: read and searched, kept in step by a process, and how far behind.

What is wrong is told apart by what helps: nobody writes, the writer is held up (a full disk, an
engine that is away), the folder was deleted, it is damaged or of another corpus.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.index_parts import lexeme_query
from atlas.health.probe import ProbeResult, degraded, failing
from atlas.locations import search_index
from atlas.settings import Settings
from atlas.stores.postgres.index import index_state
from atlas.stores.postgres.index.index_state import IndexState
from atlas.stores.postgres.reporting.probes import probe_connection
from atlas.stores.search.port import (
    DamagedGeneration,
    MissingGeneration,
    SearchIndex,
    SearchIndexError,
    StoredGeneration,
    TextScope,
)

TAKEN_OVER = 12.0
"""Seconds within which another process takes over from a writer that died, or a worker that just
started begins: what passes by itself is not reported where one can wait for it."""
BEHIND_SECONDS = 120.0
"""A step takes less than a second; a build, or a rush of changes, may take minutes."""

MEND = "See the log of the worker that writes the index; `atlas status` shows how far it is"
_START = "Start a worker (`atlas up -d`, `atlas worker`), or run `atlas index follow`"
_REBUILT = "Nothing: the index is being rebuilt, and serves once it is complete"
_GOES_ON = "Do what it says; the index then goes on by itself from where it was"


async def index(database_url: str, settings: Settings, *, patience: float = 0.0) -> ProbeResult:
    """Whether searches read an index that fits, and a process keeps it in step. What is wrong for
    less than `patience` seconds is not reported."""
    clock = asyncio.get_running_loop()
    until = clock.time() + patience
    while True:
        found = await _index(database_url, settings)
        if found.status == "ok" or clock.time() >= until:
            return found
        await asyncio.sleep(0.5)


async def _index(database_url: str, settings: Settings) -> ProbeResult:
    engine = search_index(settings)
    try:
        async with probe_connection(database_url) as connection:
            corpus = await connection.fetchval("select corpus_id::text from corpus")
            now = await index_state.state(connection)
        return _held_up(now) or await _read(engine, corpus, now, where(settings)) or _behind(now)
    except SearchIndexError as error:
        return failing(str(error), _GOES_ON)
    finally:
        with suppress(SearchIndexError):
            await engine.close()


def where(settings: Settings) -> str:
    """Where the index is, without a password."""
    url = settings.search.opensearch_url
    if settings.search.search == "opensearch" and url is not None:
        bare = httpx.URL(url.get_secret_value()).copy_with(username=None, password=None)
        return str(bare)
    return str(settings.index_folder)


def _held_up(now: IndexState) -> ProbeResult | None:
    if now.trouble is None or not now.written:
        return None
    since = f" since {now.trouble_since:%Y-%m-%d %H:%M}Z" if now.trouble_since else ""
    return failing(f"the search index does not follow{since}: {now.trouble}", _GOES_ON)


async def _read(
    engine: SearchIndex, corpus: str, now: IndexState, place: str
) -> ProbeResult | None:
    """What is wrong with the generation that serves; None: nothing."""
    try:
        serving = await engine.serving()
        stored = {each.number: each for each in await engine.generations()}
        if serving is None or serving not in stored:
            return _gone(now, serving, place)
        # Read through, not only opened: the query has a term of nearly every English text.
        await engine.search(lexeme_query("the"), TextScope(), 1, generation=serving)
    except DamagedGeneration as error:
        return failing(str(error), _REBUILT if now.written else _START)
    except MissingGeneration:
        return _gone(now, serving, place)
    return _unfit(stored[serving], corpus, now)


def _gone(now: IndexState, serving: int | None, place: str) -> ProbeResult:
    if now.generation is None and serving is None:
        said = f"there is no search index in {place} yet"
    elif serving is None:
        said = f"the search index in {place} is gone: it was deleted"
    else:
        said = f"generation {serving}, which searches read, is not in {place}, or is damaged"
    if now.written:
        return degraded(f"{said}; a process builds it", _REBUILT)
    return failing(f"{said}, and no process builds it", _START)


def _unfit(found: StoredGeneration, corpus: str, now: IndexState) -> ProbeResult | None:
    if found.origin.corpus != corpus:
        return failing(
            f"generation {found.number} of the search index belongs to another corpus",
            "Give each Atlas an index of its own (ATLAS_INDEX_FOLDER), then restart its workers: "
            "a worker that starts builds it",
        )
    if found.origin.analyser != ANALYSER_VERSION and not now.written:
        return degraded(
            f"analyser {found.origin.analyser} built the index, and queries use a newer one",
            _START,
        )
    return None


def _behind(now: IndexState) -> ProbeResult:
    lag = f"{now.documents_behind} documents, {now.seconds_behind:.0f} s behind"
    at = f"change {now.read_up_to} of {now.last}"
    if not now.written:
        if now.documents_behind:
            return failing(f"no process keeps the search index in step: {lag} ({at})", _START)
        return degraded("no process keeps the search index in step", _START)
    if now.seconds_behind > BEHIND_SECONDS:
        return degraded(
            f"the search index is {lag} ({at})",
            "Wait while it catches up; if it falls further behind, look at the load of the worker "
            "that writes it, or give it a process of its own (`atlas index follow`)",
        )
    return ProbeResult(f"generation {now.generation} has read {at}, {lag}")
