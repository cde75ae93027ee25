"""Headers and credentials that belong to an origin, read from a TOML file.

Secrets never stand in the file itself; a value says where to read it:
`env:NAME`, `file:PATH` (relative to the TOML file), or `text:VALUE` for what is no secret.

    ["https://docs.example.org"]
    bearer = "env:DOCS_TOKEN"

    ["https://wiki.example.org".basic]
    user = "reader"
    password = "file:/run/secrets/wiki"

    ["https://api.example.org".headers]
    X-Api-Key = "env:API_KEY"
    Accept-Language = "text:de"
"""

import base64
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from atlas.domain.addresses.urls import InvalidUrl, canonicalize, origin_of

_FIELDS = ("bearer", "basic", "headers")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
# What the client itself must state truly, or what frames the message.
_RESERVED = frozenset(
    (
        *("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer"),
        *("expect", "user-agent", "accept-encoding", "if-none-match", "if-modified-since"),
        *("range", "if-range", "proxy-authorization", "traceparent", "tracestate", "baggage"),
    )
)


class CredentialsError(ValueError):
    """A credentials file cannot be used; the message names origin, field and fix, no secret."""


class Credentials:
    """Request headers by origin. Never shown: neither repr nor errors hold a value."""

    def __init__(self, by_origin: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._by_origin = {origin: dict(headers) for origin, headers in (by_origin or {}).items()}

    @property
    def origins(self) -> frozenset[str]:
        """The origins that there are some for."""
        return frozenset(self._by_origin)

    def for_origin(self, origin: str) -> dict[str, str]:
        """Headers for `origin` (as `origin_of` writes it); empty for any other origin."""
        return dict(self._by_origin.get(origin, {}))

    def __repr__(self) -> str:
        return f"Credentials(origins={sorted(self._by_origin)})"

    @classmethod
    def from_file(cls, path: Path, environ: Mapping[str, str] = os.environ) -> "Credentials":
        """Read a TOML file. Raises CredentialsError."""
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsError(f"credentials file {path} cannot be read: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise CredentialsError(f"credentials file {path} is no TOML: {error}") from None
        return cls.from_mapping(table, environ, path.parent)

    @classmethod
    def from_mapping(
        cls,
        table: Mapping[str, object],
        environ: Mapping[str, str] = os.environ,
        folder: Path = Path(),
    ) -> "Credentials":
        """Read what a TOML file holds; `file:` paths are relative to `folder`."""
        by_origin: dict[str, dict[str, str]] = {}
        for key, spec in table.items():
            reader = _Reader(key, environ, folder)
            by_origin.setdefault(reader.origin(), {}).update(reader.headers(spec))
        return cls(by_origin)


class _Reader:
    """Reads the specification of one origin."""

    def __init__(self, key: str, environ: Mapping[str, str], folder: Path) -> None:
        self._key = key
        self._sources: dict[str, Callable[[str, str], str]] = {
            "env": lambda field, name: self._from_environment(field, name, environ),
            "file": lambda field, path: self._from_file(field, folder / path),
            "text": lambda field, text: text,
        }

    def origin(self) -> str:
        try:
            url = canonicalize(self._key)
        except InvalidUrl as error:
            raise CredentialsError(f"credentials: {error}") from None
        origin = origin_of(url)
        if url != origin + "/":
            raise CredentialsError(
                f'credentials belong to a whole origin: write ["{origin}"], without a path'
            )
        return origin

    def headers(self, spec: object) -> dict[str, str]:
        if not isinstance(spec, Mapping):
            raise self._error("", f"must be a table with {', '.join(_FIELDS)}")
        for field in spec:
            if field not in _FIELDS:
                raise self._error(f".{field}", f"is unknown; use {', '.join(_FIELDS)}")
        if "bearer" in spec and "basic" in spec:
            raise self._error("", "has both bearer and basic; keep one")
        headers = self._custom(spec.get("headers", {}))
        if "bearer" in spec:
            headers["authorization"] = "Bearer " + self._secret("bearer", spec["bearer"])
        if "basic" in spec:
            headers["authorization"] = self._basic(spec["basic"])
        return headers

    def _custom(self, table: object) -> dict[str, str]:
        if not isinstance(table, Mapping):
            raise self._error(".headers", 'must be a table such as { X-Api-Key = "env:API_KEY" }')
        headers: dict[str, str] = {}
        for name, value in table.items():
            if not _TOKEN.fullmatch(name):
                raise self._error(f".headers.{name!r}", "is no header name")
            if name.lower() in _RESERVED:
                raise self._error(f".headers.{name}", "is set by Atlas itself; remove it")
            headers[name.lower()] = self._secret(f"headers.{name}", value)
        return headers

    def _basic(self, table: object) -> str:
        if not isinstance(table, Mapping) or set(table) != {"user", "password"}:
            raise self._error(".basic", "must be a table with exactly user and password")
        user = table["user"]
        if not isinstance(user, str) or ":" in user:
            raise self._error(".basic.user", "must be a text without a colon (RFC 7617)")
        password = self._secret("basic.password", table["password"])
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def _secret(self, field: str, value: object) -> str:
        scheme, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
        source = self._sources.get(scheme)
        if source is None or not rest:
            raise self._error(f".{field}", "must be env:NAME, file:PATH or text:VALUE")
        secret = source(field, rest)
        if not secret.isascii() or not secret.isprintable() or not secret.strip():
            raise self._error(f".{field}", "must be one line of printable ASCII")
        return secret

    def _from_environment(self, field: str, name: str, environ: Mapping[str, str]) -> str:
        if not environ.get(name):
            raise self._error(f".{field}", f"names env:{name}, which is not set; set {name}")
        return environ[name]

    def _from_file(self, field: str, path: Path) -> str:
        try:
            return path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no UTF-8 text"
            raise self._error(f".{field}", f"names file:{path}: {reason}") from None

    def _error(self, field: str, reason: str) -> CredentialsError:
        return CredentialsError(f'credentials: "{self._key}"{field} {reason}')
