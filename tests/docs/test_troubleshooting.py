"""Each message of the troubleshooting page is one that the code can still print."""

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT, prose

PAGE = "docs/troubleshooting.md"
MESSAGES = re.findall(r"^### `([^`]*)`$", prose(PAGE), re.MULTILINE)
CODES = [
    code
    for row in re.findall(r"^\| (`[^|]*`) \|", prose(PAGE), re.MULTILINE)
    for code in re.findall(r"`(\w+)`", row)
]
HOLE = "…"


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts of a module; what an f-string fills in is a hole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
            )


@functools.cache
def printed() -> frozenset[str]:
    """All texts in the code."""
    rooms = ("atlas", "starter", "activities", "workflows")
    files = [*(file for room in rooms for file in (ROOT / room).rglob("*.py")), ROOT / "worker.py"]
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return frozenset(text for tree in trees for text in literals(tree))


def holds(text: str, parts: list[str]) -> bool:
    """Whether the parts stand in the text one after the other."""
    at = 0
    for part in parts:
        if (found := text.find(part, at)) < 0:
            return False
        at = found + len(part)
    return True


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_printed(message: str) -> None:
    # A hole is filled by the code, or stands for words that the page leaves out.
    fixed = [part.strip() for part in message.split(HOLE) if part.strip()]
    assert fixed
    assert any(holds(text, fixed) for text in printed())


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_given(code: str) -> None:
    # text/children/pool.py puts what became of a child behind this beginning.
    name = code.removeprefix("extractor_")
    assert any(name in re.findall(r"\w+", text) for text in printed() if name in text)


def test_there_are_many() -> None:
    assert len(MESSAGES) > 30 and len(CODES) > 20


def test_what_is_printed_nowhere_is_noticed() -> None:
    with pytest.raises(AssertionError):
        test_a_message_is_printed("Temporal has gone fishing at …")
