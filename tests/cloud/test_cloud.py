"""Temporal Cloud's ways, on a real TLS endpoint: keys, certificates, calls it keeps to itself."""

import logging
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import worker
from atlas.contracts.names import SEARCH_ATTRIBUTES
from atlas.locations import locate
from atlas.settings import Settings
from atlas.temporal.namespace import CORPUS_SCHEDULE
from starter import AtlasClient, InvalidRequest, TemporalDown
from tests.authority import Authority
from tests.cloud.proxy import UNIMPLEMENTED, CloudLike
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_start_checks import empty_namespace, refusal
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas, atlas_env, origin

__all__ = ["atlas", "atlas_env", "origin"]

KEY = f"key-{secrets.token_hex(12)}"
PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def cloud(
    atlas_env: AtlasEnv, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CloudLike]:
    """An endpoint that wants an API key over TLS; the environment names it."""
    async with CloudLike(atlas_env.address, authority.server(), api_key=KEY) as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"localhost:{server.port}")
        monkeypatch.setenv("TEMPORAL_API_KEY", KEY)
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(authority.certificate))
        yield server


async def test_a_worker_and_the_commands_work_where_the_operators_calls_are_refused(
    atlas: Atlas,
    atlas_env: AtlasEnv,
    cloud: CloudLike,
    origin: Origin,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("hpack").setLevel(logging.WARNING)  # the proxy's own
    origin.page("/docs/", f"<html lang=en><title>Start</title><p>{PROSE}")
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    async with atlas_env.worker():
        synced = await atlas("sync", "docs", "--wait", "-o", "json")
        assert (synced.code, synced.json["counts"]["added"]) == (0, 1), synced.err
        applied = await atlas("schedules", "apply")
        assert applied.code == 0, applied.err
        doctor = await atlas("doctor", "-o", "json")
        status = await atlas("status", "-o", "json")
        assert status.json["overview"]["workers"], status.out
        said = [synced, applied, doctor, status]
    assert {"ListSearchAttributes", "UpdateNamespace", "ListWorkers"} <= set(cloud.refusals)
    assert all(each["authorization"] == f"Bearer {KEY}" for each in cloud.headers)
    found = {each["part"]: each for each in doctor.json["checks"]}
    assert found["temporal"]["status"] == "ok", found["temporal"]
    shown = [caplog.text, *(each.out + each.err for each in said)]
    assert not [text for text in shown if KEY in text]

    # The corpus is kept all the same: another one is refused, by the worker and by a command.
    kept = await atlas_env.client.get_schedule_handle(CORPUS_SCHEDULE).describe()
    assert kept.schedule.state.paused and not kept.info.next_action_times
    await atlas_env.pool.execute("update corpus set corpus_id = gen_random_uuid()")
    assert "belongs to corpus" in await refusal()
    other = await atlas("sync", "docs")
    assert other.code == 1 and "belongs to another Atlas" in other.err


async def test_missing_and_wrong_search_attributes_show_without_the_operators_calls(
    atlas_env: AtlasEnv, cloud: CloudLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.status = UNIMPLEMENTED
    some = {"AtlasSource": "Keyword", "AtlasDocsChanged": "Int"}
    monkeypatch.setenv("TEMPORAL_NAMESPACE", await empty_namespace(atlas_env.address, **some))
    assert "is missing the search attributes AtlasTrigger, AtlasOutcome" in await refusal()
    wrong = SEARCH_ATTRIBUTES | {"AtlasDocsChanged": "Keyword"}
    monkeypatch.setenv("TEMPORAL_NAMESPACE", await empty_namespace(atlas_env.address, **wrong))
    assert "AtlasDocsChanged has type Keyword, not Int" in await refusal()
    assert "ListSearchAttributes" in cloud.refusals

    cloud.refused += ("/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace",)
    said = await refusal()
    assert "refused to describe namespace" in said and "TEMPORAL_API_KEY" in said


async def test_a_profile_of_the_configuration_file_connects_with_a_client_certificate(
    atlas_env: AtlasEnv, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, key = authority.issue("atlas-worker")
    async with CloudLike(atlas_env.address, authority.server(mutual=True)) as cloud:
        profile = tmp_path / "temporal.toml"
        profile.write_text(
            f'[profile.prod]\naddress = "localhost:{cloud.port}"\n'
            f'namespace = "{atlas_env.namespace}"\n[profile.prod.tls]\n'
            f'server_ca_cert_path = "{authority.certificate}"\n'
            f'client_cert_path = "{certificate}"\nclient_key_path = "{key}"\n'
        )
        for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profile))
        monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
        async with AtlasClient.connect() as atlas:
            run = await atlas.start("health_check")
            assert run.workflow_id == "health_check" and not run.joined
            await run.cancel()
    assert cloud.subjects == {"atlas-worker"}


async def down() -> str:
    async with AtlasClient.connect() as atlas:
        with pytest.raises(TemporalDown) as caught:
            await atlas.start("health_check")
    message = str(caught.value)
    assert not re.search(r"tonic|hyper|rustls|MetadataMap", message), message
    return message


async def test_why_it_does_not_connect_is_told_with_the_mend(
    atlas_env: AtlasEnv, cloud: CloudLike, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "wrong")
    said = await down()
    assert "refused: Request unauthorized." in said and "TEMPORAL_API_KEY" in said
    assert "wrong" not in said
    monkeypatch.setenv("TEMPORAL_API_KEY", KEY)
    monkeypatch.delenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH")
    said = await down()
    assert "is not trusted: UnknownIssuer" in said and "TEMPORAL_TLS_SERVER_CA_CERT_PATH" in said
    monkeypatch.setenv("TEMPORAL_TLS", "false")
    assert "TEMPORAL_TLS=true" in await down()
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    monkeypatch.setenv("TEMPORAL_ADDRESS", atlas_env.address)
    assert "TEMPORAL_TLS=false" in await down()
    monkeypatch.setenv("TEMPORAL_PROFILE", "nowhere")
    monkeypatch.delenv("TEMPORAL_ADDRESS")
    with pytest.raises(InvalidRequest, match="TEMPORAL_CONFIG_FILE"):
        await AtlasClient.connect()
    with pytest.raises(worker.REFUSALS, match="'nowhere' not found"):
        locate(Settings.load())


def test_a_run_on_temporal_cloud_is_linked_to_its_web_ui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "atlas.a1b2c.tmprl.cloud:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "atlas.a1b2c")
    linked = locate(Settings.load()).run_url("sync_pipeline:docs", "run-1")
    base = "https://cloud.temporal.io/namespaces/atlas.a1b2c/workflows"
    assert linked == f"{base}/sync_pipeline%3Adocs/run-1/history"
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.org:7233")
    assert locate(Settings.load()).run_url("sync_pipeline:docs", "run-1") is None
