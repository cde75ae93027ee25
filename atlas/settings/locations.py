"""Settings that say where things are, and how to get in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationInfo, field_validator

from atlas.settings.field_info import Group, Place, Shown


class Places(Group):
    """Where things are

    Without any of these the embedded stack is used, which `atlas up` starts.
    """

    home: Annotated[Place, Shown(default="`~/.atlas`", example="~/.atlas")] = Path("~/.atlas")
    """All state of the embedded stack."""
    database_url: Annotated[
        SecretStr | None,
        Shown(default="embedded", example="postgresql://atlas@127.0.0.1:5433/atlas"),
    ] = None
    """`postgresql://…` of a PostgreSQL of your own; `atlas up` and `atlas migrate` bring its schema
    up to date."""
    database_password: Annotated[SecretStr | None, Shown(example="change-me")] = None
    """Password for that URL, so that only this is a secret; goes before one in the URL."""
    blobs: Annotated[str | None, Shown("`<home>/blobs`", "s3://atlas/corpus")] = None
    """A folder, or `s3://bucket/prefix`."""
    web_ui_url: Annotated[str | None, Shown("embedded", "http://127.0.0.1:8080")] = None
    """Base of the links to the Web UI of your own Temporal."""

    @field_validator("database_password")
    @classmethod
    def _of_a_url(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if value is not None and others.data.get("database_url", value) is None:
            raise ValueError("it needs ATLAS_DATABASE_URL, without the password")
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


class Bucket(Group):
    """Blobs in S3

    For blobs in `s3://…`. What is not set here is taken from the usual `AWS_*` variables, profiles
    and roles.
    """

    s3_endpoint: Annotated[str | None, Shown("Amazon's", "http://127.0.0.1:8333")] = None
    """Address of a server that speaks S3; goes before `AWS_ENDPOINT_URL_S3` and
    `AWS_ENDPOINT_URL`."""
    s3_region: Annotated[str | None, Shown("`AWS_REGION`", "us-east-1")] = None
    """Region of the bucket; other servers than Amazon's do not care."""
    s3_access_key: Annotated[SecretStr | None, Shown("`AWS_ACCESS_KEY_ID`", "atlas")] = None
    """Access key; needs the secret key beside it."""
    s3_secret_key: Annotated[SecretStr | None, Shown("`AWS_SECRET_ACCESS_KEY`", "change-me")] = None
    """Secret key that belongs to the access key."""

    @field_validator("s3_secret_key")
    @classmethod
    def _in_pairs(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if (value is None) != (others.data.get("s3_access_key") is None):
            raise ValueError("give ATLAS_S3_ACCESS_KEY and ATLAS_S3_SECRET_KEY, or neither")
        return value

    @field_validator("s3_endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value


def _port_is_fine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return "," in parts.netloc or parts.port is None or parts.port > 0
    except ValueError:
        return False
