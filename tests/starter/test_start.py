"""`atlas start` and `AtlasClient.start`: every type by its name."""

import pytest

from atlas.contracts.fetch_url import FetchUrlResult
from starter import AtlasClient
from starter.errors import InvalidRequest
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sync_pipelin",), "known: audit_corpus, batch_process, "),
        (("fetch_url", "{"), "cannot be read as JSON"),
        (("fetch_url", "[]"), "not a JSON object"),
        (("fetch_url", "@/nowhere.json"), "/nowhere.json"),
        (("fetch_url", "{}"), "url: missing"),
        (("fetch_url", '{"ulr": "https://h.org"}'), "did you mean 'url'?"),
    ],
)
async def test_a_mistake_is_told_with_its_mend(
    atlas: Atlas, atlas_env: AtlasEnv, arguments: tuple[str, ...], told: str
) -> None:
    ran = await atlas("start", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


async def test_a_run_is_started_by_its_type_and_joined_by_its_request(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html><title>A</title><p>The ferry bell rings twice in fog.</p></html>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    sync = ("start", "sync_pipeline", '{"sources": ["docs"]}')
    first = await atlas(*sync, "-o", "json")
    assert first.code == 0
    again = await atlas(*sync, "-o", "json")
    assert again.json["run_id"] == first.json["run_id"]
    assert "joined it" in again.err
    async with atlas_env.worker():
        waited = await atlas(*sync, "--wait", "-o", "json")
        assert (waited.code, waited.json["outcome"]) == (0, "completed")
        async with AtlasClient.connect() as client:
            run = await client.start("fetch_url", url=origin.url("/a"))
            result = await run.result()
            assert isinstance(result, FetchUrlResult) and result.success
            assert [progress.stage async for progress in run] == ["completed"]
            bad = await client.start("fetch_url", workflow_id="mine", url=origin.url("/none"))
            assert bad.workflow_id == "mine"
            assert (await bad.result()).model_dump()["status_code"] == 404


async def test_an_unknown_type_is_refused_before_anything_is_asked() -> None:
    async with AtlasClient.connect() as client:
        with pytest.raises(InvalidRequest, match="no workflow type 'nothing'"):
            await client.start("nothing")
