"""What the processes of an idle stack have in memory: nothing that they need once, or rarely."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RARE = {
    # Sketches are made in extraction children, and compared where texts share a bucket.
    "numpy": "comparing near-duplicates",
    "jinja2": "the weekly report",
    "markdown_it": "chunks",
    "regex": "chunks",
    "pyarrow": "exports as Parquet",
    "mammoth": "DOCX, in children",
    "lxml": "HTML, in children",
    "trafilatura": "HTML, in children",
    "resiliparse": "HTML, in children",
    "pypdfium2": "PDF, in children",
    "fasttext": "language, in children",
    "fastfeedparser": "feeds, in children",
    "feedparser": "feeds, in children",
    "botocore": "blobs in S3",
    "aiobotocore": "blobs in S3",
    "tantivy": "opened after the start",
    "opentelemetry.sdk": "traces, where they are sent",
    "cryptography": "encryption, where it is on",
    "rich": "the command line",
    "click": "httpx's command line",
    "pygments": "httpx's command line",
    "cyclopts": "the command line",
    "atlas.embedded.supervisor": "the embedded stack",
    "atlas.embedded.temporal": "the embedded stack",
}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    code = "import sys, worker; print(*(name for name, each in sys.modules.items() if each))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_worker_imports_what_is_rarely_needed_only_when_it_is(imported: set[str]) -> None:
    assert {name: why for name, why in RARE.items() if name in imported} == {}
    assert {"temporalio.worker", "asyncpg", "httpx", "activities.settling"} <= imported


def test_the_collector_does_not_go_through_what_is_imported() -> None:
    code = "import gc, worker; print(gc.get_stats()[2]['collections'], gc.isenabled())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "True"]


def _imported_by(code: str, *options: str) -> set[str]:
    shown = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, *options, "-c", shown],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_supervisor_leaves_the_database_to_a_process_that_ends() -> None:
    imported = _imported_by("import starter.supervisor")
    assert "atlas.embedded.supervisor" in imported
    assert not imported & {"asyncpg", "temporalio", "pydantic", "atlas.settings", "cyclopts"}


def test_the_gate_imports_little_of_the_standard_library() -> None:
    imported = _imported_by("sys.path.append('.'); import atlas.embedded.gate", "-I", "-S")
    assert {"atlas.embedded.gate", "ssl"} <= imported
    large = {"asyncio", "concurrent.futures", "dataclasses", "inspect", "logging", "pathlib"}
    assert not imported & {*large, "subprocess", "threading", "typing", "argparse", "tempfile"}


def test_what_starts_every_part_imports_little() -> None:
    imported = _imported_by("sys.path.append('.'); import atlas.embedded.launch", "-I", "-S")
    assert "atlas.embedded.launch" in imported
    assert not imported & {"argparse", "dataclasses", "pathlib", "socket", "subprocess", "typing"}


def test_models_of_messages_are_built_when_one_is_first_read() -> None:
    code = (
        "import worker\n"
        "from atlas.contracts.models import Message, Request\n"
        "def below(kind): return {each for one in kind.__subclasses__() for each in "
        "(one, *below(one))}\n"
        "known = below(Message) | below(Request)\n"
        "print(len(known), sum(each.__pydantic_complete__ for each in known))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known, built = map(int, done.stdout.split())
    assert known > 100
    assert built < known / 10  # those of which there is one in a default
