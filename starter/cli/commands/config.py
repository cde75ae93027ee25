"""`atlas config`: every setting, where its value came from, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.exit_codes import DONE, USAGE
from starter.cli.framework.output import Format, emit, note, say, table

if TYPE_CHECKING:
    from atlas.settings.report import SettingLine, SettingsReport

_IN_VAIN = (
    "set where `docker compose` was called, but without effect in the container, where the compose"
    " file decides; to change it, use docker-compose.override.yml"
)

app = App(name="config", help="Settings: show, check.")


@dataclass(frozen=True)
class ConfigCheck:
    """Whether the settings are valid, in JSON."""

    ok: bool
    """Whether there is no problem."""
    files: list[str]
    """Files that were read, besides the environment."""
    problems: list[str]
    """Each invalid setting, key or file, with the fix: Atlas does not start."""
    unknown: list[str]
    """Variables `ATLAS_…` that are not settings."""
    set: list[str]
    """Variables of the settings that differ from their defaults."""
    in_vain: list[str]
    """Variables set where `docker compose` was called that have no effect in its containers."""

    @classmethod
    def of(cls, found: SettingsReport) -> ConfigCheck:
        """The verdict of a report."""
        values = {each.name: getattr(found, each.name) for each in fields(cls)}
        return cls(**values | {"files": list(map(str, found.files))})


@dataclass(frozen=True)
class Variable:
    """A variable of one of Atlas's libraries."""

    variable: str
    """Its name in the environment."""
    value: str | None
    """Its value; of a secret only `(set)`. None: not set, and without a default."""
    set: bool
    """Whether it is set; otherwise `value` is the default."""
    origin: str = field(metadata={"json": "from"})
    """The variable, the file with its line, or `default`."""
    secret: bool
    """Whether its value is hidden."""
    instead_of: tuple[str, ...]
    """Other places that set it, without effect."""

    @classmethod
    def of(cls, line: SettingLine) -> Variable:
        """The variable of a line."""
        given = line.value is not None and line.where != "default"
        return cls(line.variable, line.value, given, line.where, line.secret, line.instead_of)


@dataclass(frozen=True)
class Setting:
    """A setting of Atlas."""

    name: str
    """Its name in `atlas.toml`."""
    own: Variable = field(metadata={"json": ""})


@dataclass(frozen=True)
class ConfigList:
    """Every setting, in JSON."""

    settings: list[Setting]
    """In the order of [settings](settings.md)."""
    variables: list[Variable]
    """Variables of Temporal, OpenTelemetry, AWS, PostgreSQL and proxies that are set."""

    @classmethod
    def of(cls, found: SettingsReport, lines: list[SettingLine]) -> ConfigList:
        """The chosen settings of a report."""
        return cls(
            [Setting(each.name, Variable.of(each)) for each in lines],
            list(map(Variable.of, found.foreign)),
        )


@app.command
def show(
    *,
    changed: Annotated[
        bool, Parameter(help="Only settings that differ from their defaults")
    ] = False,
    output: Format = "text",
) -> int:
    """Show every setting, its value, and the variable or file and line it came from; also the
    variables of Temporal, OpenTelemetry, AWS and PostgreSQL that are set.

    Of a secret it shows only whether it is set. Exit code 2 when a setting is wrong; every problem
    is listed.

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
        emit("config", ConfigCheck.of(found), ConfigList.of(found, lines), output=output)
    return DONE if found.ok else USAGE


@app.command
def check(
    file: Annotated[
        Path | None, Parameter(help="A TOML file to check instead of atlas.toml")
    ] = None,
    *,
    output: Format = "text",
) -> int:
    """Check the settings without starting anything, and list what is set and unknown variables.
    With a file, check as if it were atlas.toml.

    Exit code 0 when the settings are valid, 2 otherwise.

    Examples:
        atlas config check
        atlas config check /etc/atlas/atlas.toml
    """
    from atlas.settings.report import report

    found = report(file)
    if output != "text":
        emit("config_check", ConfigCheck.of(found), output=output)
        return DONE if found.ok else USAGE
    _problems(found)
    if found.ok:
        read = ", ".join(map(str, found.files)) or "no file"
        say(f"ok: the settings are valid (environment, {read})")
        say(f"set: {', '.join(found.set) or 'nothing; all settings have their defaults'}")
    return DONE if found.ok else USAGE


def _print(found: SettingsReport, lines: list[SettingLine]) -> None:
    rows = [(each.variable, each.value or f"({each.default})") for each in [*lines, *found.foreign]]
    table(
        ("setting", "value", "from"),
        [(*row, _from(each)) for row, each in zip(rows, [*lines, *found.foreign], strict=True)],
    )
    _problems(found)


def _from(line: SettingLine) -> str:
    where = "environment" if line.where == line.variable else line.where
    return f"{where}; not {', '.join(line.instead_of)}" if line.instead_of else where


def _problems(found: SettingsReport) -> None:
    for problem in found.problems:
        note(problem)
    for unknown in found.unknown:
        note(f"warning: {unknown}")
    if found.in_vain:
        note(f"warning: {', '.join(found.in_vain)}: {_IN_VAIN}")
