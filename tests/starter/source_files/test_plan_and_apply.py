"""`atlas plan` and `atlas apply`: what would change, and just that, or nothing."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from atlas.domain.sources import SourceSpec
from starter import AtlasClient, InvalidSourcesFile, PlanOutdated, SourceBusy
from starter.cli.framework import agreement
from starter.cli.framework.exit_codes import CHANGES, DONE, FAILED, USAGE
from starter.cli.reference.described import check
from starter.connection import Parts
from starter.source_files.plan import moved, planned
from tests.origin import Origin
from tests.starter.conftest import Atlas

pytestmark = pytest.mark.usefixtures("corpus")

DOCS = SourceSpec("docs", "site", ("https://x.example/docs/",), prefix="https://x.example/docs/")
JSON = ("-o", "json")


def a_file(folder: Path, text: str, name: str = "sources.yaml") -> str:
    path = folder / name
    path.write_text("sources:\n" + text)
    return str(path)


def docs(delay: float = 1, name: str = "docs") -> str:
    return f"  {name}:\n    kind: site\n    urls: [https://x.example/{name}/]\n    delay: {delay}\n"


async def declare(atlas: Atlas, *names: str) -> None:
    for name in names:
        added = await atlas(
            *("sources", "add", name, f"https://x.example/{name}/", "--kind", "site", "--force")
        )
        assert added.code == DONE, added.err


async def test_a_plan_says_what_changes_rule_by_rule_and_apply_does_it_once(
    atlas: Atlas, tmp_path: Path
) -> None:
    await declare(atlas, "docs", "old", "older", "same")
    file = a_file(tmp_path, docs(2) + docs(name="new") + docs(name="same"))
    told = await atlas("plan", "-f", file, "--prune", *JSON)
    assert told.code == CHANGES, told.err
    found = {each["name"]: each for each in told.json["sources"]}
    assert {name: each["change"] for name, each in found.items()} == {
        "docs": "changed",
        "new": "added",
        "old": "removed",
        "older": "removed",
        "same": "unchanged",
    }
    assert found["docs"]["rules"] == [{"rule": "delay", "before": 1.0, "after": 2.0}]
    assert {each["rule"] for each in found["new"]["rules"]} == {"kind", "urls", "prefix"}
    # x.example does not exist: as with `sources add`, it is not declared without --force.
    assert "new" in found["new"]["problem"] and "--force" in found["new"]["problem"]

    refused = await atlas("apply", "-f", file, "--prune", "--yes")
    assert (refused.code, refused.out) == (FAILED, "")
    assert "nothing was changed" in refused.err and "new: url: " in refused.err
    assert await names_and_delays(atlas) == {
        "docs": 1.0,
        "old": 1.0,
        "older": 1.0,
        "same": 1.0,
    }

    done = await atlas("apply", "-f", file, "--prune", "--yes", "--force", *JSON)
    assert done.code == DONE, done.err
    assert done.json == {
        "added": ["new"],
        "changed": ["docs"],
        "removed": [
            {"name": "old", "pages": 0, "purged": False},
            {"name": "older", "pages": 0, "purged": False},
        ],
        "unchanged": ["same"],
    }
    assert await names_and_delays(atlas) == {"docs": 2.0, "new": 1.0, "same": 1.0}

    again = await atlas("apply", "-f", file, "--prune")
    assert again.code == DONE
    assert again.out == "nothing to change; 3 sources are as the file says\n"
    assert (await atlas("plan", "-f", file, "--prune")).code == DONE


async def names_and_delays(atlas: Atlas) -> dict[str, float]:
    listed = (await atlas("sources", "list", *JSON)).json["sources"]
    return {each["name"]: each["delay"] for each in listed}


async def test_what_is_exported_is_planned_and_applied_as_no_change(
    atlas: Atlas, tmp_path: Path
) -> None:
    await declare(atlas, "docs", "blog")
    changed = await atlas(
        *("sources", "edit", "docs", "--exclude", "café: #1\u202e", "--every", "90m", "--tag", "on")
    )
    assert changed.code == DONE, changed.err
    await atlas("sources", "pause", "blog")
    text = (await atlas("sources", "export")).out
    assert "every: 90m" in text and "paused: true" in text
    file = tmp_path / "sources.yaml"
    file.write_text(text)
    told = await atlas("plan", "-f", str(file), "--prune")
    assert (told.code, told.out) == (DONE, "2 unchanged\n")
    assert (await atlas("apply", "-f", str(file), "--prune")).code == DONE
    assert (await atlas("sources", "export")).out == text


async def test_credentials_are_in_no_file(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "credentials.toml"
    secrets.write_text('["https://x.example"]\nbearer = "env:DOCS_TOKEN"\n')
    monkeypatch.setenv("ATLAS_CREDENTIALS_FILE", str(secrets))
    monkeypatch.setenv("DOCS_TOKEN", "hunter2-token")
    await declare(atlas, "docs")
    text = (await atlas("sources", "export")).out
    assert "docs:" in text and "hunter2" not in text and "DOCS_TOKEN" not in text
    file, plan = a_file(tmp_path, docs(2)), tmp_path / "plan.json"
    told = await atlas("plan", "-f", file, "--save", str(plan))
    assert told.code == CHANGES
    assert "hunter2" not in told.out + told.err + plan.read_text()


async def test_what_the_file_does_not_name_stays_unless_pruned_and_a_person_agrees(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(atlas, "docs", "old")
    file = a_file(tmp_path, docs())
    told = await atlas("plan", "-f", file)
    assert told.code == DONE
    assert "not in the file, and kept (--prune removes them): old" in told.out
    assert (await atlas("apply", "-f", file)).code == DONE
    asked = await atlas("apply", "-f", file, "--prune")
    assert (asked.code, asked.out) == (USAGE, "") and "add --yes" in asked.err
    for answer, code in (("n\n", FAILED), ("y\n", DONE)):
        typed = io.StringIO(answer)
        monkeypatch.setattr(typed, "isatty", lambda: True)
        monkeypatch.setattr(agreement, "sys", SimpleNamespace(stdin=typed, stderr=io.StringIO()))
        assert (await atlas("apply", "-f", file, "--prune")).code == code
    assert await names_and_delays(atlas) == {"docs": 1.0}


async def test_a_saved_plan_is_done_or_what_moved_is_named(atlas: Atlas, tmp_path: Path) -> None:
    await declare(atlas, "docs", "blog")
    file, plan = a_file(tmp_path, docs(2) + docs(name="blog")), str(tmp_path / "plan.json")
    saved = await atlas("plan", "-f", file, "--save", plan, *JSON)
    assert saved.code == CHANGES
    assert json.loads(Path(plan).read_text()) == json.loads(saved.out)
    assert check(json.loads(saved.out)).name == "sources_plan"

    await atlas("sources", "edit", "blog", "--delay", "7")
    await declare(atlas, "other")  # not in the file, and not pruned: the plan does not touch it
    late = await atlas("apply", "-f", file, "--plan", plan)
    assert (late.code, late.out) == (FAILED, "")
    assert "nothing was changed" in late.err
    assert "blog: its rules were changed meanwhile (delay)" in late.err and "docs" not in late.err
    assert (await names_and_delays(atlas))["docs"] == 1.0

    await atlas("sources", "edit", "blog", "--delay", "1")  # as it was
    other = a_file(tmp_path, docs(3) + docs(name="blog"), "other.yaml")
    wrong = await atlas("apply", "-f", other, "--plan", plan)
    assert "docs: the file is not the one that the plan was made from" in wrong.err
    done = await atlas("apply", "-f", file, "--plan", plan)
    assert (done.code, done.out) == (DONE, "changed docs\n")
    assert (await names_and_delays(atlas))["docs"] == 2.0
    again = await atlas("apply", "-f", file, "--plan", plan)
    assert again.code == DONE and "nothing to change" in again.out

    Path(plan).write_text('{"schema": "run/1"}')
    assert "is no plan" in (await atlas("apply", "-f", file, "--plan", plan)).err
    assert (await atlas("apply", "-f", file, "--plan", plan, "--prune")).code == USAGE


async def test_a_file_with_mistakes_changes_nothing(atlas: Atlas, tmp_path: Path) -> None:
    file = a_file(tmp_path, docs() + docs(-1, "blog") + "    dely: 3\n")
    for command in ("plan", "apply"):
        refused = await atlas(command, "-f", file)
        assert (refused.code, refused.out) == (USAGE, "")
        assert f"{file}: 2 mistakes; nothing was changed\n" in refused.err
        assert f"{file}:9: blog.delay: -1.0 refused: give 0 to 3600 seconds\n" in refused.err
        assert f"{file}:10: blog.dely: there is no rule of this name; did you" in refused.err
    assert await names_and_delays(atlas) == {}
    missing = await atlas("plan", "-f", str(tmp_path / "none.yaml"))
    assert missing.code == USAGE and "cannot read" in missing.err


async def test_all_of_a_file_is_applied_or_nothing(corpus: str) -> None:
    """The last statement of a file fails: what came before it is undone, too."""
    connection = await asyncpg.connect(corpus)
    await connection.execute(
        "create function refuse() returns trigger language plpgsql as "
        "$$ begin if new.name = 'zz' then raise 'no zz'; end if; return new; end $$;"
        "create trigger refuse before insert on sources for each row execute function refuse()"
    )
    await connection.close()
    text = "sources:\n" + docs() + docs(name="zz")
    async with AtlasClient.connect() as client:
        with pytest.raises(Exception, match="no zz"):
            await client.source_files.apply(text, force=True)
        assert await client.sources.list() == []


async def test_a_source_at_work_is_not_removed_and_nothing_else_is_changed(
    corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_(*_: object) -> bool:
        return True

    monkeypatch.setattr(Parts, "run_is_open", open_)
    async with AtlasClient.connect() as client:
        both = "sources:\n" + docs() + docs(name="old")
        await client.source_files.apply(both, force=True)
        connection = await asyncpg.connect(corpus)
        await connection.execute(
            "update sources set lease_run = 'r', lease_workflow = 'w', lease_since = now() "
            "where name = 'old'"
        )
        await connection.close()
        with pytest.raises(SourceBusy, match="w works on source 'old' now"):
            await client.source_files.apply("sources:\n" + docs(9), prune=True)
        listed = {each.source.spec.name: each.source.spec for each in await client.sources.list()}
        assert (set(listed), listed["docs"].delay) == ({"docs", "old"}, 1.0)


async def test_two_files_applied_at_once_both_hold_or_one_is_told_so(corpus: str) -> None:
    texts = ["sources:\n" + docs(delay) for delay in (1, 2, 3)]
    async with AtlasClient.connect() as client:
        plans = [await client.source_files.plan(text, look=False) for text in texts]
        done = await asyncio.gather(
            *(
                client.source_files.apply(text, plan=plan, force=True)
                for text, plan in zip(texts, plans, strict=True)
            ),
            return_exceptions=True,
        )
        assert len([each for each in done if isinstance(each, PlanOutdated)]) == 2
        [late] = {moved for each in done if isinstance(each, PlanOutdated) for moved in each.moved}
        assert late == "docs: it was declared meanwhile"
        [source] = await client.sources.list()
        won = next(at for at, each in enumerate(done) if not isinstance(each, Exception))
        assert source.source.spec.delay == won + 1
        with pytest.raises(InvalidSourcesFile) as caught:
            await client.source_files.plan("sources: {x: {}}", file="mine.yaml")
        assert len(caught.value.problems) == 2


async def test_hosts_of_new_sources_are_asked(
    atlas: Atlas, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.page("/a/", "<html><body>A", content_type="text/html")
    text = "".join(
        f"  {name}:\n    kind: site\n    delay: 0\n    urls: ['{origin.url(f'/{name}/')}']\n"
        for name in ("a", "gone")
    )
    file = a_file(tmp_path, text)
    told = await atlas("plan", "-f", file)
    assert told.code == CHANGES
    assert told.out.count("refused:") == 1 and "/gone/ could not be read (http_404" in told.out
    monkeypatch.delenv("ATLAS_FETCH_ALLOW_NETWORKS")
    asked = len(origin.requests())
    forbidden = await atlas("plan", "-f", file)
    assert forbidden.out.count("ATLAS_FETCH_ALLOW_NETWORKS") == 2
    assert len(origin.requests()) == asked


def test_a_plan_is_about_the_sources_of_its_file() -> None:
    others = {"docs": DOCS, "other": replace(DOCS, name="other")}
    plan = planned([replace(DOCS, delay=2)], others, prune=False)
    grown = others | {"more": replace(DOCS, name="more")}
    assert moved(plan, planned([replace(DOCS, delay=2)], grown, prune=False)) == []
    pruning = planned([DOCS], others, prune=True)
    assert moved(pruning, planned([DOCS], grown, prune=True)) == ["more: it was declared meanwhile"]
    assert moved(pruning, planned([DOCS], {"docs": DOCS}, prune=True)) == [
        "other: it was removed meanwhile"
    ]


async def test_sources_that_ask_no_host_are_planned_and_applied(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked for them, whatever their hosts are; a folder has to be allowed."""
    (tmp_path / "docs").mkdir()
    text = (
        "  notes:\n    kind: push\n    urls: [https://notes.invalid/]\n    deletion: keep\n"
        f"  files:\n    kind: bucket\n    urls: [{(tmp_path / 'docs').as_uri()}]\n    every: 1h\n"
    )
    file = a_file(tmp_path, text)
    refused = await atlas("apply", "-f", file, "--yes")
    assert (refused.code, "ATLAS_BUCKET_ROOTS" in refused.err) == (FAILED, True), refused
    monkeypatch.setenv("ATLAS_BUCKET_ROOTS", str(tmp_path))
    told = await atlas("plan", "-f", file, *JSON)
    assert told.code == CHANGES, told.err
    found = {each["name"]: each for each in told.json["sources"]}
    assert {name: each["cost"]["requests"] for name, each in found.items()} == {
        "notes": 0,
        "files": 0,
    }
    applied = await atlas("apply", "-f", file, "--yes")
    assert applied.code == DONE, applied.err
    assert (await atlas("plan", "-f", file)).code == DONE
    listed = await atlas("sources", "list")
    assert "pushed" in listed.out
    for rule in ("delay: 2", "cron: 5 * * * *"):
        bad = a_file(tmp_path, text.replace("    deletion: keep", f"    {rule}"), "bad.yaml")
        refused = await atlas("plan", "-f", bad)
        assert refused.code == USAGE, refused
        assert "not for a source of kind push" in refused.err
