"""`docs/cli.md` and `docs/json.md` are what the code says, and every shape is described."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from starter.cli.framework import exit_codes
from starter.cli.framework.json_shapes import _CATALOGUE, SHAPES
from starter.cli.reference.described import check
from starter.cli.reference.json_page import json_page, undescribed
from starter.cli.reference.state_machine import state_machine_page
from starter.cli.reference.write import DOCS, cli_page
from tests.starter.test_help import PAGES

COMMANDS = {name: page for name, page in PAGES.items() if not page.verbs}

SILENT = {
    *("up", "down", "worker", "codec", "index follow"),
    *("sources pause", "sources resume", "limits clear host", "limits clear source"),
    *("runs pause", "runs resume", "runs cancel", "runs terminate"),
    *("schedules pause", "schedules resume", "schedules trigger", "schedules backfill"),
}
"""Commands that do something, or run, and print no data."""
FOREIGN = {
    "completion": "a script",
    "schema": "JSON Schema",
    "sources export": "sources.yaml or OPML",
    "report show": "the report, in a form of its own",
}


@pytest.mark.parametrize(
    ("name", "written"),
    [("cli.md", cli_page), ("json.md", json_page), ("state-machine.md", state_machine_page)],
)
def test_the_page_is_up_to_date(name: str, written: object) -> None:
    assert callable(written)
    assert Path(DOCS / name).read_text(encoding="utf-8") == written(), "run `make docs`"


def test_every_field_that_is_printed_has_a_meaning() -> None:
    assert undescribed() == [], "give them docstrings where they are declared"


def test_a_shape_is_declared_once() -> None:
    assert len(SHAPES) == len(_CATALOGUE)


def test_every_shape_is_printed_by_commands_that_exist() -> None:
    for shape in SHAPES.values():
        assert shape.commands
        for command in shape.commands:
            options = {name for option in COMMANDS[command].options for name in option.names}
            assert {"--output", "-o"} <= options, command


def test_a_command_that_prints_data_can_print_it_as_json() -> None:
    for name, page in COMMANDS.items():
        forms = [each.choices for each in page.options if "--output" in each.names]
        if name in SILENT:
            assert not forms, f"{name} prints data after all"
        elif name not in FOREIGN:
            [choices] = forms
            assert {"text", "json", "jsonl"} <= set(choices), f"{name} has no -o json|jsonl"


def test_an_object_with_a_field_too_many_or_of_another_version_is_refused() -> None:
    started = {"workflow_id": "w", "run_id": "r", "ui_url": None}
    assert check({"schema": "started/1", **started}).name == "started"
    with pytest.raises(ValidationError, match="more"):
        check({"schema": "started/1", **started, "more": 1})
    with pytest.raises(ValueError, match="started/2"):
        check({"schema": "started/2", **started})


def test_every_exit_code_is_explained() -> None:
    codes = {
        value for name, value in vars(exit_codes).items() if name.isupper() and name != "MEANINGS"
    }
    assert codes == set(exit_codes.MEANINGS)
