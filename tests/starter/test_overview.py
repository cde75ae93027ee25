"""`atlas --help` is quick because it imports nothing; wrong usage is told in one line."""

import json
import subprocess
import sys

import pytest

from atlas.contracts.catalogue import WORKFLOWS
from starter.cli import overview
from tests.starter.conftest import Atlas

HEAVY = ("temporalio", "asyncpg", "pydantic", "cyclopts", "rich", "atlas", "worker", "aiohttp")


def imported(code: str) -> set[str]:
    """The modules that a fresh Python has after `code`."""
    probe = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    return set(json.loads(ended.stderr.splitlines()[-1]))


def test_the_overview_imports_nothing_heavy() -> None:
    modules = imported("from starter.cli import main; main(['--help'])")
    assert not modules & set(HEAVY)


def test_no_page_of_help_imports_what_takes_its_time() -> None:
    modules = imported(
        "from starter.cli import COMMANDS, main\n"
        "for name, _, _ in COMMANDS: main([name, '--help'])\n"
        "for verb in ('show', 'follow', 'retry'): main(['runs', verb, '--help'])"
    )
    assert not modules & {*HEAVY, "aiobotocore", "numpy", "asyncio", "docstring_parser"} - {
        "cyclopts",
        "atlas",
    }


def test_the_package_imports_its_client_when_it_is_asked_for() -> None:
    assert not imported("import starter") & set(HEAVY)
    assert "asyncpg" in imported("from starter import AtlasClient")


def test_searching_does_not_wait_for_temporals_client_to_load() -> None:
    modules = imported("from starter.cli import main; main(['search', 'x'])")
    assert "temporalio" not in modules and "asyncpg" in modules


@pytest.mark.usefixtures("corpus", "home")
def test_declaring_without_a_look_does_not_wait_for_the_web_client_to_load() -> None:
    add = ["sources", "add", "docs", "http://127.0.0.1:1/", "--kind", "urls", "--force"]
    modules = imported(f"from starter.cli import main; assert main({add}) == 0")
    assert "aiohttp" not in modules and "asyncpg" in modules


async def test_the_version_is_of_atlas_wherever_it_is_asked_for(atlas: Atlas) -> None:
    said = (await atlas("--version")).out
    assert said == (await atlas("runs", "--version")).out != "0.0.0\n"


async def test_no_argument_shows_the_overview(atlas: Atlas) -> None:
    assert (await atlas()).out == overview() == (await atlas("-h")).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("snyc",), "snyc"),
        (("sync", "--everything"), "--everything"),
        (("sync", "docs", "-o", "xml"), "xml"),
        (("sync",), "--all"),
        (("sync", "docs", "--all"), "--all"),
        (("runs", "cancel", "docs", "--all"), "--all"),
        (("top", "--once", "--interval", "1ms"), "--interval: '1ms'"),
        (("status", "--stale-after", "soon"), "--stale-after: 'soon'"),
        (("search",), "QUERY"),
        (("sources", "add", "docs"), "URL"),
        (("schema", "SyncReqest"), "did you mean SyncRequest?"),
    ],
)
async def test_wrong_usage_ends_with_2_and_names_the_mistake(
    arguments: tuple[str, ...], said: str, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)  # what is refused is not asked about
    ran = await atlas(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


async def test_a_bad_setting_is_wrong_usage(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "localhost")
    ran = await atlas("sources", "list")
    assert ran.code == 2
    assert "ATLAS_FETCH_ALLOW_NETWORKS" in ran.err and "127.0.0.0/8" in ran.err


async def test_a_bug_is_one_line_and_a_traceback_only_when_asked_for(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("what")

    monkeypatch.setattr("starter.cli.commands.stack.down", broken)
    ran = await atlas("down")
    assert ran.code == 1
    assert "RuntimeError: what" in ran.err and "ATLAS_DEBUG=1" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("ATLAS_DEBUG", "1")
    assert "Traceback" in (await atlas("down")).err


async def test_the_contracts_are_printed_as_json_schema(atlas: Atlas) -> None:
    everything = (await atlas("schema")).json
    assert set(everything) == set(WORKFLOWS)
    one = (await atlas("schema", "SyncRequest")).json
    assert one == everything["sync_pipeline"]["SyncRequest"]
    assert (await atlas("schema", "sync_pipeline")).json == everything["sync_pipeline"]
    assert one["additionalProperties"] is False
