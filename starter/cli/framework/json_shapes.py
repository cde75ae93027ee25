"""The catalogue of the JSON that commands print: which described classes make up each object.

A class is described by the docstrings beside its fields; it is declared where it is made, mostly
where the client returns it, and what is printed are its fields (`output.plain`).
Nothing is imported here: a command needs the name and the version alone.

Printed JSON is a contract. Within a version fields are only added; a field that goes, or changes
its meaning, makes the next version. The fields of a class that is printed keep their names in JSON
by `field(metadata={"json": "name"})` when they are renamed inside.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """An object that commands print."""

    name: str
    about: str
    """What it is, in a sentence."""
    commands: tuple[str, ...]
    """Those that print it, without `atlas`."""
    parts: tuple[str, ...]
    """The classes whose fields it has, one after the other, as `module:Class`; or its items."""
    items: str = ""
    """Of a list: the field of its items. Where no part has that field, each item is made of the
    parts. `-o jsonl` prints each item on a line."""
    open: bool = False
    """Whether it has further fields, which depend on what was asked for."""
    version: int = 1

    @property
    def schema(self) -> str:
        """`name/version`, as the `schema` field says it."""
        return f"{self.name}/{self.version}"


_IDS = "starter.cli.framework.run_follower:RunIds"
_LINK = "starter.cli.framework.run_follower:RunLink"
_RULES = "atlas.domain.sources:SourceSpec"
_SOURCE = (_RULES, "starter.cli.views.sources:Holdings")
_HOST = "atlas.stores.postgres.hosts.status:HostStatus"
_LIMIT = "atlas.stores.postgres.hosts.manual_limits:Limit"
_FRESH = "starter.monitoring.overview:SourceSeen"
_RUN = ("starter.runs.details:RunDetails", "starter.cli.views.runs:RunMessage")
_CHECKED = "starter.cli.commands.config:ConfigCheck"

_CATALOGUE = (
    Shape(
        "documents",
        "The current documents, by URL.",
        ("docs list",),
        ("atlas.stores.postgres.services.catalogue:ListedDocument",),
        items="documents",
    ),
    Shape(
        "document",
        "The current document of a URL, with its text.",
        ("docs show",),
        ("starter.corpus:Document",),
    ),
    Shape(
        "quarantined",
        "Documents that are left alone until they change or are forced.",
        ("docs quarantined",),
        ("atlas.stores.postgres.crawl.quarantine:Quarantined",),
        items="documents",
    ),
    Shape(
        "search",
        "Search results, best first.",
        ("search",),
        ("atlas.stores.postgres.index.search:SearchPage",),
        items="results",
    ),
    Shape(
        "generations",
        "The builds of the search index: in use, under way, and what a rollback restores.",
        ("index status",),
        ("atlas.stores.postgres.index.generations:GenerationStatus",),
        items="generations",
    ),
    Shape(
        "reports",
        "The weekly reports that are kept, the latest first.",
        ("report list",),
        ("starter.corpus:KeptReport",),
        items="reports",
    ),
    Shape(
        "report_result",
        "Which report was made, and where it is kept.",
        ("report make",),
        (_IDS, "atlas.contracts.weekly_report:WeeklyResult", _LINK),
    ),
    Shape(
        "sources",
        "Every declared source, by name.",
        ("sources list",),
        _SOURCE,
        items="sources",
    ),
    Shape("source", "A source, and what the corpus holds of it.", ("sources show",), _SOURCE),
    Shape("source_rules", "The rules of a source as they are now.", ("sources edit",), (_RULES,)),
    Shape(
        "source_added",
        "A source as it was declared.",
        ("sources add",),
        ("starter.sources:AddedSource",),
    ),
    Shape(
        "source_removed",
        "What a source left behind.",
        ("sources remove",),
        ("starter.sources:RemovedSource",),
    ),
    Shape(
        "schedules",
        "Every schedule that Atlas declares or has made.",
        ("schedules list",),
        ("atlas.schedules.status:ScheduleStatus",),
        items="schedules",
    ),
    Shape(
        "schedule_changes",
        "What was done to make Temporal's schedules match their declarations.",
        ("schedules apply",),
        ("atlas.schedules.apply:ScheduleChange",),
        items="schedules",
    ),
    Shape(
        "runs",
        "The latest runs, newest first.",
        ("runs list",),
        ("starter.runs.listing:RecordedRun",),
        items="runs",
    ),
    Shape(
        "run",
        "A run: its record in PostgreSQL, and what Temporal knows of it now.",
        ("runs show", "runs follow"),
        _RUN,
    ),
    Shape(
        "outcomes",
        "The outcome of each page of a batch, by URL.",
        ("runs outcomes",),
        ("starter.cli.views.runs:PageOutcome",),
        items="outcomes",
        open=True,
    ),
    Shape(
        "retried",
        "Which part of a run was started again.",
        ("runs retry",),
        ("starter.cli.commands.run_control:Retried",),
    ),
    Shape(
        "started",
        "A run that was started or joined, without waiting for it.",
        ("sync", "start", "process", "dedup", "cleanup", "index rebuild"),
        (_IDS, _LINK),
    ),
    Shape(
        "result",
        "The result of a run of any type, with `--wait`; the other fields are those of its type, "
        "which `atlas schema TYPE` prints and [workflows](workflows.md) explains.",
        ("start", "process", "dedup", "cleanup", "index rebuild"),
        (_IDS, _LINK),
        open=True,
    ),
    Shape(
        "sync_result",
        "The result of a sync, with `--wait`.",
        ("sync",),
        ("atlas.contracts.sync_pipeline:SyncResult", _LINK),
    ),
    Shape(
        "fetch_result",
        "What the server answered. A page that answers 404 is a result, not an error.",
        ("fetch",),
        (_IDS, "atlas.contracts.fetch_url:FetchUrlResult", _LINK),
    ),
    Shape("host", "A host that Atlas has asked, or that has a limit.", ("hosts show",), (_HOST,)),
    Shape(
        "hosts",
        "Hosts: those with requests under way first, then those that failed, then the last asked.",
        ("hosts list",),
        (_HOST,),
        items="hosts",
    ),
    Shape(
        "host_reset",
        "A host that is tried again.",
        ("hosts reset",),
        (_HOST, "starter.cli.commands.hosts:Reset"),
    ),
    Shape(
        "limit",
        "A limit set by hand on a host or a source.",
        ("limits set host", "limits set source"),
        (_LIMIT,),
    ),
    Shape(
        "limits",
        "The limits in force: of hosts by name, then of sources.",
        ("limits show",),
        (_LIMIT,),
        items="limits",
    ),
    Shape(
        "overview",
        "Everything at one look; with `-o jsonl` one a line, at each interval.",
        ("top",),
        ("starter.monitoring.overview:Overview",),
    ),
    Shape(
        "freshness",
        "How sources keep their promises, the latest first.",
        ("sources freshness",),
        (_FRESH,),
        items="sources",
    ),
    Shape(
        "status",
        "What runs, works, waits or is late.",
        ("status",),
        ("atlas.embedded.stack_status:StackStatus", "starter.cli.commands.status:Work"),
    ),
    Shape(
        "doctor",
        "What was examined, in the order in which to fix it.",
        ("doctor",),
        ("starter.cli.commands.doctor:Diagnosis",),
    ),
    Shape(
        "migrated",
        "What was done to the database's schema.",
        ("migrate",),
        ("starter.cli.commands.migrate:Migrated",),
    ),
    Shape("config_check", "Whether the settings can be used.", ("config check",), (_CHECKED,)),
    Shape(
        "config",
        "Every setting, and where its value came from.",
        ("config show",),
        (_CHECKED, "starter.cli.commands.config:ConfigList"),
    ),
)

SHAPES = {shape.name: shape for shape in _CATALOGUE}
"""Every shape by its name, in the order of `docs/json.md`."""
