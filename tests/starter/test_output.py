"""What comes from the web does not steer the terminal that shows it."""

import json
import subprocess
import sys

import pytest

from starter.cli.framework import output
from starter.cli.framework.durations import duration, written
from starter.errors import InvalidRequest

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
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
