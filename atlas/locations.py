"""Where the parts are: what the settings say, else what the embedded stack recorded."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.embedded.discovery import Stack, external_temporal, namespace, read_stack
from atlas.settings import Settings
from atlas.stores.blobs.access import S3Access


class NotRunning(Exception):
    """No address is known for a part; the message says the mend."""


@dataclass(frozen=True)
class Locations:
    """Addresses of one Atlas."""

    database_url: str | None
    temporal_address: str | None
    """The embedded server's; Temporal's own configuration goes before it."""
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
    stack = read_stack(settings.home)
    return Locations(
        database_url=settings.postgres_url or (stack.database_url if stack else None),
        temporal_address=stack.temporal_address if stack else None,
        ui_url=settings.web_ui_url or _ui_of(stack),
        blobs=settings.blob_location,
        s3=s3_access(settings),
        namespace=namespace(),
    )


def s3_access(settings: Settings) -> S3Access:
    """What the settings say of S3; the rest is for the AWS tools to find."""
    access, secret = settings.s3_access_key, settings.s3_secret_key
    return S3Access(
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key=access.get_secret_value() if access else None,
        secret_key=secret.get_secret_value() if secret else None,
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
