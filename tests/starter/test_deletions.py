"""`atlas deletions`: list what is held, approve and reject it through a worker."""

from __future__ import annotations

from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas
from tests.stores.drive import Drive
from tests.stores.test_deletions import braked
from tests.stores.test_held_changes import site, url


async def test_listed_approved_and_rejected(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    assert "nothing is held" in (await atlas("deletions")).err
    drive = Drive(atlas_env.pool)
    await braked(drive, 20, 3)
    listed = [line.split("\t") for line in (await atlas("deletions")).out.splitlines()]
    assert [line[:4] for line in listed] == [
        ["docs", url(n), "answers 410", "3 times"] for n in range(3)
    ]
    named = (await atlas("deletions", "list", "--source", "docs", "-o", "json")).json
    assert [each["sign"] for each in named["deletions"]] == ["gone"] * 3
    unknown = await atlas("deletions", "list", "--source", "dosc")
    assert unknown.code == 1 and "dosc" in unknown.err
    seen = await atlas("sources", "freshness", "-o", "json")
    assert seen.json["sources"][0]["held"] == 3
    assert (
        "docs: 3 removals held; `atlas deletions list --source docs`" in (await atlas("status")).out
    )
    async with atlas_env.worker():
        done = await atlas("deletions", "approve", "docs", url(0))
        assert done.code == 0, done.err
        assert done.out == "approved 1 held removal of docs; 1 document left the corpus\n"
        rest = (await atlas("deletions", "reject", "docs", "-o", "json")).json
        assert (rest["outcome"], rest["pages"], rest["removed"]) == ("completed", 2, 0)
        again = await atlas("deletions", "approve", "docs")
        assert (again.code, again.out) == (
            1, "approved 0 held removals of docs; 0 documents left the corpus\n",
        )  # fmt: skip
        wrong = await atlas("deletions", "approve", "dosc")
        assert wrong.code == 1 and "'dosc' is no source" in wrong.err
    assert await drive.live() == {*site(20)} - {url(0)}
    recorded = (await atlas("runs", "list", "--type", "decide_deletions", "-o", "json")).json
    assert len(recorded["runs"]) == 4
