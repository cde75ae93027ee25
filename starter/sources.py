"""Sources from Python: `atlas.sources.add`, `list`, `edit`, `pause`, `remove`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from atlas.domain.addresses.crawler_traps import Traps
from atlas.domain.addresses.scope import check_patterns, directory_of, scope_of
from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules, faults
from atlas.domain.rendering import Render
from atlas.domain.source_schedules import own_schedule
from atlas.domain.sources import Deletion, InvalidSource, Kind, Robots, SourceSpec, check_source
from atlas.stores.postgres.sources import listing_quarantine, selection, sources
from atlas.stores.postgres.sources.sources import SourceSummary
from starter import errors
from starter.connection import Parts
from starter.errors import InvalidRequest
from starter.forbidden_addresses import refuse_forbidden, refuse_outside, refused_address
from starter.page_urls import canonical_url, source_url
from starter.schedules import Schedules

if TYPE_CHECKING:
    from atlas.settings import Settings
    from starter.extraction_preview import PreviewedRules, TriedRules
    from starter.monitoring.overview import SourceSeen

log = logging.getLogger("atlas.client")


_LISTS = {rule.name for rule in fields(SourceSpec) if str(rule.type).startswith("tuple")}
"""Rules that are lists, kept as tuples."""


class TextRules(TypedDict, total=False):
    """What of a page is its text, by the names of `SourceSpec`, which explains them."""

    content: Sequence[str]
    remove: Sequence[str]
    ignore: Sequence[str]
    metadata: Sequence[str]
    lang: str | None


class SourceRules(TextRules, total=False):
    """Rules of a source by the names of `SourceSpec`, which explains them and has the defaults of
    those left out."""

    prefix: str | None
    include: Sequence[str]
    exclude: Sequence[str]
    delay: float
    parallel: int
    max_pages: int | None
    max_depth: int | None
    cadence: timedelta
    cron: str | None
    freshness: str | None
    tags: Sequence[str]
    render: Render
    traps: Traps
    deletion: Deletion
    robots: Robots
    allow: Sequence[str]
    ports: Sequence[int]
    allow_http: bool
    listing_bytes: int
    listing_entries: int
    listing_files: int
    listing_addresses: int
    listing_depth: int
    listing_prolog: int


class RuleChanges(SourceRules, total=False):
    """Rules to change; None lifts a limit."""

    kind: Kind
    urls: Sequence[str]


@dataclass(frozen=True, slots=True)
class AddedSource:
    """A source that was declared."""

    spec: SourceSpec = field(metadata={"json": ""})
    evidence: str | None
    """How its kind was detected; None when it was given."""
    warning: str | None = field(metadata={"json": None})
    """Why its pages cannot be fetched with the current settings."""


@dataclass(frozen=True, slots=True)
class RemovedSource:
    """A source that was removed."""

    name: str
    pages: int
    """Pages that no other source holds."""
    purged: bool
    """Whether their documents were deleted."""


@dataclass(frozen=True, slots=True)
class ReleasedListings:
    """Files of a source's listing that were quarantined and are read again."""

    name: str
    urls: tuple[str, ...]
    """Addresses of these files."""


class Sources:
    """The declared sources of one Atlas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def add(
        self,
        name: str,
        *urls: str,
        kind: Kind | Literal["auto"] = "auto",
        force: bool = False,
        **rules: Unpack[SourceRules],
    ) -> AddedSource:
        """Declare a source. `kind` auto asks the web what one URL is; of several, a list of pages.

        `delay` is in seconds between two requests to a host, of which `parallel` may be under way
        at once; `prefix` bounds the pages (of a site by default the folder of its start);
        `include` and `exclude` are regular expressions. `cadence` says how often pages are due;
        below an hour, or with a `cron` (five fields in UTC), the source has a schedule of its own.
        An address that the settings forbid, that does not answer, or answers that it is gone (404,
        410) is `Undetected`, unless `force`; of a list of pages, only the hosts must answer, the
        first three.
        Raises `InvalidRequest`, `SourceExists`, `Undetected`, `CannotConnect`.
        """
        known = "urls" if kind == "auto" else kind
        given: RuleChanges = {"kind": known, "urls": urls, **rules}
        spec = SourceSpec(name, **as_stored(given))
        checked(spec)
        await self._refuse_existing(name)
        evidence = None
        if not spec.has_hosts:  # no host is asked for it, so none need answer
            refuse_roots(self._parts.settings, spec)
            async with self.database() as connection:
                await sources.add(connection, spec, datetime.now(UTC))
            return AddedSource(spec, None, None)
        if not force:
            refuse_forbidden(self._parts.settings, spec.urls)
            refuse_outside(self._parts.settings, spec.allow)
        if kind == "auto" and len(spec.urls) == 1:
            from starter.source_detection import detected  # it takes as long to load as all else

            found = await detected(self._parts, spec, force=force)
            prefix, evidence = spec.prefix or found.prefix, found.evidence
            spec = replace(spec, kind=found.kind, urls=(found.url,), prefix=prefix)
        else:
            if spec.kind == "site" and spec.prefix is None:
                spec = replace(spec, prefix=folder_of(spec.urls))
            if not force:
                from starter.source_detection import look_at

                await look_at(self._parts, spec)
        async with self.database() as connection:
            await sources.add(connection, checked(spec), datetime.now(UTC))
        await self.schedule_follows(name, None, spec)
        return AddedSource(spec, evidence, refused_address(self._parts.settings, spec.urls))

    async def list(self) -> list[SourceSummary]:
        """All sources by name, with what the corpus holds of each."""
        async with self.database() as connection:
            return await sources.summaries(connection)

    async def get(self, name: str) -> SourceSummary:
        """One source. Raises `NotFound`."""
        async with self.database() as connection:
            found = await sources.summaries(connection, name)
            if not found:
                raise await sources.unknown(connection, name)
            return found[0]

    async def expect(self, *names: str, tags: Sequence[str] = (), all: bool = False) -> None:
        """Check that a run of these sources would have something to work on, before one is started
        that nobody waits for. Raises `NotFound` for an unknown name and for tags, or all, that
        select none; `SourcePaused` when every source named is paused."""
        async with self.database() as connection:
            found = [await sources.get(connection, name) for name in names]
            asked = selection.SourceSelector(names, tags, all=all)
            nothing, unmatched = await selection.missing(connection, asked)
        if nothing or unmatched:
            raise errors.NotFound(nothing or unmatched)
        if not tags and {source.spec.kind for source in found} == {"push"}:
            listed = ", ".join(f"'{name}'" for name in names)
            raise InvalidRequest(
                f"sources: {listed}: of kind push, for which nothing is fetched; "
                "`atlas docs put URL --file PATH` puts a document there"
            )
        if not tags and {source.spec.paused for source in found} == {True}:
            listed = ", ".join(f"'{name}'" for name in names)
            raise errors.SourcePaused(
                f"sources: {listed}: paused; `atlas sources resume NAME` lets a source run"
            )

    async def freshness(
        self, *names: str, stale_after: timedelta | None = None
    ) -> tuple[SourceSeen, ...]:
        """How fresh all sources, or those named, are, the latest first, and how they keep their
        freshness objectives. `stale_after`: how late each may be, in place of its own tolerance.
        Raises `NotFound`."""
        from atlas.stores.postgres.reporting import monitoring
        from starter.monitoring.freshness import sources_seen

        now = datetime.now(UTC)
        async with self.database() as connection:
            found = await monitoring.sources_lately(connection, now, counting=True)
            known = {each.source.spec.name for each in found}
            for name in names:
                if name not in known:
                    raise await sources.unknown(connection, name)
        wanted = [each for each in found if not names or each.source.spec.name in names]
        return sources_seen(wanted, now, stale_after)

    async def edit(self, name: str, **changes: Unpack[RuleChanges]) -> SourceSpec:
        """Change rules of a source; the others stay, and a run under way may keep the old ones.

        Raises `InvalidRequest`, `NotFound`.
        """
        from atlas.stores.postgres.services import catalogue

        rules = as_stored(changes)

        def changed(spec: SourceSpec) -> SourceSpec:
            after = checked(replace(spec, **rules), spec)
            if rules.keys() & {"urls", "kind"}:
                refuse_roots(self._parts.settings, after)
            if rules.get("allow"):
                refuse_outside(self._parts.settings, after.allow)
            return after

        async with self.database() as connection:
            before = (await sources.get(connection, name)).spec
            after = await catalogue.edit_source(connection, name, changed)
        await self.schedule_follows(name, before, after)
        return after

    async def test(
        self,
        url: str,
        *,
        source: str | None = None,
        fetch: bool = False,
        **rules: Unpack[TextRules],
    ) -> TriedRules:
        """Try rules of extraction on a page, before they are declared: those given, in place of
        those of `source`, or of those the page has. The stored body is read, unless there is none
        or it is to be fetched; nothing is written to the corpus.

        Raises `InvalidRequest`, `NotFound` for the source, `Refused` for a page that cannot be
        fetched or has no text.
        """
        from starter.extraction_preview import rules_with, tried

        spec = (await self.get(source)).source.spec if source else None
        checked_text(rules_with(NO_RULES, rules))
        return await tried(self._parts, url, spec, rules, fetch=fetch)

    async def preview(
        self, name: str, *, sample: int = 10, **changes: Unpack[RuleChanges]
    ) -> PreviewedRules:
        """What the source's rules of extraction, with these changes, would make of some of its
        pages, from their stored bodies; nothing is written. Without changes: what processing the
        pages by the rules it has would change. Raises `InvalidRequest`, `NotFound`, `Refused`."""
        from starter.extraction_preview import previewed

        before = (await self.get(name)).source.spec
        after = checked(replace(before, **as_stored(changes)), before)
        return await previewed(self._parts, after, sample)

    async def to_process(self, name: str) -> int:
        """How many pages of the source have a text that other rules made than it has now. Raises
        `NotFound`."""
        from atlas.stores.postgres.crawl.bodies import stored_bodies

        async with self.database() as connection:
            spec = (await sources.get(connection, name)).spec
            return await stored_bodies.concerned(connection, name, spec.extraction.digest)

    async def pause(self, name: str) -> None:
        """Let no further run begin on the source. Raises `NotFound`."""
        await self._set_paused(name, True)

    async def resume(self, name: str) -> None:
        """Let runs begin again. Raises `NotFound`."""
        await self._set_paused(name, False)

    async def _set_paused(self, name: str, paused: bool) -> None:
        async with self.database() as connection:
            before = (await sources.get(connection, name)).spec
            await sources.set_paused(connection, name, paused)
        await self.schedule_follows(name, before, replace(before, paused=paused))

    async def release(self, name: str, *urls: str) -> ReleasedListings:
        """Read quarantined files of a source's listing again: all, or those at these URLs. Raises
        `NotFound`, also for a URL that is not quarantined."""
        async with self.database() as connection, connection.transaction():
            source = await sources.get(connection, name)
            released = await listing_quarantine.release(connection, source.id, urls)
            if unknown := sorted(set(urls) - set(released)):
                raise errors.NotFound(
                    f"url: {unknown[0]!r} is no quarantined listing of source '{name}'; "
                    f"`atlas sources show {name}` lists them"
                )
        return ReleasedListings(name, tuple(released))

    async def remove(self, name: str, *, purge: bool = False) -> RemovedSource:
        """Remove a source. Pages that no other source holds stay searchable, unless `purge`.

        Raises `NotFound`, `SourceBusy` while a run works on it.
        """
        from atlas.stores.postgres.services import catalogue

        async with self.database() as connection:
            before = (await sources.get(connection, name)).spec
            pages = await catalogue.remove_source(
                connection,
                name,
                purge=purge,
                now=datetime.now(UTC),
                is_open=self._parts.run_is_open,
            )
        await self.schedule_follows(name, before, None)
        return RemovedSource(name, pages, purge)

    async def schedule_follows(
        self, name: str, before: SourceSpec | None, after: SourceSpec | None
    ) -> None:
        """Make the source's own schedule match its rules, if it had or has one."""
        if not any(spec and own_schedule(spec) for spec in (before, after)):
            return
        try:
            await Schedules(self._parts).follow(name, after)
        except errors.AtlasError as error:
            log.warning(
                "the schedule of source '%s' does not follow its rules yet; run `atlas schedules "
                "apply` once this is fixed: %s",
                name,
                error,
            )

    async def _refuse_existing(self, name: str) -> None:
        # Early, before the web is asked; the insert decides.
        async with self.database() as connection:
            if name in await sources.all_names(connection):
                raise sources.SourceExists(
                    f"source '{name}' exists already; change it with `atlas sources edit {name}`, "
                    "or choose another name"
                )

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Any]:
        """A connection; errors of the store become the client's."""
        try:
            async with self._parts.database() as connection:
                yield connection
        except sources.UnknownSource as error:
            raise errors.NotFound(str(error)) from None
        except sources.SourceExists as error:
            raise errors.SourceExists(str(error)) from None
        except sources.SourceBusy as error:
            raise errors.SourceBusy(str(error)) from None


def checked(spec: SourceSpec, before: SourceSpec | None = None) -> SourceSpec:
    """The rules, or `InvalidRequest` that names field, value and fix. `before` is what the source
    had until now."""
    try:
        check_source(spec)
        check_patterns(spec, before)
        scope_of(spec)
    except (InvalidSource, ValueError) as error:
        raise InvalidRequest(str(error)) from None
    return spec


def refuse_roots(settings: Settings, spec: SourceSpec) -> None:
    """Raises `InvalidRequest` when a source would read a folder or bucket beyond what the operator
    allows."""
    if spec.kind == "bucket":
        from atlas.stores.buckets.bucket_reader import outside_roots

        if beyond := outside_roots(spec.urls, settings.fetch.bucket_roots):
            raise InvalidRequest(beyond)


def checked_text(rules: ExtractionRules) -> None:
    """Raises `InvalidRequest` for rules of extraction that cannot be used."""
    for fault in faults(rules):
        raise InvalidRequest(fault)


def as_stored(rules: SourceRules | RuleChanges) -> dict[str, Any]:
    """Lists as tuples, starts and tags without repetitions, URLs canonical."""
    values: dict[str, Any] = dict(rules)
    if "urls" in values:
        values["urls"] = [source_url(url) for url in values["urls"]]
    if "prefix" in values:
        values["prefix"] = canonical_url(values["prefix"], "prefix") if values["prefix"] else None
    for name in values.keys() & {"urls", "tags", "allow", "ports"}:
        values[name] = dict.fromkeys(values[name])
    for name in values.keys() & _LISTS:
        values[name] = tuple(values[name])
    return values


def folder_of(starts: Sequence[str]) -> str:
    """The prefix of a site that names none: the folder that all its starts lie in."""
    folders = {directory_of(url) for url in starts}
    if len(folders) > 1:
        raise InvalidRequest(
            f"urls: the starts lie in {len(folders)} folders; give a prefix that bounds the site"
        )
    return folders.pop()
