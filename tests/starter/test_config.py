"""`atlas config` works when settings are wrong, and tells all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.starter.conftest import Atlas


async def test_show_works_when_settings_are_wrong(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "atlas.toml").write_text("contact = 'you'\n[fetch]\nattempts = 99\nx = 1\n")
    monkeypatch.setenv("ATLAS_CONTACT", "me")
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://me:hunter2@db:5433/atlas?x=hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    ran = await atlas("config", "show", "--changed")
    assert ran.code == 2 and "hunter2" not in ran.out + ran.err
    rows = dict(line.split("\t", 1) for line in ran.out.splitlines())
    assert rows["ATLAS_CONTACT"] == "me\tenvironment; not atlas.toml, line 1: contact"
    assert rows["ATLAS_DATABASE_URL"] == "postgresql://…@db:5433/atlas\tenvironment"
    assert rows["ATLAS_FETCH_ATTEMPTS"] == "99\tatlas.toml, line 3: [fetch] attempts"
    assert rows["AWS_SECRET_ACCESS_KEY"] == "(set)\tenvironment"
    assert "ATLAS_LOG_LEVEL" not in rows
    assert "equal to 10" in ran.err and "line 4: [fetch] x is no setting" in ran.err


async def test_check_judges_a_file_before_it_is_used(atlas: Atlas, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[worker]\nworkflows = 7\n")
    bad.write_text("[worker]\nworkflow = 7\n")
    ran = await atlas("config", "check", str(good))
    assert ran.code == 0 and f"ok: the settings are valid (environment, {good})" in ran.out
    ran = await atlas("config", "check", str(bad), "-o", "json")
    assert ran.code == 2 and ran.json["ok"] is False
    assert ran.json["problems"] == [
        f"{bad}, line 2: [worker] workflow is no setting; did you mean workflows?"
    ]
    ran = await atlas("config", "check", str(tmp_path / "none.toml"))
    assert ran.code == 2 and "No such file" in ran.err


@pytest.mark.fault(23)
async def test_check_tells_what_is_set_and_what_is_set_in_vain(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATLAS_CONTACT", "me")
    monkeypatch.setenv("ATLAS_LOG_LEVEL", "")
    monkeypatch.setenv("ATLAS_WORKERS", "3")
    monkeypatch.setenv("ATLAS_SET_IN_VAIN", "  ATLAS_BLOBS   TEMPORAL_ADDRESS ")
    ran = await atlas("config", "check")
    told = {word.strip(",") for word in ran.out.split("\nset: ")[1].split()}
    assert ran.code == 0 and "ATLAS_CONTACT" in told
    assert not told & {"ATLAS_LOG_LEVEL", "ATLAS_BLOBS"}
    assert "ATLAS_BLOBS, TEMPORAL_ADDRESS: set where `docker compose` was called" in ran.err
    told_again = (await atlas("config", "check", "-o", "json")).json
    assert told_again["in_vain"] == ["ATLAS_BLOBS", "TEMPORAL_ADDRESS"]
    assert set(told_again["set"]) == told and told_again["unknown"] == []
