"""What `atlas search` adds when it finds nothing."""

import pytest

from starter.cli.commands.search import _tell_wordless


@pytest.mark.parametrize(
    ("query", "says"), [("…", True), ('" "', True), ("site:a.example", True), ("C++", False)]
)
def test_a_query_without_a_word_is_told(
    query: str, says: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_wordless(query)
    assert ("no word in the query" in capsys.readouterr().err) is says
