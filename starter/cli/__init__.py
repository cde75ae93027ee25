"""`atlas`, the command. One file per command group; nothing is imported before it is needed.

The overview (`atlas`, `atlas --help`) is written from the table below, without the argument
parser: it answers in a tenth of a second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("up", "starter.cli.embedded:up", "Start PostgreSQL, Temporal and a worker (-d: background)"),
    ("down", "starter.cli.embedded:down", "Stop them"),
    ("status", "starter.cli.embedded:status", "Tell what runs where"),
    (
        "sources",
        "starter.cli.sources:app",
        "Declare what to watch: add, list, show, edit, remove …",
    ),
    ("sync", "starter.cli.sync:sync", "Bring the corpus in step with sources"),
    ("start", "starter.cli.start:start", "Start a workflow of any type, by its name"),
    (
        "schedules",
        "starter.cli.schedules:app",
        "What starts by itself: apply, list, pause, trigger …",
    ),
    ("search", "starter.cli.search:search", "Find documents"),
    ("index", "starter.cli.index:app", "Look at the search index, rebuild it, go back"),
    ("docs", "starter.cli.docs:app", "List the documents, show one with its text"),
    ("dedup", "starter.cli.dedup:dedup", "Find documents that say the same; mark all but one"),
    ("cleanup", "starter.cli.cleanup:cleanup", "Take away what has been kept long enough"),
    ("runs", "starter.cli.runs:app", "List runs; show, pause, resume or cancel one"),
    ("report", "starter.cli.report:app", "Weekly reports: list, show, make"),
    ("fetch", "starter.cli.fetch:fetch", "Get one URL now"),
    ("process", "starter.cli.process:process", "Process stored documents again"),
    ("doctor", "starter.cli.doctor:doctor", "Look at every part, and say what mends it"),
    ("worker", "starter.cli.worker:worker", "Run a worker here, until Ctrl-C"),
    ("codec", "starter.cli.codec:codec", "Decrypt payloads for the Web UI and `temporal`"),
    ("migrate", "starter.cli.migrate:migrate", "Bring the database's schema up to date"),
    ("schema", "starter.cli.schema:schema", "Print the JSON Schema of requests and results"),
)
"""Name, where it is, and one line of help."""

_OPENING = "Atlas keeps a searchable corpus of documents in step with the web."
_ENDING = """\
Each command has its own help: atlas COMMAND --help. Most take -o json.
Begin with: atlas up -d && atlas sources add docs https://… && atlas sync docs --wait
"""


def overview() -> str:
    """What `atlas --help` prints."""
    lines = [_OPENING, "", "Usage: atlas COMMAND …", ""]
    lines += [f"  {name:<9} {text}" for name, _, text in COMMANDS]
    return "\n".join([*lines, "", _ENDING])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 wrong usage, 3 cannot connect."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(overview())
        return 0
    if given == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(version("atlas-corpus") + "\n")
        return 0
    from starter.cli.app import run

    return run(given)
