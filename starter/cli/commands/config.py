"""`atlas config`: what is set, where it came from, and whether it can be used."""

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
    "set where `docker compose` was called, but it does not count in here, where the compose file"
    " says where things are; to change it, use docker-compose.override.yml"
)

app = App(name="config", help="Settings: what each is, where it came from, what is wrong.")


@dataclass(frozen=True)
class ConfigCheck:
    """Whether the settings can be used, as JSON says it."""

    ok: bool
    """Whether there is no problem."""
    files: list[str]
    """What was read beside the environment."""
    problems: list[str]
    """Each refused setting, key or file, with the fix: nothing of Atlas starts."""
    unknown: list[str]
    """Variables `ATLAS_…` that nobody reads."""
    set: list[str]
    """Variables of the settings that are not at their defaults."""
    in_vain: list[str]
    """Variables set where `docker compose` was called that have no effect in its containers."""

    @classmethod
    def of(cls, found: SettingsReport) -> ConfigCheck:
        """The judgement of a report."""
        values = {each.name: getattr(found, each.name) for each in fields(cls)}
        return cls(**values | {"files": list(map(str, found.files))})


@dataclass(frozen=True)
class Variable:
    """A variable that Atlas's libraries read."""

    variable: str
    """Its name in the environment."""
    value: str | None
    """As it may be shown: a secret only `(set)`; None: it is not set, and has no default."""
    set: bool
    """Whether it was given; else `value` is the default."""
    origin: str = field(metadata={"json": "from"})
    """The variable, the file with its line, or `default`."""
    secret: bool
    """Whether its value is hidden."""
    instead_of: tuple[str, ...]
    """Places that give it as well, without effect."""

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
    """Everything that can be set, as JSON says it."""

    settings: list[Setting]
    """In the order of [settings](settings.md)."""
    variables: list[Variable]
    """Those that are set of Temporal, OpenTelemetry, AWS, PostgreSQL and proxies."""

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
    changed: Annotated[bool, Parameter(help="Only what is not at its default")] = False,
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
        emit("config", ConfigCheck.of(found), ConfigList.of(found, lines), output=output)
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
        emit("config_check", ConfigCheck.of(found), output=output)
        return DONE if found.ok else USAGE
    _tell(found)
    if found.ok:
        read = ", ".join(map(str, found.files)) or "no file"
        say(f"ok: the settings can be used (environment, {read})")
        say(f"set: {', '.join(found.set) or 'nothing, so all are at their defaults'}")
    return DONE if found.ok else USAGE


def _print(found: SettingsReport, lines: list[SettingLine]) -> None:
    rows = [(each.variable, each.value or f"({each.default})") for each in [*lines, *found.foreign]]
    table(
        ("setting", "value", "from"),
        [(*row, _from(each)) for row, each in zip(rows, [*lines, *found.foreign], strict=True)],
    )
    _tell(found)


def _from(line: SettingLine) -> str:
    where = "environment" if line.where == line.variable else line.where
    return f"{where}; not {', '.join(line.instead_of)}" if line.instead_of else where


def _tell(found: SettingsReport) -> None:
    for problem in found.problems:
        note(problem)
    for unknown in found.unknown:
        note(f"look: {unknown}")
    if found.in_vain:
        note(f"look: {', '.join(found.in_vain)}: {_IN_VAIN}")
