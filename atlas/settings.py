"""Settings: environment variables `ATLAS_*`, or a `.env` file in the working directory."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from atlas.keyring import InvalidKeys, Keyring

_SECRETS = ("ATLAS_DATABASE_URL", "ATLAS_ENCRYPTION_KEYS", "ATLAS_ALERT_WEBHOOK")


class SettingsError(Exception):
    """A setting is wrong; the message names it, its value and the mend."""


class Settings(BaseSettings):
    """Everything that can be set. Secrets are never shown."""

    model_config = SettingsConfigDict(
        env_prefix="ATLAS_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        validate_default=True,
    )

    home: Path = Path("~/.atlas")
    """Where the embedded stack keeps all its state."""
    database_url: SecretStr | None = None
    """postgresql://… replaces the embedded PostgreSQL."""
    blobs: str | None = None
    """A folder or s3://bucket/prefix; default: `<home>/blobs`."""
    contact: str | None = None
    """An address or URL for site owners, sent in the User-Agent."""
    fetch_allow_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """CIDRs that may be dialled although private, comma-separated."""
    fetch_max_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    fetch_timeout: float = Field(default=60.0, gt=0, le=600)
    fetch_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts per page and run before it counts as failed."""
    fetch_retry_delay: float = Field(default=5.0, ge=0, le=3600)
    """Seconds before the first retry of a page; doubles each time."""
    fetch_patience: float = Field(default=600.0, ge=0, le=86_400)
    """Seconds that a run waits for one page's next attempt, or for a host that is down."""
    host_failures: int = Field(default=5, ge=1, le=1000)
    """Failures in a row after which a host counts as down: one request at a time tries it."""
    host_pause: float = Field(default=30.0, gt=0, le=3600)
    """Seconds that a host is left alone once it is down; doubles each time, up to the patience."""
    credentials_file: Path | None = None
    """TOML: headers and credentials per origin (docs/credentials.md)."""
    encryption_keys: SecretStr | None = None
    """id:key pairs that encrypt what Temporal keeps; the first encrypts (docs/encryption.md)."""
    encryption_keys_file: Path | None = None
    """A file with the same, one pair a line; where the keys are not given directly."""
    extract_children: int = Field(default=2, ge=1, le=64)
    extract_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds per document."""
    extract_memory: int = Field(default=1024 * 1024 * 1024, ge=256 * 1024 * 1024)
    """Bytes per child process."""
    retention_snapshots: int = Field(default=30, ge=0)
    """Days that bodies stay which only the ledger refers to; 0, as in all of these: for ever."""
    retention_versions: int = Field(default=365, ge=0)
    """Days that a page's old versions stay after they were replaced."""
    retention_newest_versions: int = Field(default=10, ge=1)
    """Versions of a page that stay however old they are, the open one included."""
    retention_tombstones: int = Field(default=90, ge=0)
    """Days that documents and versions of a page stay which left the corpus."""
    retention_pages: int = Field(default=90, ge=0)
    """Days after which the row of such a page goes, too, if no source lists it."""
    retention_runs: int = Field(default=90, ge=0)
    """Days that the record of a run stays, with the outcome of each page."""
    retention_newest_runs: int = Field(default=5, ge=1)
    """Runs of each source that stay however old they are."""
    retention_ledger: int = Field(default=180, ge=0)
    """Days that the ledger of fetches stays, in whole months."""
    retention_hosts: int = Field(default=90, ge=0)
    """Days that hosts and their robots.txt are remembered that nobody asked."""
    retention_manifests: int = Field(default=90, ge=0)
    """Days that the manifests of batches and clean-ups stay."""
    cleanup_grace: int = Field(default=48, ge=24, le=10_000)
    """Hours between the condemnation of a blob and its deletion."""
    worker_queues: Annotated[tuple[str, ...], NoDecode] = ()
    """Task queues that a worker serves, comma-separated; all three by default."""
    worker_activities: int = Field(default=32, ge=1, le=500)
    """Network and database activities at once, at most."""
    worker_bulk_activities: int = Field(default=4, ge=1, le=100)
    """Parts of rebuilds, backfills and clean-ups at once, at most."""
    worker_workflows: int = Field(default=100, ge=2, le=1000)
    """Workflow tasks at once, at most."""
    worker_target_cpu: float = Field(default=0.9, gt=0, le=1)
    """Share of the machine's CPU above which a worker takes on no more than its least."""
    worker_target_memory: float = Field(default=0.8, gt=0, le=1)
    """The same of its memory."""
    shutdown_grace: float = Field(default=30.0, ge=0)
    """Seconds a stopping worker gives its activities."""
    alert_webhook: SecretStr | None = None
    """http(s) URL that `health_check` posts alerts to, as JSON (docs/schedules.md)."""
    web_ui_url: str | None = None
    """Base of links to the Temporal Web UI, when it is not the embedded one."""
    log_level: str = "INFO"

    @field_validator("home", "credentials_file", "encryption_keys_file")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @field_validator("fetch_allow_networks", "worker_queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("fetch_allow_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(
                    f"{network!r} is not a CIDR such as 127.0.0.0/8: {error}"
                ) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        url = value.get_secret_value()
        if not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        if not _port_is_fine(url):
            raise ValueError("its port is no number; give postgresql://user@host:5432/database")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("must be a URL that starts with http:// or https://")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _usable_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Keyring.parse(value.get_secret_value())
        return value

    def keyring(self) -> Keyring | None:
        """The keys that encrypt payloads; None: they are not encrypted. Raises `SettingsError`."""
        if self.encryption_keys is not None:
            return Keyring.parse(self.encryption_keys.get_secret_value())
        path = self.encryption_keys_file
        if path is None:
            return None
        try:
            return Keyring.parse(path.read_text(encoding="utf-8"))
        except (InvalidKeys, UnicodeDecodeError, OSError) as error:
            said = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
            raise SettingsError(f"ATLAS_ENCRYPTION_KEYS_FILE={path} refused: {said}") from None

    @classmethod
    def load(cls) -> Self:
        """Read the settings; raise `SettingsError` in words a person can act on."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("; ".join(_line(detail) for detail in error.errors())) from None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where Atlas keeps things on this machine: the blob folder, and the embedded home."""
        blobs = None if self.blob_location.startswith("s3://") else self.blob_location
        kept = [] if blobs is None else [Path(blobs.removeprefix("file://")).expanduser()]
        return (*kept, self.home) if self.home.exists() else tuple(kept)

    @property
    def blob_location(self) -> str:
        return self.blobs or str(self.home / "blobs")


def _port_is_fine(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return "," in parts.netloc or parts.port is None or parts.port > 0
    except ValueError:
        return False


def _line(detail: object) -> str:
    assert isinstance(detail, dict)
    name = "ATLAS_" + "_".join(str(part) for part in detail["loc"][:1]).upper()
    value = "" if name in _SECRETS else f"={str(detail['input'])[:100]}"
    return f"{name}{value} refused: {detail['msg']}"
