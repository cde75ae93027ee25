"""`Settings`: every setting, read from every source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self, get_args
from urllib.parse import quote

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from atlas.settings.crawl import Fetching, Processing
from atlas.settings.field_info import Group
from atlas.settings.locations import Bucket, Places
from atlas.settings.problems import SettingsError, without_credentials
from atlas.settings.processes import Encrypting, Watching, Working
from atlas.settings.retention import Keeping
from atlas.settings.sources import PREFIX, Reading, Source, read
from atlas.temporal.keyring import Keyring

GROUPS: tuple[type[Group], ...] = (
    Places,
    Bucket,
    Fetching,
    Processing,
    Keeping,
    Working,
    Watching,
    Encrypting,
)
"""In the order in which they are documented."""


class Settings(
    BaseSettings, Encrypting, Watching, Working, Keeping, Processing, Fetching, Bucket, Places
):
    """Everything that can be set. Secrets are never shown.

    From keyword arguments, else from the environment (`ATLAS_<NAME>`), secret files, `.env`,
    `atlas.toml`, in this order. Use `load`, which tells in words what is wrong.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, validate_default=True
    )

    @classmethod
    def load(cls) -> Self:
        """Read the settings, and put the `TEMPORAL_*`, `OTEL_*`, `AWS_*` and `PG*` variables of
        `.env` into the environment, where they are not set: their libraries read them there.

        Raises:
            SettingsError: in words a person can act on, of everything that is wrong.
        """
        reading = read_sources()
        settings, problems = cls.checked(reading)
        if settings is None:
            raise SettingsError(*problems)
        for name, value in reading.foreign.items():
            os.environ.setdefault(name, value)
        return settings

    @classmethod
    def checked(cls, reading: Reading) -> tuple[Self | None, list[str]]:
        """The settings of a reading; None where something is wrong, and what that is."""
        # Each default as well: what a source says that this reading left out must not count.
        values = {
            name: given.value if (given := reading.of(name)) else field.default
            for name, field in cls.model_fields.items()
        }
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            return None, [*reading.problems, *(_line(each, reading) for each in error.errors())]
        return (None if reading.problems else settings), reading.problems

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Our own sources in place of those of pydantic-settings: they know files and lines."""
        return (init_settings, *(_Given(cls, source) for source in read_sources().sources))

    def keyring(self) -> Keyring | None:
        """The keys that encrypt payloads; None: they are not encrypted."""
        keys = self.encryption_keys
        return None if keys is None else Keyring.parse(keys.get_secret_value())

    @property
    def postgres_url(self) -> str | None:
        """The URL of a PostgreSQL of one's own, with its password; None: the embedded one."""
        if self.database_url is None:
            return None
        url = self.database_url.get_secret_value()
        password = self.database_password
        return url if password is None else _with_password(url, password.get_secret_value())

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where Atlas keeps things on this machine: the blob folder, and the embedded home."""
        blobs = None if self.blob_location.startswith("s3://") else self.blob_location
        kept = [] if blobs is None else [Path(blobs.removeprefix("file://")).expanduser()]
        return (*kept, self.home) if self.home.exists() else tuple(kept)

    @property
    def blob_location(self) -> str:
        return self.blobs or str(self.home / "blobs")


class _Given(PydanticBaseSettingsSource):
    """What one of our sources gives, for pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], source: Source) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        given = self._source.given.get(field_name)
        return (given.value if given else None), field_name, False

    def __call__(self) -> dict[str, object]:
        return {name: given.value for name, given in self._source.given.items()}


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is never shown, and may stand in a file of its own."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def secrets() -> frozenset[str]:
    """Names of the settings that are secrets."""
    return frozenset(name for name, field in Settings.model_fields.items() if is_secret(field))


def read_sources(over: Mapping[str, str] = MappingProxyType({})) -> Reading:
    """What every source gives at this moment, from this working directory; variables `over` go
    before those of the environment."""
    return read(Settings.model_fields.keys(), secrets(), {**os.environ, **over})


def _line(detail: ErrorDetails, reading: Reading) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    variable = f"{PREFIX}{name}".upper()
    given = reading.of(name)
    value = "" if name in secrets() else f"={without_credentials(detail['input'])}"
    where = "" if given is None or given.where == variable else f" ({given.where})"
    return f"{variable}{value}{where} refused: {detail['msg'].removeprefix('Value error, ')}"


def _with_password(url: str, password: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    secret = quote(password, safe="")
    if at:
        name = user.partition(":")[0]
        return f"{scheme}://{name}:{secret}@{hosts}{slash}{path}"
    return f"{url}{'&' if '?' in url else '?'}password={secret}"
