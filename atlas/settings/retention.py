"""Settings that say how long things are kept."""

from __future__ import annotations

from pydantic import Field

from atlas.settings.field_info import Group


class Keeping(Group):
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
    retention_manifests: int = Field(default=90, ge=0)
    """Manifests given to batches, and the lists of outcomes that batches and clean-ups leave."""
    cleanup_grace: int = Field(default=48, ge=24, le=10_000)
    """Hours between the condemnation of a blob that nothing refers to and its deletion."""
