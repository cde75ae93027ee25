"""`atlas doctor` finds what is wrong, whatever is down, and says the mend."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from starter.diagnosis import GROUPS, examine
from tests.conftest import free_port
from tests.e2e.scheduled import unhurried
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_start_checks import empty_namespace
from tests.origin import Origin
from tests.starter.conftest import Atlas, Ran
from tests.stores.blobs.conftest import bucket, s3_environment, seaweed
from tests.stores.blobs.seaweed import ACCESS_KEY, SECRET_KEY

__all__ = ["bucket", "s3_environment", "seaweed", "unhurried"]

AN_HOUR = timedelta(hours=1)


def statuses(ran: Ran) -> dict[str, str]:
    return {each["part"]: each["status"] for each in ran.json["checks"]}


async def test_all_is_well(atlas: Atlas, atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a", "<p>hello</p>")
    await atlas("schedules", "apply")
    async with atlas_env.worker():
        await atlas("start", "health_check", "--wait")  # it has begun to work
        ran = await atlas("doctor", "-o", "json", "--url", origin.url("/a"))
        skewed = await examine(origin.url("/a"), clock=lambda: datetime.now(UTC) + AN_HOUR)
    assert [each for each in ran.json["checks"] if each["status"] != "ok"] == []
    assert ran.code == 0 and ran.json["ok"] is True
    assert list(statuses(ran))[:3] == ["settings", "temporal", "postgresql"]
    assert list(statuses(ran))[-1] == "web"
    told = {each.check.part: each.check for each in skewed}
    assert {told[part].status for part in ("temporal", "postgresql")} == {"degraded"}
    assert all("clock" in told[part].detail for part in ("temporal", "postgresql"))
    assert "NTP" in told["postgresql"].mend
    groups = [each["group"] for each in ran.json["checks"]]
    assert list(dict.fromkeys(groups)) == list(GROUPS)


@pytest.mark.slow
async def test_without_workers_and_schedules(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    ran = await atlas("doctor")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert any(line.split()[:3] == ["FAILED", "queue", "atlas"] for line in lines), ran.out
    assert any(line.startswith("  warning  schedules") for line in lines)
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


async def test_every_bad_setting_and_typing_mistake_is_told(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATLAS_FETCH_TIMEOUT", "soon")
    monkeypatch.setenv("ATLAS_FETCH_ATTEMPS", "5")
    monkeypatch.setenv("https_proxy", "http://me:hunter2@proxy:3128")
    (tmp_path / "atlas.toml").write_text("[fetch]\nattempts = 99\n")
    ran = await atlas("doctor", "-o", "json")
    told = [each for each in ran.json["checks"] if each["group"] == "settings"]
    assert [each["status"] for each in told] == ["failing", "failing", "degraded", "degraded"]
    assert "ATLAS_FETCH_ATTEMPTS=99 (atlas.toml, line 2" in told[1]["detail"] + told[0]["detail"]
    assert "did you mean ATLAS_FETCH_ATTEMPTS?" in told[2]["detail"]
    assert "https_proxy" in told[3]["detail"] and "hunter2" not in ran.out


async def test_secrets_that_others_may_read(
    atlas: Atlas, corpus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ATLAS_ALERT_WEBHOOK=http://127.0.0.1:9/hunter2\n")
    (tmp_path / ".env").chmod(0o644)
    ran = await atlas("doctor", "-o", "json")
    told = [each for each in ran.json["checks"] if each["part"] == "settings"]
    assert [each["mend"] for each in told] == ["", f"`chmod 600 {tmp_path / '.env'}`"]
    [hook] = [each for each in ran.json["checks"] if each["part"] == "alert webhook"]
    assert hook["status"] == "failing" and "127.0.0.1:9" in hook["detail"]
    assert "hunter2" not in ran.out


@pytest.mark.slow
async def test_fix_prepares_a_new_database_and_namespace(
    atlas: Atlas,
    empty_database_url: str,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    space = await empty_namespace(temporal_address, AtlasSource="Keyword")
    monkeypatch.setenv("ATLAS_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("ATLAS_BLOBS", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", space)
    before = await atlas("doctor", "-o", "json")
    found = {each["part"]: each for each in before.json["checks"]}
    assert "atlas migrate" in found["postgresql"]["mend"]
    assert (
        f"`temporal operator search-attribute create --namespace {space} --name AtlasTrigger "
        "--type Keyword" in found["temporal"]["mend"]
    )
    assert "`atlas doctor --fix`" in found["temporal"]["mend"]
    ran = await atlas("doctor", "--fix", "-o", "json")
    for words in ("Migrated the database: 0001", "Registered the search", "Created schedule"):
        assert words in ran.err
    fixed = statuses(ran)
    assert {fixed[part] for part in ("postgresql", "temporal", "index", "schedules")} == {"ok"}
    again = await atlas("doctor", "--fix")
    assert again.err == ""


@pytest.mark.slow
async def test_a_wrong_key_of_s3(
    atlas: Atlas,
    corpus: str,
    bucket: str,
    s3_environment: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name)
    (tmp_path / "atlas_s3_access_key").write_text(ACCESS_KEY)
    (tmp_path / "atlas_s3_secret_key").write_text("hunter2")
    monkeypatch.setenv("ATLAS_BLOBS", f"s3://{bucket}/doctor")
    monkeypatch.setenv("ATLAS_S3_ENDPOINT", s3_environment)
    monkeypatch.setenv("ATLAS_SECRETS_DIR", str(tmp_path))
    wrong = await atlas("doctor", "-o", "json")
    [blobs] = [each for each in wrong.json["checks"] if each["part"] == "blobs"]
    assert blobs["status"] == "failing" and "ATLAS_S3_SECRET_KEY" in blobs["mend"]
    assert "hunter2" not in wrong.out + wrong.err
    (tmp_path / "atlas_s3_secret_key").write_text(SECRET_KEY)
    assert statuses(await atlas("doctor", "-o", "json"))["blobs"] == "ok"
