"""Whole manuals of a thousand pages and more, that nobody here wrote: nothing of them is lost."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest
from temporalio.api.enums.v1 import EventType

from atlas.contracts.sync_pipeline import SyncResult
from tests.e2e.environments import Servers, kill, servers, until_pages
from tests.e2e.manuals import Manual, own_sentences
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin

__all__ = ["servers"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

POSTGRESQL = Manual("postgresql-doc-15", "usr/share/doc/postgresql-doc-15/html")
BOOST = Manual("libboost1.74-doc", "usr/share/doc/libboost1.74-doc", "doc/html/index.html")
LOOKED_AT = 25
"""Results looked through for a page; what is below is lost to a reader."""


SENTENCES_TRIED = 5


@dataclass
class Search:
    """What became of asking for each page by sentences of its own, the longest first: in plain
    words, then in quotes, then by the next sentence."""

    asked: int = 0
    first: int = 0
    """Pages that their longest sentence, in plain words, puts at the very top."""
    how: Counter[str] = field(default_factory=Counter)
    late: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Path and sentence of pages that the first question did not find, by reason."""
    lost: list[str] = field(default_factory=list)
    """Pages that no question found."""

    def __str__(self) -> str:
        lines = [f"asked {self.asked}, at the top {self.first}, {dict(self.how)}, lost {self.lost}"]
        for reason, pages in self.late.items():
            lines.append(f"  {reason}: {len(pages)}")
            lines += [f"    {page}" for page in pages[:15]]
        return "\n".join(lines)


async def ask_for_each(env: AtlasEnv, origin: Origin, own: dict[str, list[str]]) -> Search:
    found = Search()
    texts = {
        row["url"]: _plain(f"{row['title']} {row['text']}")
        for row in await env.fetch(
            "select p.url, d.title, d.text from versions v join pages p on p.id = v.page_id "
            "join documents d on d.id = v.document_id where v.valid_to is null"
        )
    }
    urls = {unquote(url): url for url in texts}
    for path, said in own.items():
        url = urls.get(origin.url(f"/{path}"), "no document")
        found.asked += 1
        ranks = [rank async for rank in _ranks(env, url, said)]
        found.first += ranks[0] == 0
        if ranks[0] is None:
            found.late[_reason(texts.get(url), said[0])].append(f"{path}: {said[0][:150]}")
        if ranks[-1] is not None:
            found.how[f"question {len(ranks)}"] += 1
        elif any(_own(sentence, texts, url) for sentence in said):
            found.lost.append(path)
        else:
            found.how["its sentences stand within other pages'"] += 1
    return found


async def _ranks(env: AtlasEnv, url: str, said: list[str]) -> AsyncIterator[int | None]:
    """Where the page stands in the answer to each question, until one finds it."""
    for sentence in said[:SENTENCES_TRIED]:
        unquoted = re.sub('["“”„]', " ", sentence)
        for question in (sentence, f'"{unquoted}"'):
            hits = (await env.search(question, limit=LOOKED_AT)).results
            rank = next((n for n, hit in enumerate(hits) if url in (hit.url, *hit.similar)), None)
            yield rank
            if rank is not None:
                return


def _own(sentence: str, texts: dict[str, str], url: str) -> bool:
    """Whether no other page holds the sentence, not even as a part of one of its own."""
    plain = _plain(sentence)
    return not any(plain in text for other, text in texts.items() if other != url)


def _reason(text: str | None, sentence: str) -> str:
    if text is None:
        return "no document"
    return "ranked below" if _plain(sentence) in text else "not in the extracted text"


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


async def stages(env: AtlasEnv, result: SyncResult) -> str:
    """Seconds spent in each activity, over all lanes, from the run's history."""
    spent: Counter[str] = Counter()
    async for execution in env.client.list_workflows(f"WorkflowId = '{result.workflow_id}'"):
        names: dict[int, str] = {}
        begun: dict[int, float] = {}
        handle = env.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        async for event in handle.fetch_history_events():
            at = event.event_time.ToMicroseconds() / 1e6
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                scheduled = event.activity_task_scheduled_event_attributes
                names[event.event_id] = scheduled.activity_type.name
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                begun[event.activity_task_started_event_attributes.scheduled_event_id] = at
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                key = event.activity_task_completed_event_attributes.scheduled_event_id
                spent[names[key]] += at - begun[key]  # type: ignore[assignment]
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.most_common())


def failures(rows: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{code} {pages}" for code, pages in rows) or "none"


@pytest.mark.parametrize("manual", [POSTGRESQL, BOOST], ids=lambda manual: manual.package)
async def test_a_manual_is_synced_whole_and_each_page_found_by_a_sentence_of_its_own(
    servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str], manual: Manual
) -> None:
    root = tmp_path / "manual"
    shutil.copytree(manual.root(), root, symlinks=True)
    pages = manual.reachable()
    assert len(pages) >= 1000
    async with Origin() as origin, servers.atlas(tmp_path / "atlas") as env:
        origin.serve_directory(root)
        await env.add_source("manual", "site", origin.url(f"/{manual.start}"), prefix=origin.url())
        env.spawn_worker()
        began = time.monotonic()
        result = await env.sync("manual")
        took = time.monotonic() - began
        rows = await env.fetch(
            "select error_code, count(*) from run_pages where run_id = $1 and outcome = 'failed' "
            "group by 1 order by 2 desc",
            result.run_id,
        )
        asked = await ask_for_each(env, origin, own_sentences(pages))
        live = (await snapshot(env.pool, origin.base)).live
        lost = sorted(set(pages) - {unquote(url).removeprefix("{site}/") for url in live})
        with capsys.disabled():
            print(
                f"\n{manual.package}: {len(pages)} pages, {result.counts} in {took:.1f} s, "
                f"{result.counts.added / took:.1f} documents/s, levels {result.levels}, "
                f"{result.events} events, {result.events / result.counts.seen:.3f} a page\n"
                f"failed: {failures((row[0], row[1]) for row in rows)}; pages without a document: "
                f"{len(lost)} {lost[:10]}\n{await stages(env, result)}\n"
                f"{len(pages) - asked.asked} pages have no sentence of their own; {asked}"
            )
        await assert_invariants(env.pool, env.blobs)
        assert not lost

        versions = await env.value("select count(*) from versions")
        again = await env.sync("manual")
        statuses = Counter(
            row["status"]
            for row in await env.fetch(
                "select status from fetches where run_id = $1 and error_class is null",
                again.run_id,
            )
        )
        assert set(statuses) == {304}
        assert again.counts.changed == 0
        assert await env.value("select count(*) from versions") == versions

        altered = root / sorted(pages)[len(pages) // 2]
        said, end, rest = altered.read_bytes().rpartition(b"</p>")
        assert end  # within its text: what stands behind a footer is none
        added = b"<p>Zanzibar quokkas juggle kumquats.</p>"
        altered.write_bytes(said + end + added + rest)
        changed = await env.sync("manual")
        assert (changed.counts.added, changed.counts.updated) == (0, 1)
        assert await env.value("select count(*) from versions") == versions + 1
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)
        with capsys.disabled():
            print(
                f"again: {statuses[304]} not modified, "
                f"{again.events / again.counts.seen:.3f} events a page; changed: {changed.counts}"
            )
        assert not asked.lost


async def test_a_manual_survives_five_kills(servers: Servers, tmp_path: Path) -> None:
    """The same corpus as without them, compared whole."""
    root = POSTGRESQL.root()
    dice = random.Random(5)
    async with (
        Origin() as origin,
        Origin() as calm,
        servers.atlas(tmp_path / "killed") as env,
        servers.atlas(tmp_path / "calm") as other,
    ):
        for one, site in ((env, origin), (other, calm)):
            site.serve_directory(root)
            await one.add_source("manual", "site", site.url("/index.html"), prefix=site.url())
        other.spawn_worker()
        undisturbed = await other.sync("manual")
        other.end_workers()
        victim = env.spawn_worker()
        handle = await env.start("manual")
        for done in sorted(dice.sample(range(20, 1100), 5)):
            await until_pages(env, "done", done)
            await asyncio.sleep(dice.uniform(0, 1))
            await kill(victim)
            victim = env.spawn_worker()
        result = await handle.result()
        assert result.counts == undisturbed.counts
        await assert_invariants(env.pool, env.blobs)
        found = await snapshot(env.pool, origin.base)
        assert found.differences(await snapshot(other.pool, calm.base)) == []
        await assert_workflows_healthy(env.client)
