"""The catalogue of the JSON that commands print: the classes that make up each object.

The docstrings of a class's fields describe its JSON (`output.plain` prints it). Most classes are
those that the client returns. Nothing is imported here, because a command only needs the name and
version of a shape.

Printed JSON is a contract. Within a version, fields are only added; removing a field or changing
its meaning makes a new version. A field that is renamed in the code keeps its name in JSON by
`field(metadata={"json": "name"})`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """An object that commands print."""

    name: str
    about: str
    """What it is, in a sentence."""
    printed_by: str
    """The commands, without `atlas`, separated by ", "."""
    parts: str
    """The classes whose fields make it up, or its items: `module:Class`, separated by spaces."""
    items: str = ""
    """Of a list: the field of its items. If no part has that field, each item is made of the
    parts. `-o jsonl` prints one item a line."""
    open: bool = False
    """Whether it has more fields, which depend on the request."""
    version: int = 1

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that print it."""
        return tuple(self.printed_by.split(", "))

    @property
    def schema(self) -> str:
        """`name/version`: the value of the field `schema`."""
        return f"{self.name}/{self.version}"


_IDS = "starter.cli.framework.run_follower:RunIds"
_LINK = "starter.cli.framework.run_follower:RunLink"
_PG = "atlas.stores.postgres"
_RULES = "atlas.domain.sources:SourceSpec"
_SOURCE = f"{_RULES} starter.cli.views.sources:Holdings"
_HOST = f"{_PG}.hosts.status:HostStatus"
_LIMIT = f"{_PG}.hosts.manual_limits:Limit"
_RUN = "starter.runs.details:RunDetails starter.cli.views.runs:RunMessage"
_CHECKED = "starter.cli.commands.config:ConfigCheck"

_CATALOGUE = (
    Shape(
        "documents",
        "The current documents, by URL.",
        "docs list",
        f"{_PG}.services.catalogue:ListedDocument",
        items="documents",
    ),
    Shape(
        "document",
        "The current document of a URL, or one of the past, with its text.",
        "docs show",
        "starter.corpus:Document",
    ),
    Shape(
        "changes",
        "What happened to the corpus, in commit order: [changes.md](changes.md).",
        "changes",
        f"{_PG}.changes.change_reader:CorpusChange",
        items="changes",
    ),
    Shape(
        "chunks",
        "A document in parts of its sections, in order.",
        "docs chunks",
        "atlas.domain.chunking.document_chunks:DocumentChunk",
        items="chunks",
    ),
    Shape(
        "imported_archive",
        "What became of a web archive.",
        "import",
        "starter.archives:ImportedArchive",
    ),
    Shape(
        "exported",
        "The documents of an export, as `jsonl` writes them; `-o` is for the run alone.",
        "export",
        "atlas.domain.exported_document:ExportedDocument",
        items="documents",
    ),
    Shape(
        "exported_chunks",
        "The chunks of an export with `--what chunks`, as `jsonl` writes them.",
        "export",
        "atlas.domain.exported_chunk:ExportedChunk",
        items="chunks",
    ),
    Shape(
        "export_result",
        "What a run of an export wrote, with `--wait`.",
        "export",
        f"{_IDS} atlas.contracts.export_corpus:ExportResult {_LINK}",
    ),
    Shape(
        "explanation",
        "Why a page is, or is not, in the corpus as it is.",
        "explain",
        "starter.explanation:Explanation",
    ),
    Shape(
        "page_history",
        "What a page is now, and every text it had.",
        "docs history",
        f"{_PG}.crawl.pages.page_versions:PageHistory",
    ),
    Shape(
        "document_diff",
        "What changed between two versions of a page, in words.",
        "docs diff",
        "starter.document_diff:DocumentDiff",
    ),
    Shape(
        "quarantined",
        "Documents that are skipped until they change or are forced.",
        "docs quarantined",
        f"{_PG}.crawl.pages.quarantine:Quarantined",
        items="documents",
    ),
    Shape(
        "deletions",
        "Removals that wait for a decision, by source and URL.",
        "deletions list",
        f"{_PG}.crawl.pages.held_removals:HeldRemoval",
        items="deletions",
    ),
    Shape(
        "deletions_result",
        "What a decision on held removals did.",
        "deletions approve, deletions reject",
        f"{_IDS} atlas.contracts.decide_deletions:DecideDeletionsResult {_LINK}",
    ),
    Shape(
        "held",
        "Bodies that were held instead of replacing a page's text, by URL.",
        "docs held",
        f"{_PG}.settlement.held_bodies:HeldBody",
        items="documents",
    ),
    Shape(
        "held_body",
        "What is held of one page, with its text.",
        "docs held",
        f"{_PG}.settlement.held_bodies:HeldBody",
    ),
    Shape(
        "accepted",
        "The document that an accepted body became.",
        "docs accept",
        "atlas.contracts.processing:ProcessedDocument",
    ),
    Shape(
        "search",
        "Search results, best first.",
        "search",
        f"{_PG}.index.search:SearchPage",
        items="results",
    ),
    Shape(
        "generations",
        "The builds of the search index: active, being built, and what a rollback restores.",
        "index list",
        f"{_PG}.index.generations:GenerationStatus",
        items="generations",
    ),
    Shape(
        "reports",
        "The weekly reports, latest first.",
        "report list",
        "starter.kept_reports:KeptReport",
        items="reports",
    ),
    Shape(
        "report_result",
        "Which report was made, and where it is stored.",
        "report make",
        f"{_IDS} atlas.contracts.weekly_report:WeeklyResult {_LINK}",
    ),
    Shape("sources", "Every declared source, by name.", "sources list", _SOURCE, items="sources"),
    Shape("source", "A source, and what the corpus holds of it.", "sources show", _SOURCE),
    Shape("source_rules", "The rules of a source after the change.", "sources edit", _RULES),
    Shape(
        "rules_tried",
        "Rules of extraction, tried on a page.",
        "sources test",
        "starter.extraction_preview:TriedRules",
    ),
    Shape(
        "rules_preview",
        "What rules of extraction would make of some pages of a source.",
        "sources edit, process",
        "starter.extraction_preview:PreviewedRules",
    ),
    Shape(
        "source_added", "The source that was added.", "sources add", "starter.sources:AddedSource"
    ),
    Shape(
        "source_removed",
        "What a removed source left in the corpus.",
        "sources remove",
        "starter.sources:RemovedSource",
    ),
    Shape(
        "source_released",
        "Which quarantined listings of a source are read again.",
        "sources release",
        "starter.sources:ReleasedListings",
    ),
    Shape(
        "feeds_imported",
        "What came of an OPML file; with `--dry-run`, what would.",
        "sources import",
        "starter.source_files:ImportedFeeds",
    ),
    Shape(
        "sources_plan",
        "What a file of sources would change, and what that costs; `atlas apply --plan` takes it.",
        "plan",
        "starter.source_files.plan:SourceFilePlan",
    ),
    Shape(
        "sources_applied",
        "What was changed to make the declared sources those of a file.",
        "apply",
        "starter.source_files:AppliedSources",
    ),
    Shape(
        "schedules",
        "Every schedule that Atlas has declared or created.",
        "schedules list",
        "atlas.schedules.status:ScheduleStatus",
        items="schedules",
    ),
    Shape(
        "schedule_changes",
        "What was done to make Temporal's schedules match their declarations.",
        "schedules apply",
        "atlas.schedules.apply:ScheduleChange",
        items="schedules",
    ),
    Shape(
        "runs",
        "The latest runs, newest first.",
        "runs list",
        "starter.runs.listing:RecordedRun",
        items="runs",
    ),
    Shape(
        "run",
        "A run: its record in PostgreSQL, and what Temporal knows of it now.",
        "runs show, runs follow",
        _RUN,
    ),
    Shape(
        "outcomes",
        "The outcome of each page of a run, by URL.",
        "runs outcomes",
        "starter.cli.views.runs:PageOutcome",
        items="outcomes",
        open=True,
    ),
    Shape(
        "retried",
        "Which part of a run was retried.",
        "runs retry",
        "starter.cli.commands.run_control:Retried",
    ),
    Shape(
        "started",
        "A run that was started or joined, without waiting for it.",
        "sync, start, process, dedup, cleanup, export, index rebuild",
        f"{_IDS} {_LINK}",
    ),
    Shape(
        "result",
        "The result of a run of any type, with `--wait`; the other fields are those of its type, "
        "which `atlas schema TYPE` prints and [workflows](workflows.md) explains.",
        "start, process, dedup, cleanup, index rebuild",
        f"{_IDS} {_LINK}",
        open=True,
    ),
    Shape(
        "sync_result",
        "The result of a sync, with `--wait`.",
        "sync",
        f"atlas.contracts.sync_pipeline:SyncResult {_LINK}",
    ),
    Shape(
        "fetch_result",
        "What the server answered. A page that answers 404 is a result, not an error.",
        "fetch",
        f"{_IDS} atlas.contracts.fetch_url:FetchUrlResult {_LINK}",
    ),
    Shape(
        "push_result",
        "What became of documents that were put or withdrawn.",
        "docs put, docs withdraw",
        f"{_IDS} atlas.contracts.push_documents:PushResult {_LINK}",
    ),
    Shape(
        "restore_result",
        "What a restore brought back, and what it could not.",
        "docs restore",
        f"{_IDS} atlas.contracts.restore_documents:RestoreResult {_LINK}",
    ),
    Shape("host", "A host that Atlas has contacted, or that has a limit.", "hosts show", _HOST),
    Shape(
        "hosts",
        "Hosts: those with requests in flight first, then those that failed, then the most recent.",
        "hosts list",
        _HOST,
        items="hosts",
    ),
    Shape(
        "host_reset",
        "A host that was reset.",
        "hosts reset",
        f"{_HOST} starter.cli.commands.hosts:Reset",
    ),
    Shape(
        "limit",
        "A manual limit on a host or a source.",
        "limits set host, limits set source",
        _LIMIT,
    ),
    Shape(
        "limits",
        "The limits in force: of hosts by name, then of sources.",
        "limits show",
        _LIMIT,
        items="limits",
    ),
    Shape(
        "overview",
        "Everything at once; with `-o jsonl` a line at each interval.",
        "top",
        "starter.monitoring.overview:Overview",
    ),
    Shape(
        "freshness",
        "How late sources are, the latest first, and how they keep their freshness objectives.",
        "sources freshness",
        "starter.monitoring.overview:SourceSeen",
        items="sources",
    ),
    Shape(
        "status",
        "What is running, waiting or late.",
        "status",
        "atlas.embedded.stack_status:StackStatus starter.cli.commands.status:Work",
    ),
    Shape(
        "doctor",
        "What was checked, in the order in which to fix it.",
        "doctor",
        "starter.cli.commands.doctor:Diagnosis",
    ),
    Shape(
        "migrated",
        "What was done to the database schema.",
        "migrate",
        "starter.cli.commands.migrate:Migrated",
    ),
    Shape("config_check", "Whether the settings are valid.", "config check", _CHECKED),
    Shape(
        "config",
        "Every setting, and where its value came from.",
        "config show",
        f"{_CHECKED} starter.cli.commands.config:ConfigList",
    ),
)

SHAPES = {shape.name: shape for shape in _CATALOGUE}
"""Every shape by its name, in the order of `docs/json.md`."""
