"""docs/security.md against the code: its limits, the tests it names, its links."""

import ast
import re
from functools import cache
from itertools import pairwise

import pytest

from atlas.domain import listing_limits
from starter.cli.reference.limits import LIMITS, limits_table, with_limits
from tests.docs.pages import ROOT, read

PAGE = "docs/security.md"
TEST = re.compile(r"`(?:(tests/[\w/]+\.py)(?:::(\w+))?|(test_\w+))`")
THREATS = read(PAGE).partition("\n## Threats\n")[2].partition("\n## ")[0]
NAMED = sorted(set(TEST.findall(THREATS)))
BOUNDS = re.compile(r"^(_?MAX_[A-Z_]+)(?:: int)? = ", re.MULTILINE)


def test_the_limits_are_those_of_the_code() -> None:
    assert limits_table() in read(PAGE), "run make docs"
    assert with_limits(read(PAGE)) == read(PAGE)


def test_every_bound_on_what_the_web_sends_is_in_the_table() -> None:
    listed = {each.place for each in LIMITS}
    bounds = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{name}"
        for room in ("web", "text")
        for path in (ROOT / "atlas" / room).rglob("*.py")
        for name in BOUNDS.findall(path.read_text())
    }
    bounds -= {
        "atlas.text.children.wire_format._MAX_FAILURE",
        "atlas.text.children.wire_format._MAX_SKETCH",
    }  # ours
    assert bounds - listed == set()
    assert len(bounds) >= 20


def test_every_limit_of_a_listing_is_in_the_table() -> None:
    listed = {each.place for each in LIMITS}
    for name in ("BYTES", "ENTRIES", "FILES", "ADDRESSES", "DEPTH", "PROLOG"):
        assert f"atlas.domain.listing_limits.{name}.default" in listed
    assert len(listing_limits.LIMITS) == 6


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@cache
def all_functions() -> set[str]:
    files = (str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for file in files for name in functions(file)}


@pytest.mark.parametrize(("file", "name", "alone"), NAMED)
def test_a_test_that_is_named_exists(file: str, name: str, alone: str) -> None:
    if alone:
        assert alone in all_functions()
    else:
        assert any(each.startswith("test_") for each in functions(file))
        assert not name or name in functions(file)


def test_every_threat_names_a_test() -> None:
    lines = THREATS.splitlines()
    rows = [
        line
        for line, below in pairwise([*lines, ""])
        if line.startswith("| ") and not below.startswith("|---")
    ]
    assert len(rows) > 50
    assert [row for row in rows if not TEST.search(row)] == []


def test_the_pages_on_security_lead_to_each_other() -> None:
    assert "(../SECURITY.md)" in read(PAGE)
    assert "(docs/security.md)" in read("SECURITY.md")
