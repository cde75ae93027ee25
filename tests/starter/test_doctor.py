"""`atlas doctor` finds what is wrong, whatever is down, and says the mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.e2e.scheduled import unhurried
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas, Ran

__all__ = ["unhurried"]


def statuses(ran: Ran) -> dict[str, str]:
    return {each["part"]: each["status"] for each in ran.json["checks"]}


async def test_all_is_well(atlas: Atlas, atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a", "<p>hello</p>")
    await atlas("schedules", "apply")
    async with atlas_env.worker():
        await atlas("start", "health_check", "--wait")  # it has begun to work
        ran = await atlas("doctor", "-o", "json", "--url", origin.url("/a"))
    assert [each for each in ran.json["checks"] if each["status"] != "ok"] == []
    assert ran.code == 0 and ran.json["ok"] is True
    assert list(statuses(ran))[:3] == ["settings", "temporal", "postgresql"]
    assert list(statuses(ran))[-1] == "web"


@pytest.mark.slow
async def test_without_workers_and_schedules(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    ran = await atlas("doctor")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert any(line.startswith("FAILED  queue atlas ") for line in lines)
    assert any(line.startswith("look    schedules") for line in lines)
    assert "atlas worker --queues atlas" in ran.out and "`atlas schedules apply`" in ran.out


async def test_everything_down(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = free_port()
    secret = f"postgresql://reader:hunter2@127.0.0.1:{port}/corpus"  # pragma: allowlist secret
    monkeypatch.setenv("ATLAS_DATABASE_URL", secret)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv("ATLAS_BLOBS", str(tmp_path))
    ran = await atlas("doctor", "-o", "json")
    assert ran.code == 1 and ran.json["ok"] is False
    found = statuses(ran)
    assert {part for part, status in found.items() if status == "failing"} == {
        "temporal",
        "postgresql",
        "index",
    }
    assert found["blobs"] == found["disk"] == "ok"
    assert "hunter2" not in json.dumps(ran.json) + ran.err
    assert all(each["mend"] for each in ran.json["checks"] if each["status"] != "ok")


async def test_no_stack_at_all(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "nowhere"))
    ran = await atlas("doctor")
    assert ran.code == 1
    assert "atlas up -d" in ran.out and "does not exist yet" in ran.out
    assert not (tmp_path / "nowhere").exists()


async def test_a_bad_setting_is_all_that_is_told(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", "s3cret.example/hook")
    ran = await atlas("doctor")
    assert ran.code == 1
    assert "ATLAS_ALERT_WEBHOOK refused" in ran.out and "http" in ran.out
    assert "s3cret" not in ran.out + ran.err


async def test_a_schema_that_is_too_old(
    atlas: Atlas, empty_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("ATLAS_BLOBS", str(tmp_path))
    ran = await atlas("doctor")
    assert ran.code == 1 and "atlas migrate" in ran.out


async def test_a_page_that_cannot_be_reached(
    atlas: Atlas, corpus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_BLOBS", str(tmp_path))
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "10.0.0.0/8")
    ran = await atlas("doctor", "-o", "json", "--url", "http://127.0.0.1:9/")
    [web] = [each for each in ran.json["checks"] if each["part"] == "web"]
    assert web["status"] == "failing" and "ATLAS_FETCH_ALLOW_NETWORKS" in web["mend"]
