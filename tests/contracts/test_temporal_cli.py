"""The plain `temporal` binary starts runs; what it sends wrong ends at once, with a mend."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from atlas.contracts.names import QUEUE
from atlas.embedded.temporal import find_temporal
from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

PAGE = "<html><body><h1>Quay</h1><p>Boats lie at the quay until the tide turns.</body></html>"


@dataclass(frozen=True)
class Said:
    """What the binary printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def run(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def result(self) -> Any:
        return self.run["result"]

    @property
    def failure(self) -> str:
        return str(
            self.run["closeEvent"]["workflowExecutionFailedEventAttributes"]["failure"]["message"]
        )


@dataclass(frozen=True)
class Cli:
    """`temporal` on the test's namespace."""

    env: AtlasEnv

    async def __call__(self, *words: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            str(find_temporal()),
            *words,
            "--address",
            self.env.address,
            "--namespace",
            self.env.namespace,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 300)
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def execute(self, kind: str, *options: str) -> Said:
        return await self(
            "workflow", "execute", "--type", kind, "--task-queue", QUEUE, "-o", "json", *options
        )


@pytest.fixture
async def cli(atlas_env: AtlasEnv) -> AsyncIterator[Cli]:  # noqa: F811
    async with atlas_env.worker():
        yield Cli(atlas_env)


async def test_a_sync_and_a_fetch(cli: Cli, origin: Origin) -> None:  # noqa: F811
    origin.page("/a", PAGE)
    await cli.env.add_source("docs", "urls", origin.url("/a"))
    synced = await cli.execute("sync_pipeline", "--input", '{"sources":["docs"]}')
    assert synced.code == 0, synced
    assert synced.result["outcome"] == "completed", synced.result
    assert synced.result["counts"]["added"] == 1
    fetched = await cli.execute("fetch_url", "--input", json.dumps({"url": origin.url("/a")}))
    assert fetched.result["status_code"] == 304
    assert fetched.result["success"] is True
    assert fetched.result["url"] == origin.url("/a")


@pytest.mark.fault(17)
async def test_a_run_of_no_source_fails_and_says_which_are_known(cli: Cli) -> None:
    await cli.env.add_source("docs", "urls", "https://example.org/", tags=("news",))
    said = await cli.execute("sync_pipeline", "--input", '{"sources":["dcos"]}')
    assert said.code == 1
    assert "'dcos'; known: docs" in said.failure
    several = await cli.execute("sync_pipeline", "--input", '{"sources":["dcos", "odcs"]}')
    assert several.code == 1
    assert "dcos: unknown_source" in several.failure and "odcs: unknown_source" in several.failure
    tagged = await cli.execute("collect_all_sources", "--input", '{"tags":["nwes"]}')
    assert tagged.code == 1
    assert "no source carries 'nwes'; known tags: news" in tagged.failure


SYNC = "sync_pipeline"
JSON = "--input"
PLAIN = ("--input-meta", "encoding=binary/plain")
BAD: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    ((SYNC, JSON, '{"source":["docs"]}'), ("source:", "['docs']", "did you mean 'sources'")),
    ((SYNC, JSON, '{"sources":"docs"}'), ("sources: 'docs'", "valid array")),
    ((SYNC, JSON, "{}"), ('{"sources": ["docs"]}',)),
    ((SYNC, JSON, '"docs"'), ("input: 'docs'", "object")),
    ((SYNC, JSON, "null"), ("needs an input", '{"sources": ["docs"]}')),
    ((SYNC,), ("needs an input", '{"sources": ["docs"]}')),
    ((SYNC, JSON, '{"sources":["docs"]}', JSON, '{"all":true}'), ("2 inputs", "one JSON object")),
    ((SYNC, JSON, "docs", *PLAIN), ("SyncRequest", "not JSON")),
    (("fetch_url", JSON, '{"link":"https://a"}'), ("url: missing", "link: unknown")),
    (("fetch_url", JSON, '{"url":5}'), ("url: 5", "valid string")),
    (("fetch_url",), ("needs an input", "https://example.org/")),
    (("fetch_url", JSON, '"https://a/"', JSON, "1"), ("2 inputs", "one JSON object")),
    (("sync_pipelin", JSON, "{}"), ("sync_pipelin", "known: audit_corpus, batch_process, ")),
    (("sync_pipelin",), ("sync_pipelin", "known: audit_corpus, batch_process, ")),
    (
        ("sync_pipelin", JSON, "1", JSON, "2"),
        ("sync_pipelin", "known: audit_corpus, batch_process, "),
    ),
]


async def test_bad_input_fails_the_run_at_once(cli: Cli) -> None:
    for words, expected in BAD:
        said = await cli.execute(*words)
        assert said.run["status"] == "FAILED", (words, said)
        missing = [word for word in expected if word not in said.failure]
        assert missing == [], (words, said.failure)


async def test_what_is_no_json_the_binary_itself_refuses(cli: Cli) -> None:
    said = await cli.execute("sync_pipeline", "--input", "{docs")
    assert said.code != 0
    assert "not valid JSON" in said.err


async def test_bad_signals_updates_and_queries_leave_the_run_going(
    cli: Cli,
    origin: Origin,  # noqa: F811
) -> None:
    gate = asyncio.Event()
    origin.page("/a", PAGE, gate=gate)
    await cli.env.add_source("docs", "urls", origin.url("/a"))
    handle = await cli.env.start("docs")
    await origin.arrived("/a")
    to = ("--workflow-id", handle.id, "--name")
    for options in (
        ["pause", "--input", "1", "--input", "2"],
        ["paus"],
        ["resume", "--input", "{}"],
    ):
        assert (await cli("workflow", "signal", *to, *options)).code == 0
    update = await cli("workflow", "update", "execute", *to, "limits", "--input", '{"lanes":"x"}')
    assert update.code != 0
    assert "limits" in update.err
    query = await cli("workflow", "query", *to, "progres")
    assert query.code != 0
    assert "progress" in query.err
    asked = await cli("workflow", "query", *to, "progress", "-o", "json")
    assert json.loads(asked.out)["queryResult"][0]["source"] == "docs"
    gate.set()
    assert (await asyncio.wait_for(handle.result(), 300)).outcome == "completed"


@pytest.mark.slow  # the SDK sends a heartbeat every eight seconds at most
async def test_describe_shows_the_pages_of_a_batch_under_way(cli: Cli, origin: Origin) -> None:  # noqa: F811
    """The query counts whole batches; the heartbeats of a batch count its pages."""
    for number in range(8):
        origin.page(f"/{number}", PAGE.replace("Quay", f"Quay {number}"))
    opened = origin.hold_after(6)  # robots.txt, and five pages
    await cli.env.add_source("docs", "urls", *(origin.url(f"/{n}") for n in range(8)))
    to = ("--workflow-id", "counted")
    request = ("--type", "sync_pipeline", "--task-queue", QUEUE, "--input", '{"sources":["docs"]}')
    started = await cli("workflow", "start", *to, *request)
    assert started.code == 0, started.err

    async def beats() -> list[object]:
        described = await cli("workflow", "describe", *to, "-o", "json")
        pending = json.loads(described.out).get("pendingActivities", [])
        return [beat for each in pending for beat in each.get("heartbeatDetails", [])]

    while await beats() != [{"fetched": 5, "of": 8}]:
        await asyncio.sleep(0.2)
    shown = await cli("workflow", "describe", *to)
    assert '[{"fetched":5,"of":8}]' in shown.out
    asked = await cli("workflow", "query", *to, "--name", "progress", "-o", "json")
    [progress] = json.loads(asked.out)["queryResult"]
    assert (progress["counts"]["seen"], progress["counts"]["added"]) == (8, 0)
    opened.set()
    result = await cli("workflow", "result", *to, "-o", "json")
    assert json.loads(result.out)["result"]["counts"]["added"] == 8
