"""`atlas cleanup` on an Atlas with little to lose."""

from __future__ import annotations

import json
import os

from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas


async def test_cleanup_says_what_went_and_what_is_missing(
    atlas_env: AtlasEnv, atlas: Atlas
) -> None:
    async with atlas_env.worker():
        stray = atlas_env.blobs / "incoming" / "dead.part"
        empty = await atlas("cleanup", "--only", "runs", "--wait")
        assert (empty.code, "0 items deleted" in empty.out) == (0, True)
        stray.write_bytes(b"half a body")
        os.utime(stray, (0, 0))
        dry = await atlas("cleanup", "--dry-run", "--wait", "-o", "json")
        assert (dry.code, dry.json["removed"]) == (0, {"temporary": 1})
        assert stray.exists()
        real = await atlas("cleanup", "--only", "temporary", "--wait")
        assert real.code == 0
        assert "daily_cleanup: completed; 1 items deleted" in real.out
        assert "11 bytes freed" in real.out
        assert not stray.exists()
        listed = await atlas("runs", "outcomes", dry.json["run_id"])
        assert json.loads(listed.out)["identity"] == "dead.part"
        await atlas_env.pool.execute(
            "insert into blobs values (sha256('lost'), 4, now() - interval '9 days');"
            "insert into artifacts values ('report', 'r', sha256('lost'), 'text/html', now())"
        )
        lossy = await atlas("cleanup", "--only", "snapshots", "--wait")
        assert lossy.code == 1
        assert "missing: " in lossy.out
        assert "their bodies are lost" in lossy.err
    refused = await atlas("cleanup", "--only", "everything")
    assert refused.code == 2
