"""A worker that cannot work refuses to start: why, and what mends it; never a traceback."""

import asyncio
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

import worker
from atlas.contracts.names import SEARCH_ATTRIBUTES
from atlas.settings import Settings
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

ROOT = Path(__file__).parents[2]


async def refusal() -> str:
    """Why a worker does not start with the environment as it is, and without waiting: for that see
    test_starting.py."""
    with pytest.raises(worker.REFUSALS) as caught:
        settings = Settings.load()
        impatient = settings.worker.model_copy(update={"worker_start_patience": 0.0})
        settings = settings.model_copy(update={"worker": impatient})
        await asyncio.wait_for(worker.run(settings, asyncio.Event()), 300)
    return str(caught.value)


async def assert_refused(*words: str) -> None:
    message = await refusal()
    assert [word for word in words if word not in message] == [], message


async def empty_namespace(address: str, **attributes: str) -> str:
    """A namespace with these search attributes only."""
    client = await Client.connect(address)
    name = f"bare-{uuid.uuid4().hex[:12]}"
    month = Duration(seconds=30 * 86400)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=month)
    )
    kinds = {
        key: getattr(IndexedValueType, f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for key, kind in attributes.items()
    }
    while True:  # a namespace is known to all parts of the server only after a moment
        try:
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=name)
            )
            if kinds:
                await client.operator_service.add_search_attributes(
                    AddSearchAttributesRequest(namespace=name, search_attributes=kinds)
                )
            return name
        except RPCError as error:
            if "already exist" in str(error):
                return name
            await asyncio.sleep(0.1)


async def test_search_attributes_are_missing(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {"AtlasSource": "Keyword", "AtlasTrigger": "Keyword"}
    name = await empty_namespace(atlas_env.address, **some)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    await assert_refused(
        f"namespace '{name}' is missing the search attributes AtlasOutcome, AtlasDocsChanged",
        f"temporal operator search-attribute create --namespace {name}",
        "--name AtlasOutcome --type Keyword --name AtlasDocsChanged --type Int",
    )


async def test_a_search_attribute_has_another_type(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SEARCH_ATTRIBUTES | {"AtlasDocsChanged": "Keyword"}
    name = await empty_namespace(atlas_env.address, **wrong)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    await assert_refused("AtlasDocsChanged has type Keyword, not Int", "TEMPORAL_NAMESPACE")


async def test_the_namespace_does_not_exist(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    await assert_refused(
        "no namespace 'nowhere'",
        "temporal operator namespace create --namespace nowhere --retention 30d",
    )


async def test_the_namespace_belongs_to_another_corpus(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker():
        assert (await atlas_env.sync("none")).outcome == "unknown_source"
    first = await atlas_env.value("select corpus_id from corpus")
    await atlas_env.pool.execute("update corpus set corpus_id = gen_random_uuid()")
    second = await atlas_env.value("select corpus_id from corpus")
    await assert_refused(str(first), str(second), "ATLAS_DATABASE_URL", "TEMPORAL_NAMESPACE")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "delete from schema_migrations where number > 1",
            ("older than this program", "not applied", "atlas migrate"),
        ),
        ("drop table schema_migrations", ("older than this program", "atlas migrate")),
        (
            "insert into schema_migrations (number, name, digest) values (9999, 'x', 'x')",
            ("newer than this program (migration 9999)", "update Atlas"),
        ),
        (
            "update schema_migrations set digest = 'edited' where number = 1",
            ("0001_corpus.sql differs", "install the version of Atlas that made it"),
        ),
    ],
)
async def test_the_schema_is_not_the_one_this_program_knows(
    atlas_env: AtlasEnv, change: str, words: tuple[str, ...]
) -> None:
    await atlas_env.pool.execute(change)
    await assert_refused(*words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "ATLAS_DATABASE_URL",
            "postgresql://me:secret@127.0.0.1:1/atlas",
            ("PostgreSQL does not answer at 127.0.0.1:1/atlas", "atlas up -d"),
        ),
        ("ATLAS_DATABASE_URL", "postgresql://me:secret@127.0.0.1:port/x", ("ATLAS_DATABASE_URL",)),
        ("ATLAS_DATABASE_URL", "mysql://me:secret@db/x", ("ATLAS_DATABASE_URL", "postgresql://")),
        (
            "TEMPORAL_ADDRESS",
            "127.0.0.1:1",
            ("Temporal does not answer at 127.0.0.1:1", "atlas up -d", "TEMPORAL_ADDRESS"),
        ),
        ("TEMPORAL_ADDRESS", "no address", ("no address", "TEMPORAL_ADDRESS")),
        ("TEMPORAL_PROFILE", "nosuch", ("nosuch", "TEMPORAL_")),
        ("ATLAS_BLOBS", "blobs", ("ATLAS_BLOBS: 'blobs'", "absolute folder", "s3://")),
        ("ATLAS_BLOBS", "s3:///", ("ATLAS_BLOBS", "s3://bucket/prefix")),
        ("ATLAS_BLOBS", "/dev/null/blobs", ("/dev/null", "Point ATLAS_BLOBS at a folder")),
        ("ATLAS_FETCH_ATTEMPTS", "many", ("ATLAS_FETCH_ATTEMPTS=many", "valid integer")),
        ("ATLAS_FETCH_TIMEOUT", "0", ("ATLAS_FETCH_TIMEOUT=0", "greater than 0")),
        ("ATLAS_FETCH_ALLOW_NETWORKS", "10.0.0.0/99", ("10.0.0.0/99", "127.0.0.0/8")),
        ("ATLAS_FETCH_ALLOW_NETWORKS", "10.0.0.1/8", ("10.0.0.1/8", "CIDR")),
        ("ATLAS_CONTACT", "me (at home)", ("me (at home)", "plain ASCII")),
        ("ATLAS_CREDENTIALS_FILE", "/nowhere/creds.toml", ("/nowhere/creds.toml",)),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", ("http://localhost:4318",)),
    ],
)
async def test_a_setting_cannot_be_used(
    atlas_env: AtlasEnv,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv(name, value)
    message = await refusal()
    assert [word for word in words if word not in message] == [], message
    assert "secret" not in message


async def test_no_address_is_known(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATLAS_DATABASE_URL")
    await assert_refused("PostgreSQL: no address is known", "atlas up -d", "ATLAS_DATABASE_URL")


async def test_the_blob_folder_cannot_be_written(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ATLAS_BLOBS", str(tmp_path / "file"))
    await assert_refused(str(tmp_path / "file"), "ATLAS_BLOBS")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ATLAS_FETCH_TIMEOUT": "soon"}, ["ATLAS_FETCH_TIMEOUT=soon refused"]),
        pytest.param(
            {"ATLAS_LOG_LEVEL": "LOUD"},
            ["ATLAS_LOG_LEVEL=LOUD refused", "'DEBUG', 'INFO'"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"TEMPORAL_PROFILE": "nosuch"},
            ["nosuch", "TEMPORAL_CONFIG_FILE"],
            marks=pytest.mark.slow,
        ),
        (
            {"TEMPORAL_ADDRESS": "127.0.0.1:1", "ATLAS_FETCH_TIMEOT": "3"},
            ["Temporal does not answer at 127.0.0.1:1", "did you mean ATLAS_FETCH_TIMEOUT?"],
        ),
    ],
)
def test_the_process_says_so_and_exits_with_1(
    variables: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}
    process = subprocess.run(
        [sys.executable, "-P", "-m", "worker"],
        env=kept
        | {
            "ATLAS_HOME": str(tmp_path),
            "ATLAS_WORKER_START_PATIENCE": "0",
            "PYTHONPATH": str(ROOT),
            **variables,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 1
    refused = [line for line in process.stderr.splitlines() if "did you mean" not in line]
    assert refused[0].startswith("atlas worker: "), process.stderr
    assert [word for word in words if word not in process.stderr] == [], process.stderr
    assert "Traceback" not in process.stderr + process.stdout


async def test_a_worker_that_may_start_leaves_the_corpus_id_in_the_namespace(
    atlas_env: AtlasEnv,
) -> None:
    async with atlas_env.worker():
        await atlas_env.sync("none")
    described = await atlas_env.client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=atlas_env.namespace)
    )
    corpus = await atlas_env.value("select corpus_id from corpus")
    assert described.namespace_info.data["atlas_corpus_id"] == str(corpus)


@pytest.mark.fault(3)
@pytest.mark.parametrize(("off", "way"), [(120, "ahead of"), (-86_400, "behind")])
async def test_the_clock_here_is_not_the_databases(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch, off: int, way: str
) -> None:
    wrong = timedelta(seconds=off)
    monkeypatch.setattr(worker, "utc_now", lambda: datetime.now(UTC) + wrong)
    await assert_refused("the clock here (", f" s {way} the database's", "more than 60 s", "NTP")


@pytest.mark.fault(3)
async def test_what_a_worker_stores_is_dated_by_the_database(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = timedelta(seconds=45)  # little enough to start
    monkeypatch.setattr(worker, "utc_now", lambda: datetime.now(UTC) - behind)
    began = await atlas_env.value("select clock_timestamp()")
    origin.page("/a", "<html><title>A</title><p>Text enough to be a document.</p></html>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).counts.added == 1
    for stored in (
        "select least(started_at, ended_at) from runs",
        "select least(fetched_at, settled_at, checked_at) from page_state",
        "select fetched_at from fetches",
        "select valid_from from versions",
        "select created_at from documents",
        "select put_at from blobs",
    ):
        assert began < await atlas_env.value(stored), stored
