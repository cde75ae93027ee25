"""The JSON of every read command, compared with what is kept in `golden/`.

One small corpus is made by real runs, every read command is asked once for `-o json` and once for
`-o jsonl`, and what differs from run to run is replaced by the rules below. After a change that is
meant: `GOLDEN=write python -m pytest tests/starter/test_golden.py`, and look at the diff.
"""

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any

from starter.cli.framework.app import build
from starter.cli.framework.help_pages import pages
from starter.cli.reference.described import check
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas

GOLDEN = Path(__file__).parent / "golden"

READS = {
    "changes": ("changes", "--limit", "2", "--with", "text"),
    "config check": ("config", "check"),
    "config show": ("config", "show", "--changed"),
    "docs chunks": ("docs", "chunks", "{origin}/docs/a"),
    "docs diff": ("docs", "diff", "{origin}/docs/a"),
    "docs history": ("docs", "history", "{origin}/docs/a"),
    "docs held": ("docs", "held"),
    "docs list": ("docs", "list"),
    "docs quarantined": ("docs", "quarantined"),
    "docs show": ("docs", "show", "{origin}/docs/a"),
    "deletions list": ("deletions", "list"),
    "doctor": ("doctor",),
    "explain": ("explain", "{origin}/docs/b"),
    "hosts list": ("hosts", "list"),
    "hosts show": ("hosts", "show", "{host}"),
    "index list": ("index", "list"),
    "index status": ("index", "status"),
    "limits show": ("limits", "show"),
    "report list": ("report", "list"),
    "runs follow": ("runs", "follow", "docs"),
    "runs list": ("runs", "list"),
    "runs outcomes": ("runs", "outcomes", "{batch}"),
    "runs show": ("runs", "show", "docs"),
    "schedules list": ("schedules", "list"),
    "search": ("search", "orchard", "apples"),
    "sources freshness": ("sources", "freshness"),
    "sources list": ("sources", "list"),
    "sources show": ("sources", "show", "docs"),
    "status": ("status",),
    "top": ("top", "--once"),
}
"""Every command that only looks, with arguments that make it show something."""

LATER = {"docs diff", "docs history"}
"""Those that show what changed: they are asked last, when a page has."""

ACTS = {
    *("audit", "purge", "docs accept", "cleanup", "dedup", "fetch", "index rebuild"),
    *("index rollback", "migrate", "process"),
    *(
        "report make",
        "schedules apply",
        "sources add",
        "sources edit",
        "sources remove",
        "sources test",
    ),
    *("sources import", "sources release", "deletions approve", "deletions reject", "docs restore"),
    *("docs put", "docs withdraw", "import"),
    *(
        "apply",
        "export",
        "plan",
        "start",
        "sync",
        "hosts reset",
        "runs retry",
        "limits set host",
        "limits set source",
    ),
}
"""Commands that print JSON of what they did; their own tests look at it."""

TEXTS = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<run>"),
    (r"\b[0-9a-f]{8}-\d+-([0-9a-f]{8}|0)(-p\d+)?$", "<cursor>"),
    (r"\btest-[0-9a-f]{12}\b", "<namespace>"),
    (r"\btest_\d+\b", "<database>"),
    (r"\b(process_document|batch_process):[0-9a-f]{16}\b", r"\1:<hash>"),
    (r"\bhost=%2F[^&]*", "host=<folder>"),
    (r"\b(127\.0\.0\.1|localhost):\d+", "<address>"),
    (r"/[^\s\"]*pytest[^\s\"]*?/(?=blobs|home)", "<folder>/"),
)
"""In every string: a pattern, and what stands for it."""

_MOMENT = {
    *("identity", "host", "pid", "version", "heard", "slots", "late", "waits"),
    *("backlog", "oldest", "in_flight", "added", "dispatched"),
}

FIELDS = {
    "docs chunks": {"id"},
    "doctor": {"detail", "milliseconds", "mend", "status"},
    "explain": {"seconds"},
    "hosts list": {"waits", "delay"},
    "hosts show": {"waits", "delay"},
    "index list": {"bytes"},
    "index status": {"bytes"},
    "report list": {"hashes"},
    "runs follow": {"events"},
    "runs list": {"summary"},
    "search": {"score", "chunk_id"},
    "config show": {"variables"},
    "sources freshness": {"late"},
    "status": {"memory_bytes", "delay", *_MOMENT},
    "top": {"delay", *_MOMENT},
}
"""Fields of a command that say what this machine, or this moment, is like."""

PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "
LINKS = "<a href=a>Apples</a> <a href=b>Bells</a> <a href=void>Void</a>"


def test_every_read_command_is_looked_at() -> None:
    printing = {
        " ".join(page.words)
        for page in pages(build())
        for option in page.options
        if "jsonl" in option.choices
    }
    assert printing == set(READS) | ACTS, "a new command belongs to READS, or to ACTS"
    assert {file.stem for file in GOLDEN.glob("*.json")} == {name_of(read) for read in READS}


async def test_what_read_commands_print_stays(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    changed = []
    async with atlas_env.worker():
        named = await seed(atlas, origin)
        while not (await atlas("top", "--once", "-o", "json")).json["workers"]:
            pass  # its first heartbeat is to come
        for read, words in sorted(READS.items(), key=lambda each: each[0] in LATER):
            if read == min(LATER):
                origin.page("/docs/a", f"<html lang=en><title>Pears</title><p>Pears. {PROSE}")
                assert (await atlas("sync", "docs", "--wait")).code == 0
            arguments = [word.format(**named) for word in words]
            printed, lines = [await atlas(*arguments, "-o", form) for form in ("json", "jsonl")]
            value = json.loads(printed.out)
            shape = check(value)
            value = steady(read, value)
            items = value[shape.items] if shape.items else [value]
            said = [steady(read, json.loads(line)) for line in lines.out.splitlines()]
            assert said == items, f"{read} -o jsonl"
            changed += compared(read, {"code": printed.code, **value})
    assert not changed, "\n".join([*changed, (__doc__ or "").splitlines()[-1]])


async def seed(atlas: Atlas, origin: Origin) -> dict[str, str]:
    """A site with a page that is gone and one without text, a batch, a limit, schedules, a report;
    names for the arguments."""
    origin.page("/docs/", f"<html lang=en><title>Start</title><p>{PROSE}{LINKS}")
    origin.page("/docs/a", f"<html lang=en><title>Apples</title><p>Orchard apples. {PROSE}")
    origin.page("/docs/void", "<html lang=en><body></body>")
    for words in (
        ("sources", "add", "docs", origin.url("/docs/"), "--kind", "site", "--delay", "0"),
        ("sync", "docs", "--wait"),
        ("process", "--url", origin.url("/docs/void"), "--force", "--wait"),
        ("limits", "set", "source", "docs", "--delay", "2s", "--reason", "asked to"),
        ("schedules", "apply"),
        ("report", "make", "2026-W40"),
    ):
        ran = await atlas(*words)
        assert ran.code == 0, ran.err
    batch = await atlas("process", "--source", "docs", "--force", "--wait", "-o", "json")
    home = origin.url("")
    return {
        "origin": home,
        "host": home.removeprefix("http://"),
        "batch": batch.json["run_id"],
    }


def steady(read: str, value: Any, field: str = "") -> Any:
    """The value without what differs from run to run."""
    if field in FIELDS.get(read, ()):
        return f"<{field}>"
    if isinstance(value, dict):
        return {name: steady(read, each, name) for name, each in value.items()}
    if isinstance(value, list):
        items = [steady(read, each, field) for each in value]
        # Which of the schedules comes next depends on the time of day.
        moving = field == "schedules" and read in ("status", "top")
        return sorted(items, key=lambda each: each["id"]) if moving else items
    if isinstance(value, str):
        for pattern, placeholder in TEXTS:
            value = re.sub(pattern, placeholder, value)
    return value


def name_of(read: str) -> str:
    """The stem of its file."""
    return read.replace(" ", "-")


def compared(read: str, value: Any) -> list[str]:
    """The difference from what is kept, as lines; with GOLDEN=write none, as it is kept now."""
    file = GOLDEN / f"{name_of(read)}.json"
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    kept = file.read_text(encoding="utf-8") if file.exists() else ""
    return list(
        difflib.unified_diff(
            kept.splitlines(), text.splitlines(), f"golden {read}", "now", lineterm=""
        )
    )
