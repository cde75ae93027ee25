"""The `atlas` command. One file per command group; nothing is imported before it is needed.

The overview (`atlas`, `atlas --help`) is written from the table below, without the argument
parser, in a tenth of a second.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

_Commands = tuple[tuple[str, str, str], ...]

TOPICS: dict[str, _Commands] = {
    "Run Atlas": (
        ("up", "stack_options:up", "Start PostgreSQL, Temporal and a worker on this machine"),
        ("down", "stack_options:down", "Stop them"),
        ("worker", "worker:worker", "Run a worker in this process until Ctrl-C"),
        ("migrate", "migrate:migrate", "Bring the database schema up to date"),
    ),
    "Monitor": (
        ("status", "status:status", "Show what is running, waiting or late"),
        ("top", "top:top", "The same, live"),
        ("runs", "runs:app", "Runs: list, show, follow, pause, cancel, retry …"),
        ("hosts", "hosts:app", "Hosts: list, show, reset one that was down"),
        ("limits", "limits:app", "Limit hosts and sources at run time"),
        ("doctor", "doctor:doctor", "Check every part and say how to fix what is wrong"),
        ("config", "config:app", "Settings: show, check"),
        ("report", "report:app", "Weekly reports: list, show, make"),
    ),
    "Collect": (
        ("sources", "sources:app", "Sources: add, list, show, edit, remove …"),
        ("plan", "plan:plan", "Show what a file of sources would change, and its cost"),
        ("apply", "plan:apply", "Make the declared sources those of a file"),
        ("sync", "sync:sync", "Sync the corpus with its sources"),
        ("schedules", "schedules:app", "Scheduled runs: apply, list, pause …"),
        ("fetch", "fetch:fetch", "Fetch one URL now"),
        ("import", "import_archive:import_archive", "Take over a web archive (WARC)"),
    ),
    "Use the corpus": (
        ("search", "search:search", "Find documents"),
        ("docs", "docs:app", "Documents: list, show, history, diff, restore …"),
        ("changes", "changes:changes", "What happened to the corpus, in order, without gaps"),
        ("export", "export:export", "Write the documents in bulk"),
        ("explain", "explain:explain", "Explain why a page is, or is not, in the corpus"),
        ("deletions", "deletions:app", "Removals that were held: list, approve, reject"),
    ),
    "Maintain": (
        ("index", "index:app", "The search index: status, rebuild, rollback, follow"),
        ("process", "process:process", "Process stored documents again"),
        ("dedup", "dedup:dedup", "Find duplicates, and mark all but one"),
        ("cleanup", "cleanup:cleanup", "Delete data past its retention"),
        ("purge", "purge:purge", "Erase pages for good, and keep them away"),
        ("audit", "audit:audit", "Check that rows, bodies and index agree"),
    ),
    "Other": (
        ("start", "start:start", "Start a workflow of any type by name"),
        ("schema", "schema:schema", "Print the JSON Schema of requests and results"),
        ("codec", "codec:codec", "Decrypt payloads for the Web UI and `temporal`"),
        ("completion", "completion:completion", "Complete commands and names in a shell"),
    ),
}
"""By topic: name, where it is in `commands`, and one line of help."""

COMMANDS: _Commands = tuple(each for topic in TOPICS.values() for each in topic)

_OPENING = "Atlas keeps a searchable corpus of documents in step with the web."
_EXAMPLES = (
    "atlas up -d",
    "atlas sources add docs https://docs.example.com/",
    "atlas sync docs --wait",
    'atlas search "getting started"',
)


def program() -> str:
    """The name it was called by: `atlas`, or `temporal atlas` as Temporal's extension."""
    return "temporal atlas" if sys.argv[0].endswith("temporal-atlas") else "atlas"


def overview() -> str:
    """What `atlas --help` prints."""
    name = program()
    lines = [_OPENING, "", f"Usage: {name} COMMAND …"]
    for topic, commands in TOPICS.items():
        lines += ["", f"{topic}:", *(f"  {command:<11} {text}" for command, _, text in commands)]
    lines += ["", "Examples:", *(f"  {example.replace('atlas', name, 1)}" for example in _EXAMPLES)]
    lines += ["", f"Each command has its own help: {name} COMMAND --help. Most take -o json."]
    return "\n".join(lines) + "\n"


def _in_order(given: list[str]) -> list[str]:
    """The arguments with `-o` after the command: `temporal` has that option too, and puts it before
    the words of an extension."""
    count = 2 if given[:1] in (["-o"], ["--output"]) else 1
    if not given or not given[0].startswith(("-o", "--output")):
        return given
    words = given[count:]
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], *given[:count], *words[end:]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (`starter.cli.framework.exit_codes`)."""
    given = _in_order(list(sys.argv[1:] if arguments is None else arguments))
    if given in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(overview())
        return 0
    if given[-1] == "--version" and "--" not in given:
        from importlib.metadata import version

        sys.stdout.write(version("atlas-corpus") + "\n")
        return 0
    if given[0] == "__complete":
        from starter.cli.framework.completion_words import answer

        return answer(given[1:])
    from starter.cli.framework.app import run

    return run([*given[1:], "--help"] if given[0] == "help" else given)


def entry() -> NoReturn:
    """The entry point: run one command and end the process with its exit code.

    The interpreter is not shut down, because that takes time and can crash the threads of
    Temporal's runtime (exit code 139 after all work was done). Exit handlers run first, and both
    streams are flushed.
    """
    # Libraries would write the keys of their TLS connections there.
    os.environ.pop("SSLKEYLOGFILE", None)
    code = _run_and_write()
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(code)


def _run_and_write() -> int:
    from atlas.private_files import keep_private
    from starter.cli.framework.exit_codes import DETACHED, FAILED, PIPE_CLOSED

    keep_private()
    code = FAILED
    try:
        code = main()
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except KeyboardInterrupt:  # during the imports, or after the command
        return DETACHED
    except BrokenPipeError:
        return PIPE_CLOSED
    except OSError as error:  # the disk is full
        sys.stderr.write(f"atlas: the output cannot be written: {error}\n")
        return code or FAILED
    return code
