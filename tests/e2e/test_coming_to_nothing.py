"""A run that came to nothing says so: in its outcome, its message, and its exit code."""

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from atlas.contracts.names import QUEUE
from starter import AtlasClient
from starter.cli.framework.run_follower import ending_of
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin

pytestmark = pytest.mark.fault(17)

PROSE = "The ferry leaves the quay at seven, and the keeper writes the hour into the book. "


async def declare(env: AtlasEnv, origin: Origin) -> None:
    """Sources of which no page can be had, each for another reason, and one that is well."""
    origin.robots("User-agent: *\nDisallow: /closed/\n")
    origin.page("/well/a", f"<html lang=en><title>A</title><p>{PROSE * 5}")
    for path in ("/moved/a", "/moved/b"):
        origin.redirect(path, origin.url("/elsewhere/"))
    origin.page("/elsewhere/", PROSE)
    url = origin.url
    await env.add_source("closed", "urls", url("/closed/a"), url("/closed/b"))
    await env.add_source("gone", "urls", url("/gone/a"), url("/gone/b"))
    await env.add_source("moved", "urls", url("/moved/a"), url("/moved/b"), prefix=url("/moved/"))
    await env.add_source("private", "urls", "http://10.1.2.3/a")
    origin.page("/shy", f"<html><head><meta name=robots content=noindex></head><p>{PROSE}")
    await env.add_source("shy", "urls", url("/shy"))
    await env.add_source("mixed", "urls", url("/well/a"), url("/gone/a"))
    await env.add_source("well", "urls", url("/well/a"), tags=("good",))


async def meant_nothing(env: AtlasEnv, workflow: str, asked: dict[str, Any]) -> ApplicationError:
    """How a run fails that a person started by plain `temporal`."""
    with pytest.raises(WorkflowFailureError) as failure:
        await env.client.execute_workflow(workflow, asked, id=f"{workflow}:x", task_queue=QUEUE)
    assert isinstance(failure.value.cause, ApplicationError)
    return failure.value.cause


async def test_a_sync_whose_every_page_was_refused_has_not_completed(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        for name, code in (
            ("closed", "robots_disallowed"),
            ("gone", "http_404"),
            ("moved", "redirected_out_of_scope"),
            ("private", "address_refused"),
        ):
            result = await atlas_env.sync(name)
            assert result.outcome == "all_failed", (name, result)
            assert f"source '{name}'" in result.message and code in result.message, result.message
            assert f"atlas sources edit {name}" in result.message
            recorded = await atlas_env.fetch(
                "select outcome, message from runs where run_id = $1", result.run_id
            )
            assert dict(recorded[0]) == {"outcome": "all_failed", "message": result.message}
        synced = "select name from sources where synced_at is not null order by name"
        assert await atlas_env.fetch(synced) == []
        limited = await atlas_env.sync("gone", limits={"pages": 1}, id="limited")
        assert limited.outcome == "all_failed", limited
        assert (await atlas_env.sync("mixed")).outcome == "completed_with_failures"
        shy = await atlas_env.sync("shy")
        assert shy.outcome == "completed" and shy.message.endswith("taken over (1 × noindex)"), shy

        # Of what was due one page failed, the others are well.
        await atlas_env.pool.execute(
            "update page_state set next_due = null, fetched_at = null "
            "where failed_class is not null"
        )
        due = await atlas_env.sync("mixed", due=True)
        assert (due.counts.seen, due.outcome) == (1, "completed_with_failures"), due

        several = await atlas_env.sync("gone", "well", "nosuch")
        assert several.outcome == "completed_with_failures"
        assert "gone: all_failed" in several.message, several.message
        assert "nosuch: unknown_source (no source is named 'nosuch'" in several.message
        assert "no page could be taken over" in several.message, "it says why"
        assert [failure.code for failure in several.failures] == ["http_404", "http_404"]
        (mixed,) = (await atlas_env.sync("mixed", "well", id="with one")).message.split("; ")
        gone = origin.url("/gone/a")
        assert mixed == f"mixed: completed_with_failures ({gone}: http_404)", mixed
        (well,) = [one for one in several.sources if one.source == "well"]
        assert well.counts.seen == 1
        async with AtlasClient.connect() as atlas:
            shown = await atlas.describe_run(several.run_id)
        assert shown.sources == several.sources and shown.message == several.message
        nothing = await atlas_env.sync("gone", "nosuch", id="nothing")
        assert nothing.outcome == "all_failed", nothing
        collected = await atlas_env.client.execute_workflow(
            "collect_from_source", {"source": "gone", "mode": "full"}, id="c", task_queue=QUEUE
        )
        assert collected["outcome"] == "all_failed", collected
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_request_that_means_nothing_fails_for_a_person_and_says_what_to_do(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin)
    await atlas_env.add_source(
        "barred", "urls", origin.url("/well/a"), include=("^nowhere$",), tags=("odd",)
    )
    await atlas_env.add_source("asleep", "urls", origin.url("/well/a"), paused=True, tags=("zzz",))
    empty = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>'
    origin.page("/empty.xml", empty, content_type="application/xml")
    await atlas_env.add_source("empty", "sitemap", origin.url("/empty.xml"))
    cases: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
        ("sync_pipeline", {"sources": ["nosuch"]}, "unknown_source", ("'nosuch'", "known:")),
        ("sync_pipeline", {"sources": ["asleep"]}, "source_paused", ("resume asleep",)),
        ("sync_pipeline", {"tags": ["nosuch"]}, "nothing_selected", ("'nosuch'", "known tags:")),
        ("sync_pipeline", {"tags": ["zzz"]}, "nothing_selected", ("'zzz'", "asleep", "resume")),
        ("sync_pipeline", {"sources": ["well"], "stages": ["process"]}, "nothing_selected",
         ("stages:", "'well'", "add 'discover'")),
        ("sync_pipeline", {"sources": ["barred"]}, "nothing_selected",
         ("include ^nowhere$", "atlas sources edit barred")),
        ("sync_pipeline", {"sources": ["empty"]}, "nothing_selected",
         ("'empty': its listing names no page", "atlas sources edit empty")),
        ("collect_from_source", {"source": "empty"}, "nothing_selected", ("names no page",)),
        ("sync_pipeline", {"sources": ["nosuch", "nobody"]}, "unknown_source", ("'nobody'",)),
        ("collect_from_source", {"source": "nosuch"}, "unknown_source", ("'nosuch'",)),
        ("collect_from_source", {"source": "asleep"}, "source_paused", ("resume asleep",)),
        ("collect_all_sources", {"tags": ["nosuch"]}, "nothing_selected", ("'nosuch'",)),
        ("collect_all_sources", {"sources": ["nosuch"]}, "unknown_source", ("'nosuch'",)),
        ("deduplicate_documents", {"sources": ["nosuch"]}, "unknown_source", ("nosuch",)),
        ("process_document", {"url": "https://nosuch.example/"}, "unknown_page", ("fetch it",)),
        ("batch_process", {"query": {"source": "well"}}, "nothing_selected",
         ("query:", '"source": "well"', "sync a source")),
    ]  # fmt: skip
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        for workflow, asked, outcome, words in cases:
            failure = await meant_nothing(atlas_env, workflow, asked)
            assert failure.type == outcome, (asked, failure)
            assert all(word in str(failure) for word in words), (asked, str(failure))
            assert failure.details[0]["outcome"] == outcome
            # The client gives it as a result.
            result = await (await atlas.start(workflow, **asked)).result()
            assert (result.outcome, result.message) == (outcome, failure.message)
            assert not ending_of(workflow).fine(result), "its command ends with exit code 1"
        quarantined = await atlas_env.client.execute_workflow(
            "batch_process", {"query": {"quarantined": True}}, id="q", task_queue=QUEUE
        )
        assert quarantined["outcome"] == "completed", "none is good news"
        assert "no stored document" in quarantined["message"]
        mixed = await atlas_env.sync("well", tags=["good", "nosuch"], id="mixed")
        assert (mixed.outcome, len(mixed.sources)) == ("completed", 1)
        assert "'nosuch'" in mixed.message and "'good'" not in mixed.message
        none_failed = await atlas_env.sync("well", mode="failed", id="none failed")
        assert none_failed.outcome == "completed" and "no page" in none_failed.message


async def test_a_schedule_that_finds_all_paused_alarms_nobody(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await atlas_env.add_source("asleep", "urls", origin.url("/a"), paused=True)
    async with atlas_env.worker():
        for workflow, asked in (
            ("hourly_collection", {}),
            ("collect_all_sources", {"trigger": "schedule"}),
            ("sync_pipeline", {"all": True, "trigger": "schedule"}),
        ):
            result = await atlas_env.client.execute_workflow(
                workflow, asked, id=workflow, task_queue=QUEUE
            )
            assert result["outcome"] == "completed", result
            assert "every source is paused (asleep)" in result["message"]
        for workflow, asked in (
            ("hourly_collection", {"trigger": "cli"}),
            ("collect_all_sources", {}),
            ("sync_pipeline", {"all": True}),
        ):
            failure = await meant_nothing(atlas_env, workflow, asked)
            assert failure.type == "nothing_selected", failure
            assert "atlas sources resume NAME" in str(failure)
