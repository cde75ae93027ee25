"""Settings: what each is, where it came from, what is wrong."""

from __future__ import annotations

from pydantic import Field

from starter.cli.printed import Printed, shape


class Variable(Printed):
    """A variable of somebody else that Atlas's libraries read."""

    variable: str
    """Its name in the environment."""
    value: str | None
    """As it may be shown: a secret only `(set)`; null: it is not set, and has no default."""
    set: bool
    """Whether it was given; else `value` is the default."""
    origin: str = Field(alias="from")
    """The variable, the file with its line, or `default`."""
    secret: bool
    """Whether its value is hidden."""
    instead_of: list[str]
    """Places that give it as well, in vain."""


class Setting(Variable):
    """A setting of Atlas."""

    name: str
    """Its name in `atlas.toml`."""


@shape("config_check", "config check")
class ConfigCheck(Printed):
    """Whether the settings can be used."""

    ok: bool
    """Whether there is no problem."""
    files: list[str]
    """What was read beside the environment."""
    problems: list[str]
    """Each refused setting, key or file, with the mend: nothing of Atlas starts."""
    unknown: list[str]
    """Variables `ATLAS_…` that nobody reads."""
    set: list[str]
    """Variables of the settings that are not at their defaults."""
    in_vain: list[str]
    """Variables set where `docker compose` was called that do not count in its containers."""


@shape("config", "config show")
class Config(ConfigCheck):
    """Every setting, and where its value came from."""

    settings: list[Setting]
    """In the order of [settings](settings.md)."""
    variables: list[Variable]
    """Those that are set of Temporal, OpenTelemetry, AWS, PostgreSQL and proxies."""
