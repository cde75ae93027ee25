"""`atlas report`, and the reports of `AtlasClient`."""

import os
import time
from pathlib import Path

import pytest

from starter import AtlasClient
from starter.errors import InvalidRequest, NotFound
from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas


async def test_a_report_is_made_listed_and_shown(
    atlas: Atlas, atlas_env: AtlasEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await atlas_env.add_source("docs", "urls", "https://example.org/")
    await atlas_env.pool.execute("update sources set created_at = timestamptz '2026-11-01 12:00Z'")
    async with atlas_env.worker():
        made = await atlas("report", "make", "2026-W46", "-o", "json")
        assert made.code == 0, made.err
        assert (made.code, made.json["outcome"], made.json["days"]) == (0, "completed", 7)
        told = await atlas("report", "make", "2026-W40")
        assert told.code == 0
        assert "Figures begin on Sun 1 Nov 2026" in told.err
        refused = await atlas("report", "make", "2999-W01")
        assert refused.code == 1
        assert "'2999-W01' has not ended" in refused.err
    listed = await atlas("report", "list", "-o", "json")
    assert [each["week"] for each in listed.json["reports"]] == ["2026-W46", "2026-W40"]
    assert listed.json["reports"][0]["hashes"] == made.json["hashes"]
    shown = await atlas("report", "show")
    assert shown.out.startswith("# Atlas, week 2026-W46\n")
    assert (await atlas("report", "show", "2026-W46", "-o", "json")).json["days_with_figures"] == 7
    page = tmp_path / "page.html"
    saved = await atlas("report", "show", "-o", "html", "--save", str(page))
    assert saved.code == 0
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, age in (("atlas-report-old", 90_000), ("atlas-report-read", 80_000)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(opened.append(url)) or True)
    shown = await atlas("report", "show", "2026-W46", "--open")
    assert shown.code == 0
    shown_there = Path(opened[0].removeprefix("file://"))
    assert shown_there.read_text() == page.read_text()
    kept = {tmp_path / "atlas-report-read", shown_there.parent}
    assert set(tmp_path.glob("atlas-report-*")) == kept
    async with AtlasClient.connect() as client:
        assert page.read_text() == await client.report("2026-W46", "html")
        assert [each.week for each in await client.reports()] == ["2026-W46", "2026-W40"]
        with pytest.raises(NotFound, match="atlas report make 2026-W30"):
            await client.report("2026-W30")
        with pytest.raises(InvalidRequest, match="no ISO week"):
            await client.report("yesterday")


async def test_a_mistake_is_told_with_its_mend(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    assert "atlas report make" in (await atlas("report", "show")).err
    wrong = await atlas("report", "make", "2026-W54")
    assert wrong.code == 2
    assert "no such ISO week" in wrong.err
