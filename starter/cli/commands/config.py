"""`atlas config`: what is set, where it came from, and whether it can be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.exit_codes import DONE, USAGE
from starter.cli.framework.output import Format, emit, note, say, table

if TYPE_CHECKING:
    from atlas.settings.report import Line, SettingsReport

_IN_VAIN = (
    "set where `docker compose` was called, but it does not count in here, where the compose file"
    " says where things are; to change it, use docker-compose.override.yml"
)

app = App(name="config", help="Settings: what each is, where it came from, what is wrong.")


@app.command
def show(
    *,
    changed: Annotated[
        bool, Parameter(show_default=False, help="Only what is not at its default")
    ] = False,
    output: Format = "text",
) -> int:
    """Show every setting with its value and the variable, or the file and line, it came from; and
    the variables of Temporal, OpenTelemetry, AWS and PostgreSQL that are set.

    Secrets are only said to be set. Works when settings are wrong, and then tells all that is.
    Exit code 0; 2 when something is wrong.

    Examples:
        atlas config show
        atlas config show --changed
        atlas config show -o json
    """
    from atlas.settings.report import report

    found = report()
    lines = [each for each in found.settings if not changed or each.where != "default"]
    if output == "text":
        _print(found, lines)
    else:
        emit("config", _json(found, lines), output)
    return DONE if found.ok else USAGE


@app.command
def check(
    file: Annotated[
        Path | None, Parameter(help="A TOML file to check in place of atlas.toml")
    ] = None,
    *,
    output: Format = "text",
) -> int:
    """Tell whether the settings can be used, without starting anything; with a file, whether they
    could with that in place of atlas.toml. Tells as well what is set, and variables that nobody
    reads.

    Exit code 0 when they can be used, 2 otherwise.

    Examples:
        atlas config check
        atlas config check /etc/atlas/atlas.toml
    """
    from atlas.settings.report import report

    found = report(file)
    if output != "text":
        emit("config_check", _judged(found), output)
        return DONE if found.ok else USAGE
    _tell(found)
    if found.ok:
        read = ", ".join(map(str, found.files)) or "no file"
        say(f"ok: the settings can be used (environment, {read})")
        say(f"set: {', '.join(found.set) or 'nothing, so all are at their defaults'}")
    return DONE if found.ok else USAGE


def _print(found: SettingsReport, lines: list[Line]) -> None:
    rows = [(each.variable, each.value or f"({each.default})") for each in [*lines, *found.foreign]]
    table(
        ("setting", "value", "from"),
        [(*row, _from(each)) for row, each in zip(rows, [*lines, *found.foreign], strict=True)],
    )
    _tell(found)


def _from(line: Line) -> str:
    where = "environment" if line.where == line.variable else line.where
    return f"{where}; not {', '.join(line.instead_of)}" if line.instead_of else where


def _tell(found: SettingsReport) -> None:
    for problem in found.problems:
        note(problem)
    for unknown in found.unknown:
        note(f"look: {unknown}")
    if found.in_vain:
        note(f"look: {', '.join(found.in_vain)}: {_IN_VAIN}")


def _judged(found: SettingsReport) -> dict[str, object]:
    return {
        "ok": found.ok,
        "files": [str(path) for path in found.files],
        "problems": found.problems,
        "unknown": found.unknown,
        "set": found.set,
        "in_vain": found.in_vain,
    }


def _json(found: SettingsReport, lines: list[Line]) -> dict[str, object]:
    return {
        **_judged(found),
        "settings": [{"name": each.name, **_each(each)} for each in lines],
        "variables": [_each(each) for each in found.foreign],
    }


def _each(line: Line) -> dict[str, object]:
    return {
        "variable": line.variable,
        "value": line.value,
        "set": line.value is not None and line.where != "default",
        "from": line.where,
        "secret": line.secret,
        "instead_of": list(line.instead_of),
    }
