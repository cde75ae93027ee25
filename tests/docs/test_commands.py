"""Every command that the pages show is one that the real programs take; none is run here."""

import pytest

from tests.docs.pages import blocks, name_of, pages, spans
from tests.docs.shell import alternatives, refusal, simple_commands
from tests.docs.test_running import FROM_NOTHING, FROM_THERE

NAMES = [name_of(page) for page in pages()]
PROGRAMS = ("atlas ", "temporal ", "make ")


def refused(where: str, line: str, complete: bool = True) -> list[str]:
    return [
        f"{where}: {' '.join(words)}: {why}"
        for words in simple_commands(line)
        if (why := refusal(tuple(words), complete))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_blocks_are_taken(name: str) -> None:
    lines = [(block.where, line) for block in blocks(name) for line in block.commands()]
    assert not [each for where, line in lines for each in refused(where, line)]


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_sentences_are_taken(name: str) -> None:
    found = {span for span in spans(name) if span.startswith(PROGRAMS)}
    found = {span for span in found if "COMMAND" not in span.split()}  # it names none
    each = [way for span in sorted(found) for way in alternatives(span)]
    assert not [said for line in each for said in refused(name, line, complete=False)]


# Followed by test_running.py and test_python.py; the others say why their blocks are not.
FOLLOWED = {*FROM_NOTHING, *FROM_THERE, "docs/python.md"}
SAME = {"README.zh-CN.md": "README.md"}  # test_names.py holds them to each other
ONLY_PARSED = {"docs/cli.md", "CONTRIBUTING.md"}


@pytest.mark.parametrize("name", sorted({*NAMES} - FOLLOWED - ONLY_PARSED))
def test_a_block_is_run_or_says_why_not(name: str) -> None:
    if SAME.get(name) not in FOLLOWED:
        assert not [each.where for each in blocks(name) if each.commands() and not each.why]


def test_there_are_many() -> None:
    assert sum(len(block.commands()) for name in NAMES for block in blocks(name)) > 60


@pytest.mark.parametrize(
    "line",
    [
        "atlas sink docs",
        "atlas sync docs --nope",
        "atlas sources add docs",
        "cd x && temporal atlas sync docs --nope | jq .",
        "make nothing",
        "temporal workflow execute --typo sync_pipeline",
    ],
)
def test_a_wrong_one_is_noticed(line: str) -> None:
    assert refused("here", line)


def test_an_unknown_command_of_temporal_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no such command"):
        refused("here", "temporal workflow evaporate")
