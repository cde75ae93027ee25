"""Every input that the documentation shows is one that its workflow type takes."""

import json
import re
from pathlib import Path

import pytest

from atlas.contracts.catalogue import WORKFLOWS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLAIN = re.compile(r"--type (\w+)((?:[^\n`\\]|\\\n|\\\")*?)--input '([^']*)'")
ATLAS = re.compile(r"atlas start (\w+) '([^']*)'")


def shown() -> list[tuple[str, str, str]]:
    """Page, workflow type and input of every example."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [(page.name, kind, given) for kind, _, given in PLAIN.findall(text)]
        found += [(page.name, kind, given) for kind, given in ATLAS.findall(text)]
    return [each for each in found if "…" not in each[2]]


def test_each_type_has_an_example_for_each_way_of_starting_it() -> None:
    text = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
    sections = {part.split("`", 1)[0]: part for part in text.split("\n## `")[1:]}
    assert set(sections) == set(WORKFLOWS)
    for kind, section in sections.items():
        assert f"--type {kind}" in section, kind
        assert "await atlas." in section, kind
        assert re.search(rf"atlas (start {kind}|sync |schedules trigger {kind})", section), kind


@pytest.mark.parametrize(("page", "kind", "given"), shown())
def test_an_input_that_is_shown_is_taken(page: str, kind: str, given: str) -> None:
    values = json.loads(given)
    taken = WORKFLOWS[kind].request.model_validate(values)
    assert taken.model_fields_set == set(values)


def test_there_are_many() -> None:
    assert len(shown()) >= 25
