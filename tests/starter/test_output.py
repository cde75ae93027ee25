"""What comes from the web does not steer the terminal that shows it."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from starter.cli.framework import output
from starter.cli.framework.durations import duration, written
from starter.cli.views.runs import with_times
from starter.errors import InvalidRequest

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = "\x1b]0;owned\x07 \x9b31mred\u202etxt"


def test_text_loses_its_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(HOSTILE)
    output.note(HOSTILE)
    captured = capsys.readouterr()
    for shown in captured:
        assert not set(shown) & set("\x1b\x07\x9b\u202e")
        assert "owned" in shown


def test_a_table_is_tab_separated_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name", "pages"), [("a\tb\nc", 3), (HOSTILE, None), (True, ("x", "y"))])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a b c\t3"
    assert lines[1].count("\t") == 1 and "\x1b" not in lines[1]
    assert lines[2] == "yes\tx, y"


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_table_on_a_terminal_breaks_no_words(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    heads = ("run", "type", "source", "started", "outcome", "seen", "added", "updated", "failed")
    row = ("019aa1b2-c3d4-7e5f", "deduplicate_documents", "docs", NOON, "completed_with_failures")
    output.table(heads, [(*row, 1203, 3, 1, 215)])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(re.sub("\x1b\\[\\d*m", "", line)) for line in lines) <= columns
    words = set(re.findall(r"[a-z]+", " ".join(lines)))
    assert {"completed", "with", "failures", "deduplicate", "documents", "updated"} <= words


def test_a_cell_too_wide_for_any_terminal_is_broken_and_wide_characters_count_as_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(("hash", "title"), [("ab" * 16, "\u5907\u4efd" * 6)])
    lines = capsys.readouterr().out.splitlines()
    assert "".join(line.split()[0] for line in lines[1:] if line[0] != " ") == "ab" * 16
    assert max(map(cell_len, lines)) <= 20


def test_values_within_values_are_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [{"part": "postgres", "status": "ok", "mend": ""}, {"part": "disk", "status": "ok"}]
    output.pairs({"counts": {"seen": 0, "added": 3}, "checks": checks, "none": [], "hashes": {}})
    assert capsys.readouterr().out.splitlines() == [
        "counts  seen 0, added 3",
        "checks  part postgres, status ok",
        "        part disk, status ok",
    ]


def test_a_result_shows_times_and_not_seconds_since_the_epoch() -> None:
    told = with_times({"checked_at": 1.8e9, "checks": [{"since": 1.8e9, "milliseconds": 1.5}]})
    moment = datetime.fromtimestamp(1.8e9, UTC)
    assert told == {"checked_at": moment, "checks": [{"since": moment, "milliseconds": 1.5}]}
    assert with_times({"since": 0.0})["since"] is None


def test_json_keeps_every_character_and_escapes_controls(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.emit_line({"title": HOSTILE + " 漢字 \u2028"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"title": HOSTILE + " 漢字 \u2028"}
    assert out.count("\n") == 1 and len(out.splitlines()) == 1
    assert "漢字" in out and "\x9b" not in out


@pytest.mark.parametrize("text", ["30m", "6h", "7d", "90s"])
def test_durations_are_read_and_written(text: str) -> None:
    assert written(duration("every", text)) == text


@pytest.mark.parametrize("text", ["", "6", "h", "-1h", "1.5h", "6 hours", "9999999d", "999999w"])
def test_other_durations_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidRequest, match="every"):
        duration("every", text)


@pytest.mark.parametrize(
    ("terminal", "variables", "styled"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_styles_are_for_terminals_that_want_them(
    terminal: bool, variables: dict[str, str], styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert output.bold("x") == ("\x1b[1mx\x1b[0m" if styled else "x")


def test_what_is_registered_for_the_end_is_done_and_the_interpreter_not_taken_down() -> None:
    said = _entered(
        "import atexit, threading\n"
        "atexit.register(print, 'goodbye')\n"
        "threading.Thread(target=threading.Event().wait).start()  # would be waited for\n"
        "sys.argv = ['atlas', '--version']"
    )
    assert (said.returncode, said.stdout.splitlines()[1:]) == (0, ["goodbye"])


def test_output_that_cannot_be_written_is_a_failure_in_one_line() -> None:
    said = _entered("sys.stdout = open('/dev/full', 'w')\nsys.argv = ['atlas', '--version']")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "cannot be written" in said.stderr


def _entered(before: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom starter.cli import entry\nentry()"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
