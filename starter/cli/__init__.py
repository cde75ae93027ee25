"""`atlas`, the command. One file per command group; nothing is imported before it is needed.

The overview (`atlas`, `atlas --help`) is written from the table below, without the argument
parser: it answers in a tenth of a second.
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
        (
            "up",
            "starter.cli.commands.stack_options:up",
            "Start PostgreSQL, Temporal and a worker here",
        ),
        ("down", "starter.cli.commands.stack_options:down", "Stop them"),
        ("worker", "starter.cli.commands.worker:worker", "Run a worker here, until Ctrl-C"),
        (
            "migrate",
            "starter.cli.commands.migrate:migrate",
            "Bring the database's schema up to date",
        ),
    ),
    "Watch it": (
        ("status", "starter.cli.commands.status:status", "What runs, works, waits or is late"),
        ("top", "starter.cli.commands.top:top", "The same, live"),
        (
            "runs",
            "starter.cli.commands.runs:app",
            "Runs: list, show, follow, pause, cancel, retry …",
        ),
        (
            "hosts",
            "starter.cli.commands.hosts:app",
            "Hosts: list, show, try one again that was down",
        ),
        ("limits", "starter.cli.commands.limits:app", "Limit hosts and sources at run time"),
        (
            "doctor",
            "starter.cli.commands.doctor:doctor",
            "Look at every part, and say what mends it",
        ),
        ("config", "starter.cli.commands.config:app", "Settings: show, check"),
        ("report", "starter.cli.commands.report:app", "Weekly reports: list, show, make"),
    ),
    "Collect": (
        (
            "sources",
            "starter.cli.commands.sources:app",
            "What to watch: add, list, show, edit, remove …",
        ),
        ("sync", "starter.cli.commands.sync:sync", "Bring the corpus in step with sources"),
        (
            "schedules",
            "starter.cli.commands.schedules:app",
            "What starts by itself: apply, list, pause …",
        ),
        ("fetch", "starter.cli.commands.fetch:fetch", "Get one URL now"),
    ),
    "Use the corpus": (
        ("search", "starter.cli.commands.search:search", "Find documents"),
        ("docs", "starter.cli.commands.docs:app", "Documents: list, show, quarantined"),
    ),
    "Keep it in order": (
        ("index", "starter.cli.commands.index:app", "The search index: status, rebuild, rollback"),
        ("process", "starter.cli.commands.process:process", "Process stored documents again"),
        (
            "dedup",
            "starter.cli.commands.dedup:dedup",
            "Find documents that say the same; mark all but one",
        ),
        (
            "cleanup",
            "starter.cli.commands.cleanup:cleanup",
            "Take away what has been kept long enough",
        ),
    ),
    "Beside it": (
        ("start", "starter.cli.commands.start:start", "Start a workflow of any type, by its name"),
        (
            "schema",
            "starter.cli.commands.schema:schema",
            "Print the JSON Schema of requests and results",
        ),
        (
            "codec",
            "starter.cli.commands.codec:codec",
            "Decrypt payloads for the Web UI and `temporal`",
        ),
        (
            "completion",
            "starter.cli.commands.completion:completion",
            "Complete commands and names in a shell",
        ),
    ),
}
"""By topic: name, where it is, and one line of help."""

COMMANDS: _Commands = tuple(each for topic in TOPICS.values() for each in topic)

_OPENING = "Atlas keeps a searchable corpus of documents in step with the web."
_EXAMPLES = (
    "atlas up -d",
    "atlas sources add docs https://docs.example.com/",
    "atlas sync docs --wait",
    'atlas search "how to begin"',
)


def program() -> str:
    """The name that this was called by: `atlas`, or `temporal atlas` as Temporal's extension."""
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
    """The arguments with `-o` behind the command: `temporal` knows that option too, and puts it
    before all words of its extensions."""
    count = 2 if given[:1] in (["-o"], ["--output"]) else 1
    if not given or not given[0].startswith(("-o", "--output")):
        return given
    words = given[count:]
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], *given[:count], *words[end:]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code, see `starter.cli.framework.exit_codes`."""
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
    """What the shell calls: run one command and end the process with its exit code.

    The interpreter is not taken down: Temporal's runtime has threads of its own that do not
    always survive that (exit code 139 after all was done), and it takes time. What is registered
    for the end is done first, and everything that was said is written out.
    """
    code = _run_and_write()
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(code)


def _run_and_write() -> int:
    from starter.cli.framework.exit_codes import DETACHED, FAILED, PIPE_CLOSED

    code = FAILED
    try:
        code = main()
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except KeyboardInterrupt:  # while the command was being imported, or after its end
        return DETACHED
    except BrokenPipeError:
        return PIPE_CLOSED
    except OSError as error:  # the disk is full
        sys.stderr.write(f"atlas: the output cannot be written: {error}\n")
        return code or FAILED
    return code
