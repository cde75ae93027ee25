"""No public class name is defined twice in the house without a reason written beside it.

The reason is a comment `# Namesake of <path>: <why>` directly above the class, or above its first
decorator; of n classes with one name, n - 1 carry it.
"""

import ast
import re
import subprocess
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
REASON = re.compile(r"\s*# Namesake of (?P<path>[\w/]+\.py): \w+")


def tracked() -> list[str]:
    listed = subprocess.run(
        ("git", "ls-files", "*.py"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [path for path in listed.stdout.splitlines() if not path.startswith("tests/")]
    return [path for path in paths if (ROOT / path).exists()]


def public_classes(path: str) -> dict[str, list[str | None]]:
    """The classes of one file by name: for each, the path its reason names, if it has one."""
    text = (ROOT / path).read_text("utf-8")
    lines = text.splitlines()
    found: dict[str, list[str | None]] = defaultdict(list)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name].append(reason_above(lines, first - 1))
    return found


def reason_above(lines: list[str], first: int) -> str | None:
    """The path that the block of comments above a line names as the namesake's."""
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
        if match := REASON.match(lines[first]):
            return match["path"]
    return None


def test_no_public_class_name_is_defined_twice_without_a_reason() -> None:
    places: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for path in tracked():
        for name, reasons in public_classes(path).items():
            places[name] += [(path, reason) for reason in reasons]
    unexplained = {}
    for name, found in places.items():
        paths = {path for path, _ in found}
        explained = [reason for _, reason in found if reason is not None]
        assert paths.issuperset(explained), f"{name}: a reason names a file without such a class"
        if len(found) - len(explained) > 1:
            unexplained[name] = sorted(paths)
    assert unexplained == {}


def test_the_reason_is_read_above_the_decorators() -> None:
    lines = ["# Namesake of a/b.py: raised to callers", "# as an error.", "@final", "class A:"]
    assert reason_above(lines, 2) == "a/b.py"
    assert reason_above(lines, 0) is None
    assert reason_above(["x = 1", "class A:"], 1) is None
