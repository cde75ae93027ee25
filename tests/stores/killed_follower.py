"""A process that follows the feed until it kills itself, with SIGKILL, before or after a call of
the engine: `killed_follower.py URL FOLDER METHOD NUMBER before|after`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg

from atlas.lease_holders import holder_name
from atlas.stores.postgres.changes.change_signal import change_signal
from atlas.stores.postgres.services import index_follower
from atlas.stores.postgres.services.text_copier import analyse_aside
from atlas.stores.search.tantivy_engine import TantivyIndex

index_follower._COPIED = 3  # so that a build takes several steps


def cannot_merge(index: TantivyIndex) -> None:
    """The first time it says that only a new generation is without an erased text, although tantivy
    may just have merged the segment that had it."""
    expunge = index.expunge
    asked = False

    async def once(generation: int, texts: Any) -> bool:
        nonlocal asked
        done = await expunge(generation, texts)
        first, asked = not asked, True
        return done and not first

    index.expunge = once  # type: ignore[method-assign]


def dying(index: TantivyIndex, method: str, number: int, when: str) -> None:
    calls = 0
    called = getattr(index, method)

    async def killed(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await called(*given, **named)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(index, method, killed)


async def main(url: str, folder: str, method: str, number: str, when: str) -> None:
    index = TantivyIndex(Path(folder))
    cannot_merge(index)
    dying(index, method, int(number), when)
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        follower = index_follower.IndexFollower(pool, index, analyse_aside, holder_name())
        async with change_signal(url) as signals:
            await index_follower.keep_following(follower, signals)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
