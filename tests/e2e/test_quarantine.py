"""Documents that keep failing are left alone, their old versions stay, and what mends them."""

from __future__ import annotations

from tests.e2e.processing import EMPTY, POISON, env, found, keep, page, process, servers, state, url
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

__all__ = ["env", "servers", "url"]


async def test_a_document_that_keeps_failing_is_left_alone_and_its_old_version_stays(
    env: AtlasEnv, url: str
) -> None:
    await keep(env, url, b"Quarantineless words of the first version.")
    await process(env, url=url)
    await keep(env, url, EMPTY)
    tries = [await process(env, url=url) for _ in range(4)]
    assert [each.documents[0].result for each in tries] == ["failed"] * 3 + ["skipped"]
    assert [each.documents[0].quarantined for each in tries] == [False, False, True, True]
    assert tries[3].documents[0].error_code == "quarantined"
    assert await found(env, "quarantineless") == [url]
    assert await state(env, url, "lifecycle") == "live"
    forced = await process(env, url=url, force=True)
    assert forced.documents[0].error_code == "empty_body"
    await keep(env, url, b"Mended words of the second version.")
    [mended] = (await process(env, url=url)).documents
    assert (mended.result, mended.quarantined) == ("updated", False)
    assert await found(env, "mended") == [url]


async def test_a_deadly_document_is_quarantined_at_once(env: AtlasEnv, url: str) -> None:
    await keep(env, url, POISON)
    [first] = (await process(env, url=url)).documents
    [second] = (await process(env, url=url)).documents
    assert (first.error_code, first.quarantined) == ("extractor_crashed", True)
    assert second.error_code == "quarantined"
    assert await state(env, url, "lifecycle") == "quarantined"
    await env.pool.execute("update quarantine set extractor = 0 where page_id = $1", first.page)
    [newer] = (await process(env, url=url)).documents  # another extractor version tries it
    assert newer.error_code == "extractor_crashed"
    await keep(env, url, EMPTY)
    await process(env, url=url)  # another body has not failed as often
    assert await state(env, url, "lifecycle") == "discovered"
    await keep(env, url)
    assert (await process(env, url=url)).counts.added == 1


async def test_a_sync_leaves_a_quarantined_document_alone(env: AtlasEnv, origin: Origin) -> None:
    url = origin.url("/empty")
    origin.page("/empty", "<html><body></body></html>")
    await env.add_source("docs", "urls", url)
    runs = [await env.sync("docs") for _ in range(4)]
    assert [run.counts.failed for run in runs] == [1, 1, 1, 0]
    assert [run.counts.skipped for run in runs] == [0, 0, 0, 1]
    assert [run.outcome for run in runs[2:]] == ["all_failed", "completed"]
    assert await state(env, url, "lifecycle") == "quarantined"
    origin.page("/empty", page("Fullness"))
    assert (await env.sync("docs")).counts.added == 1
    assert await state(env, url, "lifecycle") == "live"
