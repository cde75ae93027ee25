"""The image and both compose files as they are in a clean checkout, on a real engine.

`make compose-test`. It prints what the README tells: the size of the image, and a worker's memory.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from temporalio.client import Client, TLSConfig

from atlas.settings.catalogue import sections
from tests.deploy.compose import FILES, ROOT, services
from tests.deploy.engine import Project, bases, checkout, need_engine, need_images, run, until
from tests.deploy.ports import answers, open_to_others
from tests.deploy.test_files import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

IMAGE = "atlas-worker:compose-test"
PAGES = 60
LARGEST = 150_000_000  # bytes, compressed
WORDS = (
    "lantern ferry quay fog bell keeper tide harbour rope gull net pilot mast anchor buoy".split()
)
OWN = {
    "ATLAS_CONTACT": "mailto:test@example.org",
    "ATLAS_RETENTION_RUNS": "41",
    "ATLAS_SHUTDOWN_GRACE": "20",
    "ATLAS_WORKER_ACTIVITIES": "17",
    "ATLAS_ENCRYPTION_KEYS": "2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    # For commands out here: nothing in there may go by it.
    "ATLAS_DATABASE_URL": "postgresql://atlas@127.0.0.1:1/atlas",
    "ATLAS_DATABASE_PASSWORD": "of another server",
}
"""What `.env` says."""
PAGE = "<html lang=en><title>Page {n}</title><main><p>{words}</p></main><nav>{links}</nav>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of some pages that all lead to each other."""
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    links = " ".join(f'<a href="/{n}.html">{n}</a>' for n in range(PAGES))
    for n in range(PAGES):
        words = " ".join(Random(n).choices(WORDS, k=120))
        text = PAGE.format(n=n, words=words, links=links)
        (folder / f"{n}.html").write_text(text)
    (folder / "index.html").write_text(f"<html lang=en><title>Harbour</title><p>{links}</p>")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout, its image built."""
    need_engine()
    folder = checkout(tmp_path_factory.mktemp("checkout") / "atlas")
    used = {one["image"] for name in FILES for one in services(name).values() if _runs(one)}
    need_images({each for each in used if not each.startswith("atlas-")} | bases(folder))
    Project(folder, "atlas-test", _variables()).compose("build", "--quiet")
    return folder


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Project]:
    """docker-compose.yml, up."""
    project = Project(folder, "atlas-test", _variables())
    project.end()  # what a test that was killed left
    project.set(**OWN)
    try:
        print(f"\nup -d --wait: {project.up():.0f} s")
        yield project
    finally:
        project.end()


@pytest.fixture
def dev(folder: Path) -> Iterator[Project]:
    """docker-compose.dev.yml, up."""
    project = Project(folder, "atlas-dev-test", _variables(), "docker-compose.dev.yml")
    project.end()
    try:
        project.up()
        yield project
    finally:
        project.end()


def _runs(service: dict[str, Any]) -> bool:
    return "profiles" not in service


def _variables() -> dict[str, str]:
    """Nothing but what `.env` is for: ports of our own, and where our site is."""
    ports = (
        "POSTGRES",
        "TEMPORAL",
        "UI",
        "S3",
        "PROMETHEUS",
        "DEV_POSTGRES",
        "DEV_TEMPORAL",
        "DEV_UI",
    )
    chosen = {f"HOST_PORT_{name}": str(_free_port()) for name in ports}
    networks = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    return {**chosen, "WORKER_IMAGE": IMAGE, "ATLAS_FETCH_ALLOW_NETWORKS": networks}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_image_is_small_and_holds_no_root_and_no_tools(folder: Path) -> None:
    told = json.loads(run("docker", "image", "inspect", IMAGE))[0]
    assert told["Config"]["User"] == "10001:10001"
    tools = "for t in pip uv gcc strip apt; do command -v $t && exit 1; done; id -u; touch /x"
    alone = ("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL")
    tried = subprocess.run(
        [*alone, "--entrypoint", "sh", IMAGE, "-c", tools.replace(" apt", "")],
        capture_output=True,
        text=True,
    )
    assert tried.stdout.split() == ["10001"], tried.stdout
    assert "Read-only file system" in tried.stderr
    with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as saved:
        packed = subprocess.run(["gzip", "-6"], stdin=saved.stdout, capture_output=True)
    print(f"\nimage: {len(packed.stdout) / 1e6:.0f} MB compressed, {told['Size'] / 1e6:.0f} MB")
    assert len(packed.stdout) <= LARGEST


def test_a_site_is_synced_searched_and_scheduled_and_survives_kills_and_restarts(
    stack: Project, pages: Path
) -> None:
    stack.serve(pages)
    stack.atlas("sources", "add", "site", "http://site.test:8000/", "--delay", "1")
    schedules = json.loads(stack.atlas("schedules", "list", "-o", "json"))["schedules"]
    assert {each["id"] for each in schedules} >= {"health_check", "hourly_collection"}
    assert not any(each["drift"] for each in schedules)

    stack.set(**OWN, ATLAS_WORKERS="4")
    stack.up()
    stack.up()  # once more, as after a change
    assert len(stack.containers("worker")) == 4
    stack.atlas("sync", "site")
    until(lambda: _fetched(stack) >= 5, "some pages are fetched")
    for index in (1, 2, 3, 4):  # whoever is at it, is hit
        stack.kill(index)
    assert _fetched(stack) < PAGES, "too late to hit anybody"
    until(lambda: _all_healthy(stack, 4), "killed workers are back")
    assert [each["RestartCount"] for each in stack.containers("worker")] == [1, 1, 1, 1]
    until(lambda: _outcome(stack) is not None, "the run ends", 900)
    counts = _outcome(stack) or {}
    assert counts == {**counts, "seen": PAGES + 1, "added": PAGES + 1, "failed": 0}

    found = json.loads(stack.atlas("search", "lantern", "-o", "json"))
    assert found["results"], found
    stack.atlas("doctor")
    stack.atlas("schedules", "trigger", "health_check")
    until(lambda: _checked(stack), "a schedule made a run")

    stack.unserve()
    stack.set(**OWN)
    stack.compose("down", "--timeout", "60")
    print(f"\nup again: {stack.up():.0f} s")
    again = json.loads(stack.atlas("search", "lantern", "-o", "json"))
    assert [each["url"] for each in again["results"]] == [each["url"] for each in found["results"]]
    print(f"worker, idle: {_idle(stack):.0f} MiB")


def test_owners_in_postgresql_keep_out_of_each_others_databases(stack: Project) -> None:
    ask = (
        "select datname, pg_get_userbyid(datdba), has_database_privilege('{0}', datname, 'connect')"
    )
    for role in ("atlas", "temporal"):
        told = stack.compose(
            *("exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc"),
            ask.format(role)
            + " from pg_database where not datistemplate and datname <> 'postgres'",
        )
        rows = [line.split("|") for line in told.split()]
        assert len(rows) == 3
        assert all((may == "t") is (owner == role) for _, owner, may in rows), rows


@pytest.mark.fault(23)
def test_workers_have_what_dotenv_says_and_tell_what_is_set_in_vain(stack: Project) -> None:
    told = json.loads(stack.atlas("config", "check", "-o", "json"))
    assert told["ok"] and set(OWN) - set(told["in_vain"]) <= set(told["set"])
    # (ATLAS_HOME is exported where the tests run.)
    in_vain = set(told["in_vain"]) - {"ATLAS_HOME"}
    assert in_vain == {"ATLAS_DATABASE_URL", "ATLAS_DATABASE_PASSWORD"}
    text = stack.compose("exec", "-T", "worker", "sh", "-c", "atlas config check 2>&1")
    assert "ATLAS_ENCRYPTION_KEYS" in text and "docker-compose.override.yml" in text
    values = _values(stack.atlas("config", "show", "-o", "json"))
    assert values["ATLAS_RETENTION_RUNS"] == "41"
    assert values["ATLAS_WORKER_ACTIVITIES"] == "17"
    assert values["ATLAS_ENCRYPTION_KEYS"] == "(set)"


@pytest.mark.fault(23)
def test_every_setting_of_dotenv_is_one_in_a_container(stack: Project) -> None:
    every = {each.variable: each for part in sections() for each in part.settings}
    stack.set(**{name: each.example for name, each in every.items()})
    try:
        worker = ("run", "--rm", "--no-deps", "-T", "worker", "config", "show", "-o", "json")
        values = _values(stack.compose(*worker))
    finally:
        stack.set(**OWN)
    inside = PLACES[FILES[0]] | {"ATLAS_METRICS_ADDRESS"}
    for name, each in every.items():
        if name not in inside:
            assert values[name] == ("(set)" if each.secret else each.example), name
    assert values["ATLAS_DATABASE_URL"] == "postgresql://…@postgres/atlas"


def _values(told: str) -> dict[str, str]:
    return {each["variable"]: each["value"] for each in json.loads(told)["settings"]}


# What answers whom without credentials, by the network it is asked on; all else is closed.
# Temporal's parts ask for no password, so only the gate shares a network with them. `silent`:
# nothing to be had.
_TEMPORAL = {
    **dict.fromkeys((7233, 7234, 7235, 7239), "http/2"),
    **dict.fromkeys((7243, 9090), "http 404"),
    **dict.fromkeys((6933, 6934, 6935, 6939), "silent"),
}
_METRICS = {9464: "http/2"}  # figures; from a neighbour, too
_BLOBS = {8333: "http 403", 18333: "silent"}
ANSWERS: dict[str, dict[str, dict[int, str]]] = {
    "postgres": {key: {5432: "silent"} for key in ("database", "temporal-database")},
    "temporal": {"temporal-core": _TEMPORAL, "temporal-database": {}},
    "gate": {
        "temporal": {7233: "http/2"},
        "ui": {7233: "http/2"},
        "watch": {9090: "http 404"},
        "host": {7233: "silent", 8080: "http 401", 9090: "http 401"},
        "temporal-core": {},
    },
    "temporal-ui": {"ui": {8080: "http 200"}},
    "seaweedfs": {"store": _BLOBS},
    "worker": dict.fromkeys(
        ("web", "database", "temporal", "store", "metrics", "traces", "metadata"), _METRICS
    ),
}
NETWORKS = sorted({network for known in ANSWERS.values() for network in known})
OPEN_TO_THIS_MACHINE = {"web", "database", "store", "host", "watch"}
"""The other networks have no address for the machine: its users cannot reach what is on them."""
METADATA = "169.254.169.254"


@dataclass(frozen=True)
class Listener:
    """A port of a service, on the address that it has on one network."""

    service: str
    network: str
    address: str
    answer: str


def _listeners(stack: Project) -> list[Listener]:
    """Every port that any service listens on, on each of its networks."""
    found = []
    for service, by_network in ANSWERS.items():
        one = stack.containers(service)[0]
        tables = run("docker", "exec", one["Id"], "cat", "/proc/net/tcp", "/proc/net/tcp6")
        ports = open_to_others(tables)
        told = {port for ports in by_network.values() for port in ports}
        assert ports == told, f"{service} listens on other ports"
        known = {
            name.removeprefix(f"{stack.name}_"): each["IPAddress"]
            for name, each in one["NetworkSettings"]["Networks"].items()
        }
        assert known.keys() == by_network.keys(), service
        for network, ip in known.items():
            for port in ports:
                answer = by_network[network].get(port, "closed")
                found.append(Listener(service, network, f"{ip}:{port}", answer))
    return found


@pytest.fixture
def nothing_beyond(stack: Project) -> Iterator[None]:
    """No router answers for addresses of closed networks, to which this machine has no route.

    Some answer for any address. A route of the machine's own would go before these.
    """
    names = [f"{stack.name}_{name}" for name in set(NETWORKS) - OPEN_TO_THIS_MACHINE]
    closed = json.loads(run("docker", "network", "inspect", *names))
    subnets = [one["IPAM"]["Config"][0]["Subnet"] for one in closed]
    mine = subnets if os.geteuid() == 0 and shutil.which("ip") else []
    for subnet in mine:
        run("ip", "route", "add", "unreachable", subnet, "metric", "9999")
    yield
    for subnet in mine:
        run("ip", "route", "del", "unreachable", subnet, "metric", "9999")


@pytest.mark.fault(22)
@pytest.mark.usefixtures("nothing_beyond")
def test_no_port_answers_whom_it_should_not(stack: Project) -> None:
    listeners = _listeners(stack)
    addresses = [each.address for each in listeners]
    for network in NETWORKS:
        if network == "metadata":
            continue  # its containers cannot reach each other at all
        wanted = {
            each.address: each.answer if each.network == network else "closed" for each in listeners
        }
        assert _asked(stack, network, addresses) == wanted, f"from {network}"
    wanted = {
        each.address: each.answer if each.network in OPEN_TO_THIS_MACHINE else "closed"
        for each in listeners
    }
    assert answers(addresses) == wanted, "from this machine"


@pytest.mark.fault(22)
@pytest.mark.usefixtures("nothing_beyond")
def test_a_worker_reaches_nothing_but_what_it_needs(stack: Project) -> None:
    needed = {"postgres": "database", "gate": "temporal", "seaweedfs": "store"}
    listeners = [each for each in _listeners(stack) if each.service != "worker"]
    wanted = {
        each.address: each.answer if needed.get(each.service) == each.network else "closed"
        for each in listeners
    }
    assert _answers_in_worker(stack, list(wanted)) == wanted
    assert {each.service for each in listeners if wanted[each.address] != "closed"} == set(needed)


def test_a_worker_cannot_ask_the_cloud_for_its_credentials(stack: Project, pages: Path) -> None:
    """Whoever answers at that address on the machine or beyond: here, one of our own."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("only root may give this machine another address")
    there = f"{METADATA}:80"
    run("ip", "address", "add", f"{METADATA}/32", "dev", "lo")
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "http.server", "-b", METADATA, "-d", str(pages), "80"],
            stderr=subprocess.DEVNULL,
        ) as cloud:
            until(lambda: answers([there]) == {there: "http 200"}, "it answers")
            assert _asked(stack, "web", [there]) == {there: "http 200"}, "a container reaches it"
            assert _answers_in_worker(stack, [there]) == {there: "closed"}
            cloud.terminate()
    finally:
        run("ip", "address", "del", f"{METADATA}/32", "dev", "lo")


async def test_what_shows_data_asks_for_a_login(stack: Project, tmp_path: Path) -> None:
    ports = {name: stack.variables[f"HOST_PORT_{name}"] for name in ("UI", "TEMPORAL", "S3")}
    published = {
        f"127.0.0.1:{ports['UI']}": "http 401",
        f"127.0.0.1:{ports['TEMPORAL']}": "silent",
        f"127.0.0.1:{ports['S3']}": "http 403",
        f"127.0.0.1:{stack.variables['HOST_PORT_POSTGRES']}": "silent",
        f"127.0.0.1:{stack.variables['HOST_PORT_PROMETHEUS']}": "http 401",
    }
    assert answers(list(published)) == published

    def secret(name: str) -> bytes:
        return stack.compose("exec", "-T", "gate", "cat", f"/run/secrets/{name}").encode()

    page = urllib.request.Request(f"http://127.0.0.1:{ports['UI']}/")
    login = base64.b64encode(b"atlas:" + secret("password")).decode()
    page.add_header("Authorization", f"Basic {login}")
    with urllib.request.urlopen(page) as answer:
        assert answer.status == 200
    page.add_header("Authorization", "Basic " + base64.b64encode(b"atlas:guess").decode())
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(page)

    certificate = TLSConfig(secret("ca.pem"), None, secret("client.pem"), secret("client.key"))
    client = await Client.connect(f"127.0.0.1:{ports['TEMPORAL']}", tls=certificate)
    assert (await client.count_workflows()).count >= 0
    with pytest.raises(RuntimeError):
        await Client.connect(
            f"127.0.0.1:{ports['TEMPORAL']}", tls=TLSConfig(secret("ca.pem")), retry_config=None
        )


def test_postgresql_asks_everybody_for_a_password(stack: Project) -> None:
    ask = "select distinct type, auth_method from pg_hba_file_rules where type <> 'local'"
    told = _sql(stack, ask)
    assert told.split() == ["host|scram-sha-256"]
    assert "trust" not in _sql(stack, "select auth_method from pg_hba_file_rules")
    roles = "select rolname from pg_roles where rolcanlogin and rolname !~ '^pg_' order by 1"
    assert _sql(stack, roles).split() == ["atlas", "postgres", "temporal"]
    for role in ("atlas", "temporal"):
        may = f"select has_database_privilege('{role}', d, 'connect')"
        for database in ("postgres", "template1"):
            assert _sql(stack, may.replace("d,", f"'{database}',")).strip() == "f"


def _sql(stack: Project, statement: str) -> str:
    return stack.compose(*("exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc", statement))


def _asked(stack: Project, network: str, addresses: Sequence[str]) -> dict[str, str]:
    """What a container that is only in this network is answered."""
    alone = ("docker", "run", "--rm", "--no-healthcheck", "--network", f"{stack.name}_{network}")
    python = ("--entrypoint", "python", IMAGE, "-c", _PORTS.read_text())
    told: dict[str, str] = json.loads(run(*alone, *python, *addresses))
    return told


def _answers_in_worker(stack: Project, addresses: Sequence[str]) -> dict[str, str]:
    """What the worker itself is answered."""
    in_worker = ("exec", "-T", "worker", "python", "-c", _PORTS.read_text())
    told: dict[str, str] = json.loads(stack.compose(*in_worker, *addresses))
    return told


_PORTS = ROOT / "tests/deploy/ports.py"


@pytest.mark.fault(24)
def test_without_postgresql_temporal_and_workers_are_unhealthy_until_it_is_back(
    stack: Project,
) -> None:
    dependent = [stack.containers(each)[0]["Id"] for each in ("temporal", "worker")]
    stack.compose("stop", "postgres")
    try:
        for each in dependent:
            until(lambda each=each: _health(stack, each) == "unhealthy", f"{each} is unhealthy")
        check = ("sh", "-c", "atlas worker --healthcheck 2>&1 || :")
        told = stack.compose("exec", "-T", "worker", *check)
        assert "PostgreSQL at postgres:5432/atlas" in told
    finally:
        stack.compose("start", "postgres")
    for each in dependent:
        until(lambda each=each: _health(stack, each) == "healthy", f"{each} is healthy")


@pytest.mark.fault(24)
def test_a_seaweedfs_that_hangs_is_soon_unhealthy_and_one_that_is_told_to_stops(
    stack: Project,
) -> None:
    (one,) = stack.containers("seaweedfs")

    def signalled(name: str) -> None:
        stack.compose("exec", "-T", "seaweedfs", "sh", "-c", f"kill -{name} $(pidof weed)")

    began = time.monotonic()
    signalled("STOP")
    until(lambda: _health(stack, one["Id"]) == "unhealthy", "it is called unhealthy", 100)
    print(f"\nseaweedfs unhealthy after {time.monotonic() - began:.0f} s")
    signalled("CONT")
    until(lambda: _health(stack, one["Id"]) == "healthy", "it is called healthy")
    began = time.monotonic()
    stack.compose("stop", "seaweedfs")
    print(f"seaweedfs stopped in {time.monotonic() - began:.0f} s")
    assert stack.containers("seaweedfs")[0]["State"]["ExitCode"] != 137, "it had to be killed"
    stack.up()


def test_a_worker_that_hangs_is_called_unhealthy_until_it_goes_on(stack: Project) -> None:
    stack.up("--scale", "worker=1")
    (worker,) = stack.containers("worker")
    assert _health(stack, worker["Id"]) == "healthy"
    stop = (
        "import os, signal; from atlas.worker.heartbeat_file import signs; "
        "os.kill(signs()[0].process.pid, {})"
    )
    in_worker = ("exec", "-T", "worker", "python", "-c")
    stack.compose(*in_worker, stop.format("signal.SIGSTOP"))
    until(lambda: _health(stack, worker["Id"]) == "unhealthy", "it is called unhealthy")
    stack.compose(*in_worker, stop.format("signal.SIGCONT"))
    until(lambda: _health(stack, worker["Id"]) == "healthy", "it is called healthy")


def test_the_stack_for_development_runs_the_code_of_the_checkout(dev: Project, pages: Path) -> None:
    dev.serve(pages)
    dev.atlas("sources", "add", "site", "http://site.test:8000/", "--delay", "0")
    assert f"{PAGES + 1} added" in dev.compose(
        "exec", "-T", "worker", "sh", "-c", "atlas sync site --wait 2>&1"
    )
    before = _identity(dev)
    with (dev.folder / "workflows" / "sync_pipeline.py").open("a") as changed:
        changed.write("\n# changed\n")
    until(lambda: _identity(dev) not in (None, before), "the worker has started again")
    run("git", "checkout", "-q", ".", cwd=dev.folder)


def _fetched(stack: Project) -> int:
    count = "select count(*) from fetches"
    return int(
        stack.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc", count, "atlas")
    )


def _outcome(stack: Project) -> dict[str, int] | None:
    """The counts of the run, once it is completed."""
    run = json.loads(stack.atlas("runs", "-o", "json"))["runs"][0]
    counts: dict[str, int] = run["counts"]
    return counts if run["outcome"] == "completed" else None


def _checked(stack: Project) -> bool:
    listed = json.loads(stack.atlas("schedules", "list", "-o", "json"))["schedules"]
    return any(each["id"] == "health_check" and each["runs"] > 0 for each in listed)


def _health(stack: Project, container: str) -> str:
    told = json.loads(run("docker", "inspect", container))[0]
    return str(told["State"]["Health"]["Status"])


def _all_healthy(stack: Project, count: int) -> bool:
    found = stack.containers("worker")
    return [each["State"]["Health"]["Status"] for each in found] == ["healthy"] * count


def _identity(stack: Project) -> str | None:
    """Which process works; None while none does."""
    code = "from atlas.worker.heartbeat_file import signs; print([s.identity for s in signs()][:1])"
    told = stack.compose("exec", "-T", "worker", "python", "-c", code).strip()
    return None if told == "[]" else told


def _idle(stack: Project) -> float:
    """MiB that the container holds, once the processes for extraction have ended."""
    (worker,) = stack.containers("worker")
    time.sleep(75)  # they end after a minute without work
    told = run("docker", "stats", "--no-stream", "--format", "{{json .MemUsage}}", worker["Id"])
    return float(json.loads(told).split("MiB")[0])
