"""What is set, where each value came from, and what is wrong: for `atlas config` and the doctor.

Of a secret only whether it is set is shown; of an address, never the user and password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from atlas.settings.catalogue import Described, as_text, sections
from atlas.settings.model import FIELDS, Settings, read_sources
from atlas.settings.problems import address_only, without_credentials
from atlas.settings.sources import BESIDE, CONFIG, FOREIGN, IN_VAIN, SettingsReading

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HIDDEN = "(set)"
_DATABASES = ("postgresql://", "postgres://")
_HARMLESS = re.compile(
    r"(ADDRESS|NAMESPACE|PROFILE|_FILE|_PATH|ENDPOINT|ENDPOINT_URL(_\w+)?|REGION|PROTOCOL|EXPORTER"
    r"|DISABLED|SAMPLER|PROPAGATORS|SERVICE_NAME|SERVER_NAME|TEMPORAL_TLS|OPT_IN|INTERVAL|TIMEOUT"
    r"|PGHOST|PGPORT|PGDATABASE|PGUSER|PGSSLMODE|_PROXY)$"
)


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting, or one variable of somebody else."""

    name: str
    variable: str
    value: str | None
    """As it may be shown; None: not set, and without a default."""
    where: str
    """The variable, file and line, or `default`."""
    default: str = ""
    """In words."""
    secret: bool = False
    instead_of: tuple[str, ...] = ()
    """Places that give it as well, in vain."""


@dataclass(frozen=True, slots=True)
class SettingsReport:
    """Everything that is set."""

    settings: list[SettingLine]
    foreign: list[SettingLine]
    """Variables of Temporal, OpenTelemetry, AWS, PostgreSQL, and of proxies."""
    files: list[Path]
    """What was read beside the environment."""
    problems: list[str] = field(default_factory=list)
    """Each refused setting, key or file, with the fix; with any, no part of Atlas starts."""
    unknown: list[str] = field(default_factory=list)
    """Variables `ATLAS_…` that nobody reads."""
    in_vain: list[str] = field(default_factory=list)
    """Variables that are set outside of this container, and do not count in it."""

    @property
    def set(self) -> list[str]:
        """Variables of the settings that are not at their defaults."""
        return [each.variable for each in self.settings if each.where != "default"]

    @property
    def ok(self) -> bool:
        return not self.problems


def report(config: Path | None = None) -> SettingsReport:
    """Everything that is set at this moment, in this working directory; `config`: with that file
    in place of `atlas.toml`. Raises nothing."""
    reading = read_sources({CONFIG: str(config)} if config else {})
    settings, problems = Settings.checked(reading)
    return SettingsReport(
        settings=[
            _line(each, reading, settings) for section in sections() for each in section.settings
        ],
        foreign=sorted(_foreign(reading, os.environ), key=lambda line: line.variable),
        files=reading.files,
        problems=problems,
        unknown=reading.unknown,
        in_vain=os.environ.get(IN_VAIN, "").split(),
    )


def _line(each: Described, reading: SettingsReading, settings: Settings | None) -> SettingLine:
    given = reading.of(each.name)
    used = given.value if given else FIELDS[each.name].default
    value = settings.value(each.name) if settings else used
    return SettingLine(
        each.name,
        each.variable,
        _value(value, secret=each.secret),
        given.where if given else "default",
        each.default,
        each.secret,
        tuple(weaker.where for weaker in reading.weaker(each.name)),
    )


def _value(value: object, *, secret: bool) -> str | None:
    if value is None or value == ():
        return None
    if not secret:
        return without_credentials(as_text(value))
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    # Of the database, where it is; a webhook's path is a token.
    return (address_only(text) if text.startswith(_DATABASES) else None) or HIDDEN


def _foreign(reading: SettingsReading, environ: Mapping[str, str]) -> Iterator[SettingLine]:
    for name, value in environ.items():
        of_atlas = name in BESIDE
        if value and (of_atlas or name.startswith(FOREIGN) or name.upper() in PROXIES):
            yield _variable(name, value, name, harmless=of_atlas)
    for name, value in reading.foreign.items():
        if name not in environ:
            yield _variable(name, value, ".env")


def _variable(name: str, value: str, where: str, *, harmless: bool = False) -> SettingLine:
    shown = harmless or bool(_HARMLESS.search(name.upper()))
    return SettingLine(
        name, name, without_credentials(value) if shown else HIDDEN, where, secret=not shown
    )
