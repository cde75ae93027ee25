"""Every setting: its type, default, bounds and meaning, in the groups of docs/settings.md.

The name of a field is the name of the setting: `fetch_timeout` is ATLAS_FETCH_TIMEOUT.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from atlas.settings.field_info import Listed, Place, SettingsGroup, ShownAs
from atlas.temporal.keyring import Keyring

_PROXIES = ("http", "socks5")
_LOGIN = re.compile(r"[\x20-\x7e]{1,255}")  # RFC 1929, 2


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _checked_root(root: str) -> str:
    """A folder or prefix as its address."""
    from atlas.domain.addresses.bucket_urls import folder_at  # its URL parser: not for `--help`

    path = str(Path(root).expanduser()) if root.startswith("~") else root
    return folder_at(f"file://{quote(path)}" if path.startswith("/") else path).url


class PlaceSettings(SettingsGroup):
    """Where things are

    Without any of these the embedded stack is used, which `atlas up` starts.
    """

    home: Annotated[Place, ShownAs(default="`~/.atlas`", example="~/.atlas")] = Path("~/.atlas")
    """All state of the embedded stack."""
    database_url: Annotated[
        SecretStr | None,
        ShownAs(default="embedded", example="postgresql://atlas@127.0.0.1:5433/atlas"),
    ] = None
    """`postgresql://…` of a PostgreSQL of your own; `atlas up` and `atlas migrate` bring its schema
    up to date."""
    database_password: Annotated[SecretStr | None, ShownAs(example="change-me")] = None
    """Password for that URL, so that only this is a secret; goes before one in the URL."""
    blobs: Annotated[str | None, ShownAs("`<home>/blobs`", "s3://atlas/corpus")] = None
    """A folder, or `s3://bucket/prefix`."""
    web_ui_url: Annotated[str | None, ShownAs("embedded", "http://127.0.0.1:8080")] = None
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


class BucketSettings(SettingsGroup):
    """Blobs in S3

    For blobs in `s3://…`. What is not set here is taken from the usual `AWS_*` variables, profiles
    and roles.
    """

    s3_endpoint: Annotated[str | None, ShownAs("Amazon's", "http://127.0.0.1:8333")] = None
    """Address of a server that speaks S3; goes before `AWS_ENDPOINT_URL_S3` and
    `AWS_ENDPOINT_URL`."""
    s3_region: Annotated[str | None, ShownAs("`AWS_REGION`", "us-east-1")] = None
    """Region of the bucket; other servers than Amazon's do not care."""
    s3_access_key: Annotated[SecretStr | None, ShownAs("`AWS_ACCESS_KEY_ID`", "atlas")] = None
    """Access key; needs the secret key beside it."""
    s3_secret_key: Annotated[SecretStr | None, ShownAs("`AWS_SECRET_ACCESS_KEY`", "change-me")] = (
        None
    )
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


class SearchSettings(SettingsGroup):
    """Search

    The same for all workers and clients of one Atlas: [search-index.md](search-index.md).
    """

    search: Literal["tantivy", "opensearch"] = "tantivy"
    """Where the search index is: in a folder of tantivy's on a disk that all share, or in an
    OpenSearch."""
    index_folder: Annotated[
        Place | None, ShownAs(default="`<home>/index`", example="~/.atlas/index")
    ] = None
    """The folder of `ATLAS_SEARCH=tantivy`."""
    opensearch_url: Annotated[SecretStr | None, ShownAs(example="http://127.0.0.1:9200")] = None
    """The OpenSearch of `ATLAS_SEARCH=opensearch`, with user and password if it asks for them."""

    search_past_days: int = Field(default=0, ge=0, le=36_500)
    """Days for which the index keeps texts that were replaced or removed, for `atlas search
    --as-of`; 0 keeps none. No longer than versions and tombstones are kept."""

    @field_validator("opensearch_url")
    @classmethod
    def _opensearch_address(
        cls, value: SecretStr | None, others: ValidationInfo
    ) -> SecretStr | None:
        if value is None:
            if others.data.get("search") == "opensearch":
                raise ValueError("ATLAS_SEARCH=opensearch needs it: the URL of an OpenSearch")
            return None
        if not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value


class FetchSettings(SettingsGroup):
    """Fetching"""

    contact: Annotated[str | None, ShownAs(example="mailto:me@example.org")] = None
    """An address or URL for site owners, sent in the User-Agent: set it before you crawl others."""
    fetch_allow_networks: Annotated[Listed, ShownAs("none", "10.20.0.0/16")] = ()
    """CIDRs, comma-separated, that may be dialled although private, such as `10.20.0.0/16`: the
    bound for what sources allow ([sources.md](sources.md#private-networks)); never from a public
    page, nor Atlas's own ports."""
    bucket_roots: Annotated[Listed, ShownAs("none", "/srv/docs,s3://team-docs/")] = ()
    """Folders and S3 prefixes, comma-separated, below which sources of kind `bucket` may read, such
    as `/srv/docs,s3://team-docs/handbook`: [sources.md](sources.md#folders-and-buckets)."""
    fetch_proxy: Annotated[str | None, ShownAs(example="http://atlas@proxy.example.org:3128")] = (
        None
    )
    """`http://host:port` or `socks5://host:port` of a proxy through which pages are fetched, with a
    user as in `http://atlas@host:port` if it asks for a login; it looks names up, and has to refuse
    private addresses: [deploy.md](deploy.md#through-a-proxy)."""
    fetch_proxy_password: Annotated[SecretStr | None, ShownAs(example="change-me")] = None
    """Password of that user."""
    fetch_max_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    """Largest body, in bytes, decoded."""
    fetch_timeout: float = Field(default=60.0, gt=0, le=600)
    """Seconds for a whole request, redirects included."""
    fetch_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts per page and run before it counts as failed."""
    fetch_retry_delay: float = Field(default=5.0, ge=0, le=3600)
    """Seconds before the first retry of a page; doubles each time."""
    fetch_patience: float = Field(default=600.0, ge=0, le=86_400)
    """Seconds that a run waits for one page's next attempt, or for a host that is down; then the
    pages fail by name (`host_down`)."""
    host_failures: int = Field(default=5, ge=1, le=1000)
    """Failures in a row (no connection, no answer, 429, 502 to 504) after which a host counts as
    down and is tried by one request at a time."""
    host_pause: float = Field(default=30.0, gt=0, le=3600)
    """Seconds that a host that is down is left alone; doubles after each failed try, up to the
    patience (or 30 times as long, if that is shorter)."""
    credentials_file: Annotated[Place | None, ShownAs(example="/etc/atlas/credentials.toml")] = None
    """A TOML file with headers and credentials per origin: [credentials.md](credentials.md)."""

    @field_validator("bucket_roots")
    @classmethod
    def _roots(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked_root(root) for root in value)

    @field_validator("fetch_proxy")
    @classmethod
    def _proxy(cls, value: str | None) -> str | None:
        return None if value is None else _checked_proxy(value)

    @field_validator("fetch_proxy_password")
    @classmethod
    def _of_a_proxy(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if "fetch_proxy" not in others.data:
            return value  # refused itself
        user = urlsplit(others.data["fetch_proxy"] or "").username
        if value is None and user:
            raise ValueError("the user in ATLAS_FETCH_PROXY needs a password; set it, or its file")
        if value is not None and not user:
            raise ValueError("it needs a user in ATLAS_FETCH_PROXY: http://user@host:port")
        if value is not None and not _LOGIN.fullmatch(value.get_secret_value()):
            raise ValueError("must be 1 to 255 characters of printable ASCII")
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


class ExtractionSettings(SettingsGroup):
    """Processing"""

    extract_children: int = Field(default=2, ge=1, le=64)
    """Processes that extract text and read listings; they end after a minute without work."""
    extract_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds per document, and per file of a listing."""
    extract_memory: int = Field(default=1024 * 1024 * 1024, ge=256 * 1024 * 1024)
    """Bytes that one document, or one file of a listing, may take."""


class RenderingSettings(SettingsGroup):
    """Rendering"""

    browser: Annotated[str | None, ShownAs(example="/usr/bin/chromium")] = None
    """Path of a Chromium, which makes a worker serve `atlas-rendering`: it renders pages whose
    sources say so ([rendering.md](rendering.md))."""
    browser_sandbox: bool = True
    """Whether the browser isolates pages by the kernel's means; it cannot when root starts it, nor
    where user namespaces are forbidden."""
    render_browsers: int = Field(default=2, ge=1, le=64)
    """Pages rendered at once in a worker, each by a browser of its own."""
    render_timeout: float = Field(default=30.0, ge=1, le=300)
    """Seconds that a page has to load and to fill itself; then it is taken as it is."""
    render_memory: int = Field(default=1024 * 1024 * 1024, ge=256 * 1024 * 1024)
    """Bytes that all processes of one browser may take together."""
    render_max_requests: int = Field(default=300, ge=1, le=10_000)
    """Requests that a page may make."""
    render_max_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    """Bytes that may pass between a page and the network, both ways together."""
    render_max_html: int = Field(default=8 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Characters of HTML that a rendered page may have."""


class RetentionSettings(SettingsGroup):
    """Retention

    What `daily_cleanup` keeps, in days unless it says otherwise; 0 keeps it for ever. Live
    documents, their bodies and reports always stay.
    """

    retention_snapshots: int = Field(default=30, ge=0)
    """Bodies that are neither the last fetched of a page nor of a version that is kept, after they
    were fetched."""
    retention_versions: int = Field(default=365, ge=0)
    """Old versions of a page, after they were replaced, with their documents and bodies."""
    retention_newest_versions: int = Field(default=10, ge=1)
    """Number of versions of each page that stay however old they are, the live one included."""
    retention_tombstones: int = Field(default=90, ge=0)
    """Documents and versions of a page that left the corpus."""
    retention_pages: int = Field(default=90, ge=0)
    """The row of such a page after that, if no source lists it and no run's record names it."""
    retention_runs: int = Field(default=90, ge=0)
    """Records of runs, with the outcome of each page."""
    retention_newest_runs: int = Field(default=5, ge=1)
    """Number of runs of each source (or of each workflow type without one) that stay however old
    they are."""
    retention_ledger: int = Field(default=180, ge=0)
    """The ledger of fetches, in whole months; a month goes only when the figures of all its days
    are frozen for the reports."""
    retention_hosts: int = Field(default=90, ge=0)
    """Hosts, with their robots.txt, that nobody asked."""
    retention_freshness: int = Field(default=60, ge=0)
    """What health checks counted of freshness objectives, once the figures of its day are frozen
    for the reports; the alerts look back 30 days at most."""
    retention_manifests: int = Field(default=90, ge=0)
    """Manifests given to batches, and the lists of outcomes that batches and clean-ups leave."""
    retention_changes: int = Field(default=30, ge=0)
    """The feed of changes: a reader that is further behind begins anew:
    [changes.md](changes.md)."""
    cleanup_grace: int = Field(default=48, ge=24, le=10_000)
    """Hours between the condemnation of a blob that nothing refers to and its deletion."""


class WorkerSettings(SettingsGroup):
    """Workers"""

    worker_queues: Annotated[
        Listed, ShownAs("all it can serve", "atlas,atlas-processing,atlas-bulk")
    ] = ()
    """Task queues that a worker serves, comma-separated; `atlas worker --queues` goes before it."""
    worker_activities: int = Field(default=32, ge=1, le=500)
    """Network and database activities at once, at most."""
    worker_bulk_activities: int = Field(default=4, ge=1, le=100)
    """Parts of rebuilds, batches and clean-ups at once, at most."""
    worker_connections: int = Field(default=6, ge=1, le=100)
    """Connections to PostgreSQL at once, at most; work waits for one, and for room on the
    server."""
    worker_start_patience: float = Field(default=60.0, ge=0)
    """Seconds a starting worker waits for PostgreSQL, Temporal or the blob store to answer."""
    worker_workflows: int = Field(default=100, ge=2, le=1000)
    """Workflow tasks at once, at most."""
    worker_target_cpu: float = Field(default=0.9, gt=0, le=1)
    """Share of the machine's CPU above which a worker takes on no more than its least."""
    worker_target_memory: float = Field(default=0.8, gt=0, le=1)
    """The same of its memory."""
    shutdown_grace: float = Field(default=30.0, ge=0)
    """Seconds a stopping worker gives what is under way."""


class MonitoringSettings(SettingsGroup):
    """Alerts, metrics and logs"""

    alert_webhook: Annotated[
        SecretStr | None, ShownAs(example="https://hooks.example.org/T0/x")
    ] = None
    """An http(s) URL that `health_check` posts what changed to, as JSON:
    [schedules.md](schedules.md)."""
    metrics_address: Annotated[str | None, ShownAs("off", "127.0.0.1:9464")] = None
    """host:port where a worker shows its metrics to Prometheus, at /metrics; port 0 takes a free
    one: [telemetry.md](telemetry.md)."""
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)
    ] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    log_format: Annotated[Literal["json", "text"] | None, ShownAs("by the terminal", "json")] = None
    """`json` or `text`; default: text on a terminal, JSON elsewhere."""

    @field_validator("metrics_address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not port.isdecimal() or int(port) > 65535:
                raise ValueError("must be a host and a port, such as 127.0.0.1:9464")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_web(value.get_secret_value()):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value


class EncryptionSettings(SettingsGroup):
    """Encryption"""

    encryption_keys: Annotated[
        SecretStr | None,
        ShownAs(example="2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ] = None
    """`id:key` pairs, by comma or line, that encrypt what Temporal keeps; the first encrypts:
    [encryption.md](encryption.md)."""

    @field_validator("encryption_keys")
    @classmethod
    def _usable_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Keyring.parse(value.get_secret_value())
        return value


def _checked_proxy(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = bool(parts.scheme in _PROXIES and parts.hostname and parts.port)
    except ValueError:
        whole = False
    else:
        whole = whole and parts.path in ("", "/") and not (parts.query or parts.fragment)
    if not whole:
        raise ValueError(
            "must be http://host:port or socks5://host:port (which looks names up at the proxy, "
            "as socks5h:// does elsewhere)"
        )
    if parts.password is not None:
        raise ValueError("must not hold the password; set ATLAS_FETCH_PROXY_PASSWORD, or its file")
    user = unquote(parts.username) if parts.username is not None else None
    if user is not None and (":" in user or not _LOGIN.fullmatch(user)):
        raise ValueError("its user must be 1 to 255 characters of printable ASCII without a colon")
    return value


def _port_is_fine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return "," in parts.netloc or parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
