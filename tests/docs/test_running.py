"""The documents' commands, run as they are written, on a home of their own. `make test-docs`."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.docs.journey import Journey, clone_of
from tests.docs.otlp import Receiver
from tests.docs.pages import ROOT
from tests.docs.shells import Shell
from tests.origin.server import Origin

EXAMPLE = "https://docs.example.org"
OTHERS = ("https://example.org", "https://docs.example.com", "https://example.com")
COLLECTORS = ("http://127.0.0.1:4318", "http://127.0.0.1:6006")
# These take it that Atlas runs here, with a source `docs` that was synced.
FROM_THERE = [
    "docs/migrating-from-celery.md",
    "docs/workflows.md",
    "docs/schedules.md",
    "docs/sources.md",
    "docs/sources-file.md",
    "docs/runs.md",
    "docs/watching.md",
    "docs/undo.md",
    "docs/changes.md",
    "docs/export.md",
    "docs/push.md",
    "docs/chunks.md",
    "docs/doctor.md",
    "docs/settings.md",
    "docs/encryption.md",
    "docs/telemetry.md",
    "docs/troubleshooting.md",
    "docs/json.md",
]
THERE = (
    f". {ROOT}/.venv/bin/activate",
    "atlas up -d",
    f"atlas sources add docs {EXAMPLE}/ --delay 0.2",
    f"atlas sources add blog {EXAMPLE}/guide/ --delay 0.2 --tag news",
    "atlas sync docs --wait",
)
FROM_NOTHING = ["README.md", "docs/getting-started.md"]
# For what has a hand on a run there has to be one under way, and a slow one.
BEFORE = {
    "atlas runs pause docs": ("atlas limits set source docs --delay 20s", "atlas sync docs"),
    'atlas runs terminate docs --reason "stuck since the move"': (
        "atlas runs follow docs || true",  # the cancelled one, to its end
        "atlas sync docs",
    ),
    "atlas runs retry docs --wait": ("atlas limits clear source docs",),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture
async def site() -> AsyncIterator[Origin]:
    """What the reader's site is in the tests: a few pages, linked."""
    texts = {
        "how-to-begin": "How to begin: open the box, read the card, and light the lamp.",
        "tides": "The tides turn twice a day, and the ferry timetable follows: every two hours.",
        "a": "The letter A stands on the first buoy.",
        "guide/": "A guide to the harbour. It tells how to begin when fog is about.",
        "lighthouse": "灯塔在港口的北边，每天晚上都亮着，船员们靠它找到回家的路。",
    }
    links = "".join(f'<li><a href="/{path}">{path}</a></li>' for path in texts)
    async with Origin() as origin:
        origin.page("/", _page(f"<p>A small site about a harbour.</p><ul>{links}</ul>"))
        for path, text in texts.items():
            origin.page(f"/{path}", _page(f"<h1>{path}</h1><p>{text}</p>"))
        yield origin


def _page(body: str) -> str:
    return f"<!doctype html><html><head><title>Harbour</title></head><body>{body}</body></html>"


@contextmanager
def reader(home: Path) -> Iterator[Shell]:
    """A shell of somebody who has nothing yet; whatever it started is stopped at the end."""
    # The machine's own variables stay: certificates, package index.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["PATH"] = ":".join(
        each for each in os.environ["PATH"].split(":") if not each.startswith(str(ROOT))
    )
    environment |= {"HOME": str(home), "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}
    environment.pop("ATLAS_HOME", None)  # the home of somebody who sets nothing: ~/.atlas
    with Shell(home, environment) as shell:
        try:
            yield shell
        finally:
            shell.type("atlas down", 60)


@pytest.mark.parametrize("page", FROM_NOTHING)
async def test_a_page_can_be_followed(
    page: str, site: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if page == "README.md":  # which does not make its environment; what it writes stays out of here
        (home / ".venv").symlink_to(ROOT / ".venv")
    with Receiver() as receiver, reader(home) as shell:
        instead = {**own_place(tmp_path), EXAMPLE: site.base, "git clone URL atlas": clone_of(ROOT)}
        instead |= dict.fromkeys(COLLECTORS, receiver.url)
        journey = Journey(page, shell, instead, tmp_path, home / ".atlas")
        await asyncio.to_thread(journey.follow)
    came_through(journey, capsys)
    assert any("atlas sync" in names for names in receiver.traces.values())
    whole = next(names for names in receiver.traces.values() if "atlas sync" in names)
    assert {"RunWorkflow:sync_pipeline", "RunActivity:fetch_batch"} <= whole


@pytest.mark.parametrize("page", FROM_THERE)
async def test_the_examples_of_a_page_work(
    page: str, site: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "urls.txt").write_text(site.url("/tides") + "\n")
    with reader(home) as shell:
        instead = own_place(tmp_path)
        instead |= dict.fromkeys((EXAMPLE, *OTHERS), site.base) | {" NAME": " docs"}
        instead["docs.example.com"] = site.base.removeprefix("http://")
        instead["127.0.0.1:9464"] = f"127.0.0.1:{free_port()}"
        journey = Journey(page, shell, instead, tmp_path, home / ".atlas", BEFORE)
        await asyncio.to_thread(journey.prepare, THERE)
        instead["0f3c9d1e"] = _latest_run(shell)
        await asyncio.to_thread(journey.follow)
    came_through(journey, capsys)


def own_place(folder: Path) -> dict[str, str]:
    """A folder of this run in place of /tmp: an export writes into no folder that is not empty, and
    one of an earlier run would be there. It is put first: another path may contain /tmp."""
    (folder / "tmp").mkdir()
    return {"/tmp/": f"{folder}/tmp/"}


def _latest_run(shell: Shell) -> str:
    """The id of a run, where the page has an invented one."""
    return str(json.loads(shell.type("atlas runs list --limit 1 -o jsonl", 60).output)["run_id"])


def came_through(journey: Journey, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{journey.told()}")
    assert journey.run, f"{journey.page}: none of its commands was run"
    assert not journey.failed, "\n".join(journey.failed)
