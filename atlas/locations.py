"""Where the parts are: what the settings say, else what the embedded stack recorded."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.embedded.discovery import namespace, read_stack
from atlas.settings import Settings


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
    given = settings.database_url
    return Locations(
        database_url=given.get_secret_value() if given else (stack.database_url if stack else None),
        temporal_address=stack.temporal_address if stack else None,
        ui_url=settings.web_ui_url or (stack.ui_url if stack else None),
        blobs=settings.blob_location,
        namespace=namespace(),
    )
