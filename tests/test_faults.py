"""Each fault of 0.3.0 that CHANGELOG.md numbers under 0.3.1 is held by a test marked with it."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
FAULTS = range(1, 25)
_MARK = re.compile(r"mark\.fault\(([\d, ]+)\)")


def marked() -> set[int]:
    """The numbers that some test's marker names."""
    return {
        int(number)
        for file in TESTS.rglob("test_*.py")
        for numbers in _MARK.findall(file.read_text("utf-8"))
        for number in numbers.split(",")
    }


def test_every_fault_has_a_test() -> None:
    assert marked() == set(FAULTS)


def test_the_changelog_numbers_each_of_them() -> None:
    text = (TESTS.parent / "CHANGELOG.md").read_text("utf-8")
    release = text.partition("## 0.3.1")[2].partition("\n## ")[0]
    named = re.findall(r"\*\*[^*\n]*\(([\d, ]+)\)\.?\*\*", release)
    assert {int(number) for numbers in named for number in numbers.split(",")} == set(FAULTS)
