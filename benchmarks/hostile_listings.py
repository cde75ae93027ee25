"""What a neighbour's `fetch_url` takes beside each hostile listing, and how far the worker grows.

One embedded stack with one worker. The listings are served from here, compressed; for each, the
neighbour is fetched again and again as long as the run of the listing lasts. The first row is a
harmless listing: a run costs the neighbour something on a machine of few cores, whatever it reads.
A look past a bound is repeated, as the machine may have other work; the best of them counts.

    python -m benchmarks hostile_listings            # every case
    python -m benchmarks.hostile_listings rss json   # those whose names contain one of the words
"""

from __future__ import annotations

import asyncio
import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.sources import Kind, SourceSpec
from atlas.embedded.stack_record import read_stack
from atlas.stores.postgres.sources import sources
from benchmarks.pipeline import stack
from tests.hostile import listings
from tests.hostile.neighbour import MAX_GROWTH, MAX_RATIO, Beside, neighbour
from tests.origin import Origin, Reply

HARMLESS = "harmless"
LOOKS = 4
"""At a case that is past a bound, at most."""
LONGEST_RUN = 60.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    result: SyncResult
    seen: Beside
    seconds: float
    looks: int = 1

    @property
    def past(self) -> bool:
        over = self.seen.ratio > MAX_RATIO or self.seen.grown > MAX_GROWTH
        return over or self.seconds > LONGEST_RUN

    def __str__(self) -> str:
        seen, result = self.seen, self.result
        return (
            f"{self.name:30} {statistics.median(seen.times) * 1000:6.0f} ms beside "
            f"{seen.calm * 1000:4.0f}, ratio {seen.ratio:4.2f} ({len(seen.times)} times, look "
            f"{self.looks}); worker +{seen.grown} MiB; {result.outcome}, {result.counts.seen} seen "
            f"in {self.seconds:.0f} s"
        )


def main(*words: str) -> None:
    """Print a table, and what is past its bounds."""
    asyncio.run(_measure(words))


async def _measure(words: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "ATLAS_HOME": home,
            "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "ATLAS_EXTRACT_TIMEOUT": "20",
        }
        async with AsyncExitStack() as opened:
            origin = await opened.enter_async_context(Origin())
            database_url, client = await opened.enter_async_context(stack(Path(home)))
            found = read_stack(Path(home))
            assert found is not None
            pid = found.parts["worker"].pid
            _sum_up(await _table(origin, client, database_url, pid, words))


async def _table(
    origin: Origin, client: Client, database_url: str, pid: int, words: Sequence[str]
) -> list[_Row]:
    await _run(client, database_url, "warm", "feed", origin.url("/none"))
    rows = []
    async with neighbour(client, pid) as beside:
        for name, (kind, reply, rules) in _cases(origin).items():
            if words and name != HARMLESS and not any(word in name for word in words):
                continue
            path = "/" + "".join(each if each.isalnum() else "-" for each in name.lower())
            origin.reply(path, reply)
            looks: list[_Row] = []
            while not looks or (looks[-1].past and len(looks) < LOOKS):
                source = name if not looks else f"{name} {len(looks) + 1}"
                began = time.monotonic()
                run = _run(client, database_url, source, kind, origin.url(path), **rules)
                result, seen = await beside.beside(run)
                seconds = time.monotonic() - began
                looks.append(_Row(name, result, seen, seconds, len(looks) + 1))
            rows.append(min(looks, key=lambda look: (look.past, look.seen.ratio)))
            print(rows[-1], flush=True)
    return rows


def _sum_up(rows: Sequence[_Row]) -> None:
    ratios = sorted(row.seen.ratio for row in rows)
    past = [row.name for row in rows if row.past]
    print(
        f"{len(rows)} cases: ratio {statistics.median(ratios):.2f} in the middle, {ratios[-1]:.2f} "
        f"at most; worker +{max(row.seen.grown for row in rows)} MiB at most; longest run "
        f"{max(row.seconds for row in rows):.0f} s; past a bound in every one of {LOOKS} looks: "
        f"{', '.join(past) or 'none'}"
    )


def _cases(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    """A harmless one, the largest of each kind, then every case of `tests/hostile`."""
    locs = "".join(f"<url><loc>{origin.url('/p')}?{n}</loc></url>" for n in range(100))
    harmless = _compressed(f"<urlset>{locs}</urlset>")
    return {HARMLESS: ("sitemap", harmless, {"max_pages": 1}), **_large(origin), **_hostile(origin)}


def _hostile(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    origin.page("/p", "<main><p>All about the harbour.</p></main>")
    entry = listings.FORMS["sitemap"][2].replace("<base>", origin.base)
    origin.page("/map.xml", f"<urlset>{entry}</urlset>", content_type="application/xml")
    rules = {"listing_entries": listings.limits(1).entries}
    return {
        case.name: (
            case.kind,
            Reply(case.body(origin.base), content_type="application/gzip")
            if case.packed
            else _compressed(case.body(origin.base).decode()),
            rules,
        )
        for case in listings.cases(1)
    }


def _large(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    def urlset(part: int, tail: str, many: int = 50_000) -> str:
        locs = (f"<url><loc>{origin.base}/{part}/{n}/{tail}</loc></url>" for n in range(many))
        return f"<urlset>{''.join(locs)}</urlset>"

    for part in range(6):
        origin.reply(f"/part{part}", _compressed(urlset(part, "x" * 900)))
    index = "".join(f"<sitemap><loc>{origin.url(f'/part{n}')}</loc></sitemap>" for n in range(6))
    few = {"max_pages": 10}
    patterns = (".*print.*page", r"\w*\w*\w*!")
    found: dict[str, tuple[Kind, str, dict[str, Any]]] = {
        "<url/>, 49 MB": ("sitemap", listings.large_sitemap(), few),
        "slow feed": ("feed", listings.SLOW_FEED, few),
        "{},, 24 MB": ("feed", listings.large_json(), few),
        "RSS items, 32 MB": ("feed", listings.large_rss(), few),
        "one sitemap of 45 MB": ("sitemap", urlset(0, "x" * 850), few),
        "index of 6 x 50,000": ("sitemap", f"<sitemapindex>{index}</sitemapindex>", few),
        "patterns": ("sitemap", urlset(0, "print" * 190, 2_000), few | {"exclude": patterns}),
    }
    return {name: (kind, _compressed(text), rules) for name, (kind, text, rules) in found.items()}


def _compressed(text: str) -> Reply:
    body = gzip.compress(text.encode(), 1)
    headers = {"Content-Encoding": "gzip"}
    return Reply(body, headers=headers, content_type="application/xml")


async def _run(
    client: Client, database_url: str, name: str, kind: Kind, url: str, **rules: Any
) -> SyncResult:
    name = "".join(each for each in name.lower() if each.isalnum()) or "x"
    connection = await asyncpg.connect(database_url)
    spec = SourceSpec(name=name, kind=kind, urls=(url,), delay=0, parallel=8, **rules)
    await sources.add(connection, spec, datetime.now(UTC))
    await connection.close()
    return await client.execute_workflow(
        "sync_pipeline",
        SyncRequest(sources=[name]),
        id=f"sync_pipeline:{name}",
        task_queue=QUEUE,
        result_type=SyncResult,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
