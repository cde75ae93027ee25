"""Where the parts are: what the settings say, else what the embedded stack recorded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from atlas.embedded.endpoints import Stack, external_temporal, namespace, read_stack
from atlas.settings import Settings
from atlas.stores.blobs.access import S3Access
from atlas.web.address_policy import AddressPolicy
from atlas.web.own_ports import Endpoint, OwnPorts, endpoint_of

if TYPE_CHECKING:
    from atlas.stores.search.port import SearchIndex


class NotRunning(Exception):
    """No address is known for a part; the message says the fix."""


@dataclass(frozen=True)
class Locations:
    """Addresses of one Atlas."""

    database_url: str | None
    temporal_address: str | None
    """The embedded server's; Temporal's own configuration goes before it."""
    temporal_secrets: Path | None
    """What the embedded server admits its clients by."""
    ui_url: str | None
    blobs: str
    s3: S3Access
    """How to get at blobs in S3, as far as the settings say it."""
    namespace: str

    def require_database(self) -> str:
        if self.database_url is None:
            raise NotRunning(
                "PostgreSQL: no address is known. Start the embedded stack with `atlas up -d`, "
                "or set ATLAS_DATABASE_URL."
            )
        return self.database_url

    def run_url(self, workflow_id: str, run_id: str) -> str | None:
        """The run's page in Temporal's Web UI."""
        if self.ui_url is None:
            return None
        from urllib.parse import quote

        return (
            f"{self.ui_url.rstrip('/')}/namespaces/{quote(self.namespace)}"
            f"/workflows/{quote(workflow_id, safe='')}/{quote(run_id, safe='')}/history"
        )


def locate(settings: Settings) -> Locations:
    """Find every part."""
    stack = read_stack(settings.places.home)
    return Locations(
        database_url=settings.postgres_url or (stack.database_url if stack else None),
        temporal_address=stack.temporal_address if stack else None,
        temporal_secrets=Path(stack.temporal_secrets) if stack and stack.temporal_secrets else None,
        ui_url=settings.places.web_ui_url or _ui_of(stack),
        blobs=settings.blob_location,
        s3=s3_access(settings),
        namespace=namespace(),
    )


def s3_access(settings: Settings) -> S3Access:
    """What the settings say of S3; the rest is for the AWS tools to find."""
    access, secret = settings.bucket.s3_access_key, settings.bucket.s3_secret_key
    return S3Access(
        endpoint=settings.bucket.s3_endpoint,
        region=settings.bucket.s3_region,
        access_key=access.get_secret_value() if access else None,
        secret_key=secret.get_secret_value() if secret else None,
    )


def search_index(settings: Settings) -> SearchIndex:
    """The search index in the engine that the settings choose. Nothing is connected to yet."""
    from atlas.stores.search.choice import open_search_index  # the stemmers: not for `--help`

    url = settings.search.opensearch_url
    return open_search_index(
        settings.search.search, settings.index_folder, url.get_secret_value() if url else None
    )


_CLOUD_UI = "https://cloud.temporal.io"
_CLOUD_HOSTS = (".tmprl.cloud", ".api.temporal.io")


def on_cloud(address: str | None) -> bool:
    """Whether host:port is an endpoint of Temporal Cloud."""
    return address is not None and address.rpartition(":")[0].endswith(_CLOUD_HOSTS)


def _ui_of(stack: Stack | None) -> str | None:
    """The Web UI of the Temporal that is used; of a server of your own none is known."""
    external = external_temporal()
    if on_cloud(external):
        return _CLOUD_UI
    if stack is None or external not in (None, stack.temporal_address):
        return None
    return stack.ui_url


_TEMPORAL_PORT = 7233
_TEMPORAL_HTTP_PORT = 7243
_POSTGRES_PORT = 5432
# In addition to the settings: what the libraries of S3 and OpenTelemetry read themselves.
_ELSEWHERE = (
    *("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    *("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
)


def address_policy(settings: Settings, *more: str | None) -> AddressPolicy:
    """What may be dialled: the networks that are allowed, without Atlas's own ports and those of
    `more` addresses (host:port)."""
    networks = map(ip_network, settings.fetch.fetch_allow_networks)
    return AddressPolicy(networks, OwnPorts(_own_endpoints(settings, more)))


def _own_endpoints(settings: Settings, more: tuple[str | None, ...]) -> list[Endpoint]:
    where, stack = locate(settings), read_stack(settings.places.home)
    ports = stack.ports.values() if stack else ()
    told = (
        *(where.ui_url, settings.monitoring.metrics_address, where.s3.endpoint),
        *(settings.fetch.fetch_proxy, *more),
    )
    return [
        *_of_database(where.database_url),
        *_of_temporal(external_temporal() or where.temporal_address),
        *(("127.0.0.1", port) for port in ports),
        *(found for address in told for found in endpoint_of(address)),
        *(found for name in _ELSEWHERE for found in endpoint_of(os.environ.get(name))),
    ]


def _of_temporal(address: str | None) -> list[Endpoint]:
    """Temporal's frontend, and its HTTP API."""
    found = endpoint_of(address, _TEMPORAL_PORT)
    return [*found, *((host, _TEMPORAL_HTTP_PORT) for host, _ in found)]


def _of_database(url: str | None) -> list[Endpoint]:
    """Every server that a PostgreSQL URL names; one on a Unix socket has no port to dial."""
    if url is None:
        return []
    parts = urlsplit(url)
    named = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", []))
    named = named or os.environ.get("PGHOST", "localhost")
    port = os.environ.get("PGPORT", "")
    usual = int(port) if port.isdecimal() else _POSTGRES_PORT
    hosts = [host for host in named.split(",") if not host.startswith("/")]
    return [found for host in hosts for found in endpoint_of(host, usual)]
