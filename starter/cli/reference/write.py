"""Write `docs/cli.md`, `docs/json.md`, `docs/state-machine.md`, `docs/sources.schema.json` and the
limits in `docs/security.md` from the code:
`python -m starter.cli.reference.write`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from starter.cli import TOPICS
from starter.cli.framework import exit_codes
from starter.cli.framework.app import build
from starter.cli.framework.help_pages import HelpPage, Value, pages
from starter.cli.reference.json_page import json_page
from starter.cli.reference.limits import with_limits
from starter.cli.reference.state_machine import state_machine_page
from starter.source_files.rules import json_schema

DOCS = Path(__file__).resolve().parents[3] / "docs"

_BEGIN = """\
<!-- Written by `make docs` from the code; change it there. -->
# The command line

`atlas COMMAND`, or `temporal atlas COMMAND` if the `temporal` CLI is installed. `--help` shows \
the same text.

- **Data goes to stdout, the rest to stderr**: progress, hints and errors never mix with what a \
pipe reads. Tables and styles are for terminals; elsewhere a table is tab-separated lines. \
[`NO_COLOR`](https://no-color.org) is honoured.
- **`-o json`** prints one object, **`-o jsonl`** one item of a list a line; \
[json.md](json.md) describes every shape.
- **A source's name stands for its latest run** wherever a run is expected; the beginning of a \
run id is enough.
- **`ATLAS_DEBUG=1`** shows the traceback of an error.
- **Completion** for bash, zsh and fish: `atlas completion --help`.

## Exit codes

| code | meaning |
|---|---|
"""


def cli_page() -> str:
    """The text of `docs/cli.md`."""
    written = {page.words: page for page in pages(build())}
    parts = [
        _BEGIN,
        *(f"| {code} | {meaning} |\n" for code, meaning in exit_codes.MEANINGS.items()),
    ]
    parts += ["\n## Commands\n\n| command | does |\n|---|---|\n"]
    for topic, commands in TOPICS.items():
        parts += [f"| **{topic}** | |\n"]
        parts += [f"| [`atlas {name}`](#atlas-{name}) | {text} |\n" for name, _, text in commands]
    for page in written.values():
        parts += ["\n", *(f"{line}\n" for line in _page(page))]
    return "".join(parts)


def _page(page: HelpPage) -> Iterator[str]:
    name = " ".join(["atlas", *page.words])
    yield f"{'#' * min(len(page.words) + 1, 4)} {name}"
    for paragraph in (page.summary, *page.text):
        yield from ("", paragraph)
    yield from ("", "```text", page.usage(), "```")
    if page.usual:
        yield from ("", f"Without a command: `{page.usual}`.")
    yield from _table("argument", page.arguments)
    yield from _table("option", page.options)
    if page.examples and not page.verbs:
        yield from ("", "```sh", *page.examples, "```")


def _table(kind: str, values: tuple[Value, ...]) -> Iterator[str]:
    if values:
        yield from ("", f"| {kind} | |", "|---|---|")
    for each in values:
        label, told = (text.replace("|", "\\|") for text in (each.label, each.told))
        yield f"| `{label}` | {told} |"


def sources_schema() -> str:
    """The text of `docs/sources.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


def main() -> int:
    """Write the pages; returns the exit code."""
    security = with_limits((DOCS / "security.md").read_text(encoding="utf-8"))
    written = {
        "cli.md": cli_page(),
        "json.md": json_page(),
        "state-machine.md": state_machine_page(),
        "security.md": security,
        "sources.schema.json": sources_schema(),
    }
    for name, text in written.items():
        (DOCS / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"docs/{name} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
