"""`atlas dedup`, and what the other commands show of its marks."""

import pytest

from tests.e2e.stack import AtlasEnv
from tests.e2e.test_dedup import SITE, fill
from tests.starter.conftest import Atlas


async def test_reported_applied_and_left_out(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    await fill(atlas_env)
    async with atlas_env.worker():
        report = await atlas("dedup", "--wait")
        assert report.code == 0, report.err
        assert "3 of 5 pages are duplicates" in report.out
        assert f"  {SITE}/a/copy\n    identical: {SITE}/a/print" in report.out
        assert "% similar: " in report.out and "marked" not in report.out
        applied = (await atlas("dedup", "--apply", "--wait", "-o", "json")).json
        assert (applied["outcome"], applied["counts"]["marked"]) == ("completed", 3)
        started = (await atlas("dedup", "--source", "books", "-o", "json")).json
        assert started["workflow_id"] == "deduplicate_documents:books"
    listed = (await atlas("docs", "list", "--unique")).out
    assert [line.split("\t")[0] for line in listed.splitlines()] == [
        f"{SITE}/a/copy", f"{SITE}/d/bread",
    ]  # fmt: skip
    assert len((await atlas("docs", "list")).out.splitlines()) == 5
    shown = await atlas("docs", "show", f"{SITE}/c/edited")
    assert "duplicate" in shown.out and f"{SITE}/a/copy" in shown.out


async def test_runs_are_shown_with_keys_set(
    atlas: Atlas, atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.temporal.test_codec import OLD

    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", OLD)
    await fill(atlas_env)
    async with atlas_env.worker():
        assert (await atlas("dedup", "--wait")).code == 0
    listed = (await atlas("runs")).out
    assert "completed" in listed
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", "broken")
    refused = await atlas("runs")
    assert refused.code == 2 and "ATLAS_ENCRYPTION_KEYS refused: " in refused.err
    assert "broken" not in refused.err
