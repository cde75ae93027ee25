"""A bad day that got through is undone: the corpus is what it was, and stays so."""

from __future__ import annotations

import json

from starter import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_bad_days import document
from tests.invariants import assert_invariants, snapshot
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas

__all__ = ["atlas"]


async def test_a_bad_day_that_got_through_is_undone(
    atlas_env: AtlasEnv,
    origin: Origin,
    atlas: Atlas,
) -> None:
    """Two of many pages were removed on the spot and two said something else, too few for any
    brake."""
    paths = [f"/docs/{number}.html" for number in range(45)]
    for number, path in enumerate(paths):
        origin.page(path, document(number))
    urls = [origin.url(path) for path in paths]
    await atlas_env.add_source("docs", "urls", *urls, deletion="prompt")
    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).counts.added == 45
        before = await snapshot(atlas_env.pool, origin.base)
        for number in (3, 4):
            origin.status(paths[number], 404)
        for number in (5, 6):
            origin.page(paths[number], document(number, edition=1))
        bad = await atlas_env.sync("docs")
        assert (bad.outcome, bad.removed, bad.counts.updated) == ("completed_with_failures", 2, 2)
        asked = len(origin.requests())

        planned = await atlas("docs", "restore", "--run", "docs", "--dry-run", "-o", "json")
        assert (planned.code, planned.json["counts"]["skipped"]) == (0, 4)
        assert (await snapshot(atlas_env.pool, origin.base)).live != before.live
        restored = await atlas("docs", "restore", "--run", bad.run_id, "-o", "json")
        assert restored.code == 0, restored.err
        counts = restored.json["counts"]
        assert (counts["added"], counts["updated"], counts["failed"]) == (2, 2, 0)
        again = await atlas("docs", "restore", "--run", bad.run_id)
        assert (again.code, "4 unchanged" in again.out) == (0, True)
        assert len(origin.requests()) == asked, "a restore asks nobody"
        after = await snapshot(atlas_env.pool, origin.base)
        assert [d for d in before.differences(after) if not d.startswith("texts:")] == []
        found = await atlas("search", '"About number 3"', "-o", "json")
        assert urls[3] in {each["url"] for each in found.json["results"]}

        # The replaced ones still say what was undone: that is held.
        for number in (3, 4):
            origin.page(paths[number], document(number))
        held = await atlas_env.sync("docs")
        assert (held.counts.unchanged, held.counts.skipped) == (43, 2)
        assert "2 pages answered with a text that a restore undid" in held.message
        shown = await atlas("docs", "held", "-o", "json")
        assert {each["code"] for each in shown.json["documents"]} == {"undone_body"}
        for number in (5, 6):
            origin.page(paths[number], document(number))
        good = await atlas_env.sync("docs")
        assert (good.outcome, good.counts.unchanged, good.removed) == ("completed", 45, 0)

        said = await atlas("docs", "restore", "https://nowhere.example/")
        assert (said.code, "1 not restored" in said.out) == (1, True), said
        for words, code, text in (
            (("--run", "nobody"), 1, "no run 'nobody'"),
            (("--source", "docs"), 2, "'source' needs 'since'"),
            (("--source", "docs", "--since", "soon"), 2, "--since: 'soon' is no moment"),
            ((), 2, "exactly one of 'urls', 'run' and 'source'"),
        ):
            refused = await atlas("docs", "restore", *words)
            assert (words, refused.code) == (words, code), refused
            assert text in refused.err
        await look_at_history(atlas, urls[5])
    async with AtlasClient.connect() as client:
        history = await client.corpus.history(urls[3])
        assert [each.why for each in history.versions] == ["restored", "added"]
        assert history.versions[1].ended_by == bad.run_id
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def look_at_history(atlas: Atlas, url: str) -> None:
    listed = await atlas("docs", "history", url, "-o", "json")
    versions = listed.json["versions"]
    assert [(each["version"], each["why"], each["ended"]) for each in versions] == [
        (3, "restored", None),
        (2, "updated", "updated"),
        (1, "added", "updated"),
    ]
    shown = await atlas("docs", "show", url, "--version", "2")
    assert shown.code == 0
    both = await atlas("docs", "show", url, "--at", "1h", "--version", "2")
    assert (both.code, "not both" in both.err) == (2, True)
    then = await atlas("docs", "show", url, "--at", versions[1]["valid_from"], "-o", "json")
    assert then.json["version"] == 2
    diff = await atlas("docs", "diff", url, "--from", "1", "--to", "2", "-o", "json")
    parts = json.loads(diff.out)["parts"]
    texts = [(await atlas("docs", "show", url, "--version", v, "-o", "json")).json["text"]
             for v in ("1", "2")]  # fmt: skip
    assert "".join(p["text"] for p in parts if p["change"] != "added") == texts[0]
    assert "".join(p["text"] for p in parts if p["change"] != "removed") == texts[1]
    told = await atlas("docs", "history", url)
    assert [line.split("\t")[3] for line in told.out.splitlines()[-3:]] == [
        "restored", "updated", "added",
    ]  # fmt: skip
    marked = await atlas("docs", "diff", url)
    assert (marked.code, "[-" in marked.out, "{+" in marked.out) == (0, True, True)
    page = await atlas("docs", "diff", url, "-o", "html")
    assert page.out.startswith("<!DOCTYPE html>")
    assert "<ins>" in page.out
