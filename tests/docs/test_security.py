"""docs/security.md against the code: its limits, the tests it names, its links."""

import ast
import re
from functools import cache

import pytest

from starter.cli.reference.limits import LIMITS, limits_table, with_limits
from tests.docs.pages import ROOT, read

PAGE = "docs/security.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", read(PAGE))))
BOUNDS = re.compile(r"^(_?MAX_[A-Z_]+)(?:: int)? = ", re.MULTILINE)


def test_the_limits_are_those_of_the_code() -> None:
    assert limits_table() in read(PAGE), "run make docs"
    assert with_limits(read(PAGE)) == read(PAGE)


def test_every_bound_on_what_the_web_sends_is_in_the_table() -> None:
    listed = {each.place for each in LIMITS}
    bounds = {
        f"atlas.{path.parent.name}.{path.stem}.{name}"
        for room in ("web", "text")
        for path in (ROOT / "atlas" / room).glob("*.py")
        for name in BOUNDS.findall(path.read_text())
    }
    bounds -= {"atlas.text.wire_format._MAX_FAILURE", "atlas.text.wire_format._MAX_SKETCH"}  # ours
    assert bounds - listed == set()
    assert len(bounds) > 20


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_is_named_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert name in functions(file)


def test_every_threat_names_a_test() -> None:
    section = read(PAGE).partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [
        line for line in section.splitlines() if line.startswith("| ") and " test |" not in line
    ]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row] == []


def test_the_pages_on_security_lead_to_each_other() -> None:
    assert "(../SECURITY.md)" in read(PAGE)
    assert "(docs/security.md)" in read("SECURITY.md")
