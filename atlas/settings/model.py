"""`Settings`: every setting, read from every source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self, get_args
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from atlas.settings.field_info import SettingsGroup
from atlas.settings.groups import (
    BucketSettings,
    EncryptionSettings,
    ExtractionSettings,
    FetchSettings,
    MonitoringSettings,
    PlaceSettings,
    RenderingSettings,
    RetentionSettings,
    SearchSettings,
    WorkerSettings,
)
from atlas.settings.problems import SettingsError, without_credentials
from atlas.settings.sources import PREFIX, SettingsReading, read
from atlas.temporal.keyring import Keyring


class Settings(BaseModel):
    """Everything that can be set, in groups; without arguments, the defaults. Secrets are never
    shown.

    `load` reads the environment (`ATLAS_<NAME>`), secret files, `.env` and `atlas.toml`, in this
    order, and says in words what is wrong.
    """

    model_config = ConfigDict(frozen=True)

    # In the order in which they are documented.
    places: PlaceSettings = Field(default_factory=PlaceSettings)
    bucket: BucketSettings = Field(default_factory=BucketSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    extraction: ExtractionSettings = Field(default_factory=ExtractionSettings)
    rendering: RenderingSettings = Field(default_factory=RenderingSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)

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
    def checked(cls, reading: SettingsReading) -> tuple[Self | None, list[str]]:
        """The settings of a reading; None where something is wrong, and what that is."""
        groups: dict[str, SettingsGroup] = {}
        problems = list(reading.problems)
        for attribute, group in GROUPS.items():
            given = {name: reading.of(name) for name in group.model_fields}
            try:
                groups[attribute] = group.model_validate(
                    {name: each.value for name, each in given.items() if each}
                )
            except ValidationError as error:
                problems += [_line(each, reading) for each in error.errors()]
        return (None if problems else cls.model_validate(groups)), problems

    def value(self, name: str) -> object:
        """The value of the setting `name`."""
        return next(
            getattr(getattr(self, attribute), name)
            for attribute, group in GROUPS.items()
            if name in group.model_fields
        )

    def keyring(self) -> Keyring | None:
        """The keys that encrypt payloads; None: they are not encrypted."""
        keys = self.encryption.encryption_keys
        return None if keys is None else Keyring.parse(keys.get_secret_value())

    @property
    def postgres_url(self) -> str | None:
        """The URL of a PostgreSQL of one's own, with its password; None: the embedded one."""
        if self.places.database_url is None:
            return None
        url = self.places.database_url.get_secret_value()
        password = self.places.database_password
        return url if password is None else _with_password(url, password.get_secret_value())

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where Atlas keeps things on this machine: the blob folder, the search index, and the
        embedded home."""
        blobs = None if self.blob_location.startswith("s3://") else self.blob_location
        kept = [] if blobs is None else [Path(blobs.removeprefix("file://")).expanduser()]
        if self.search.search == "tantivy":
            kept.append(self.index_folder)
        return (*kept, self.places.home) if self.places.home.exists() else tuple(kept)

    @property
    def index_folder(self) -> Path:
        return self.search.index_folder or self.places.home / "index"

    @property
    def index_past_days(self) -> int:
        """Days for which the search index keeps past texts: what PostgreSQL has deleted could not
        be shown. A retention of 0 is for ever."""
        kept = self.retention.retention_versions, self.retention.retention_tombstones
        return min([self.search.search_past_days, *filter(None, kept)])

    @property
    def blob_location(self) -> str:
        return self.places.blobs or str(self.places.home / "blobs")


GROUPS: Mapping[str, type[SettingsGroup]] = {
    attribute: field.annotation
    for attribute, field in Settings.model_fields.items()
    if isinstance(field.annotation, type)
}
"""The groups, by their names in `Settings`."""
FIELDS: Mapping[str, FieldInfo] = {
    name: field for group in GROUPS.values() for name, field in group.model_fields.items()
}
"""Every setting, by its name."""


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is never shown, and may be kept in a separate file."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def secrets() -> frozenset[str]:
    """Names of the settings that are secrets."""
    return frozenset(name for name, field in FIELDS.items() if is_secret(field))


def read_sources(over: Mapping[str, str] = MappingProxyType({})) -> SettingsReading:
    """What every source gives at this moment, from this working directory; variables `over` go
    before those of the environment."""
    return read(FIELDS.keys(), secrets(), {**os.environ, **over})


def _line(detail: ErrorDetails, reading: SettingsReading) -> str:
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
