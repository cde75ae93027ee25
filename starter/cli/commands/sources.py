"""`atlas sources`: declare what to collect, and by which rules."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from cyclopts import App, Parameter

from atlas.domain.sources import Kind
from starter.cli.framework.client import connected
from starter.cli.framework.durations import written
from starter.cli.framework.exit_codes import DONE, FAILED, STALE
from starter.cli.framework.options import DryRun, Sample, SourceName, StaleAfter, tolerance
from starter.cli.framework.output import Format, emit, listing, note, pairs, say, when
from starter.cli.framework.source_rules import clearable, cleared, rule_options
from starter.cli.views.extraction import show_preview
from starter.cli.views.overview import FRESHNESS
from starter.cli.views.sources import COLUMNS, described, parts

if TYPE_CHECKING:
    from atlas.stores.postgres.sources.listing_quarantine import QuarantinedListing
    from starter.client import AtlasClient
    from starter.source_files import ImportedFeeds
    from starter.source_files.opml import FeedsOfFile
    from starter.sources import RuleChanges, SourceRules, TextRules

    Clearable = str
else:
    SourceRules, Clearable = rule_options(), clearable()
    TextRules = rule_options(of_text=True)

app = App(name="sources", help="Declare what to collect, and by which rules.")

Given = Annotated["SourceRules", Parameter(name="*")]
_NONE: SourceRules = {}
OfText = Annotated["TextRules", Parameter(name="*")]
_NO_TEXT: TextRules = {}


@app.command
async def add(
    name: Annotated[
        str, Parameter(help="Its name: lower-case letters, digits, and _ . - after the first")
    ],
    url: Annotated[list[str], Parameter(help="Where it starts; @FILE reads URLs from a file")],
    /,
    *,
    kind: Annotated[
        Literal["auto", Kind], Parameter(help="What the URL is; auto detects it")
    ] = "auto",
    rules: Given = _NONE,
    force: Annotated[
        bool, Parameter(help="Add it even if the URL does not answer, is gone or is forbidden")
    ] = False,
    output: Format = "text",
) -> None:
    """Add a source. With --kind auto, Atlas detects whether the URL is a feed, has a sitemap or is
    a site to crawl, and reports what it found. A URL that does not answer, is gone (404, 410) or is
    forbidden by the settings is refused, whatever --kind says; of a list of pages, the hosts must
    answer.

    Examples:
        atlas sources add docs https://docs.example.com/
        atlas sources add news https://example.com/feed.xml --kind feed --every 30m --tag daily
        atlas sources add pages @urls.txt --kind urls
        atlas sources add docs https://docs.example.com/guide/ --exclude '/old/' --max-pages 500
    """
    async with connected() as atlas:
        added = await atlas.sources.add(name, *_urls(url), kind=kind, force=force, **rules)
    for line in (added.evidence, added.warning):
        if line:
            note(line)
    if output != "text":
        emit("source_added", added, output=output)
    else:
        say(f"added {name}: {described(added.spec)}")
        note(f"Sync it with `atlas sync {name} --wait`.")


@app.default
@app.command(name="list")
async def list_(*, output: Format = "text") -> None:
    """List the sources, with what the corpus holds of each.

    Examples:
        atlas sources list
        atlas sources list -o jsonl | jq -r .name
    """
    async with connected() as atlas:
        found = await atlas.sources.list()
    listing("sources", found, output, COLUMNS, parts)
    if not found and output == "text":
        note("no sources yet; add one with `atlas sources add NAME URL`")


@app.command
async def freshness(
    names: Annotated[list[str] | None, Parameter(help="Only these sources")] = None,
    /,
    *,
    stale_after: StaleAfter = None,
    output: Format = "text",
) -> int:
    """Show when each source was last up to date, when it is due, how late it is, and what share of
    its pages was seen in the time that its freshness objective gives. Exit code 4 if one is stale
    or misses its objective.

    Examples:
        atlas sources freshness
        atlas sources freshness docs news --stale-after 6h -o json
    """
    allowed = tolerance(stale_after)
    async with connected() as atlas:
        seen = await atlas.sources.freshness(*names or (), stale_after=allowed)
    listing("freshness", seen, output, FRESHNESS)
    return STALE if any(each.stale or each.broken for each in seen) else DONE


@app.command
async def show(name: SourceName, /, *, output: Format = "text") -> None:
    """Show a source: its rules, its pages, its last run, and the run working on it now.

    Examples:
        atlas sources show docs
        atlas sources show docs -o json
    """
    async with connected() as atlas:
        found = await atlas.sources.get(name)
    if output != "text":
        emit("source", *parts(found), output=output)
        return
    lease = found.source.lease
    spec, holdings = parts(found)
    shown = asdict(spec) | asdict(holdings) | {"cadence": written(spec.cadence)}
    shown = {"every" if name == "cadence" else name: value for name, value in shown.items()}
    shown |= {"lease": f"{lease.workflow_id} since {when(lease.since)}" if lease else None}
    pairs(shown | {"quarantined": [_left_alone(each) for each in found.quarantined]})
    if found.quarantined:
        note(f"`atlas sources release {name}` lets them be read again.")


def _left_alone(each: QuarantinedListing) -> str:
    return f"{each.url} since {when(each.since)} ({each.code}: {each.reason})"


@app.command
async def edit(
    name: SourceName,
    /,
    *,
    url: Annotated[list[str] | None, Parameter(help="New starts, replacing the old")] = None,
    kind: Annotated[Kind | None, Parameter(help="What the URLs are")] = None,
    rules: Given = _NONE,
    clear: Annotated[list[Clearable] | None, Parameter(help="Rules to clear")] = None,
    dry_run: DryRun = False,
    sample: Sample = 10,
    output: Format = "text",
) -> None:
    """Change the rules of a source; what is not named stays.

    With --dry-run nothing is changed: the text of some pages is made by the new rules, from their
    stored bodies, and shown as a difference to the live one.

    Examples:
        atlas sources edit docs --every 6h --delay 2
        atlas sources edit docs --clear max-pages
        atlas sources edit docs --remove .ad --remove .share --dry-run
    """
    from starter.errors import InvalidRequest

    changes = cast("RuleChanges", dict(rules))
    if kind:
        changes["kind"] = kind
    if url:
        changes["urls"] = _urls(url)
    for rule in clear or ():
        changes |= cast("RuleChanges", cleared(rule))
    if not changes:
        raise InvalidRequest("nothing to change; see `atlas sources edit --help`")
    async with connected() as atlas:
        if dry_run:
            show_preview(await atlas.sources.preview(name, sample=sample, **changes), output)
            return
        spec = await atlas.sources.edit(name, **changes)
        if changes.keys() & TextRules.__annotations__:
            await _note_other_rules(atlas, name)
    if output != "text":
        emit("source_rules", spec, output=output)
    else:
        say(f"changed {name}: {described(spec)}")


async def _note_other_rules(atlas: AtlasClient, name: str) -> None:
    if pages := await atlas.sources.to_process(name):
        note(
            f"{pages} pages have a text by other rules: `atlas process --source {name} --wait` "
            "makes it anew from the stored bodies, and --dry-run shows some of it first; the next "
            "sync does the same, and asks for the pages"
        )


@app.command
async def test(
    url: Annotated[str, Parameter(help="A page, stored or not")],
    /,
    *,
    source: Annotated[
        str | None, Parameter(help="Whose rules to try, and how to fetch the page")
    ] = None,
    rules: OfText = _NO_TEXT,
    fetch: Annotated[bool, Parameter(help="Fetch it, also if its body is stored")] = False,
    output: Format = "text",
) -> None:
    """Try rules of extraction on a page: what each finds, and its text without and with them.

    Rules that are given stand in place of those of the source, or of those that the page has.
    Nothing is written to the corpus.

    Examples:
        atlas sources test https://docs.example.com/guide --remove .ad --ignore '/[0-9]+ views/'
        atlas sources test https://docs.example.com/guide --source docs -o json
    """
    from starter.cli.views.extraction import print_trial

    async with connected() as atlas:
        found = await atlas.sources.test(url, source=source, fetch=fetch, **rules)
    if output != "text":
        emit("rules_tried", found, output=output)
    else:
        print_trial(found)


@app.command
async def export(
    *,
    form: Annotated[
        Literal["yaml", "opml"],
        Parameter(name="--format", help="yaml has every rule; opml only feeds, for feed readers"),
    ] = "yaml",
) -> None:
    """Print the declared sources as sources.yaml, which `atlas apply` takes back without a change,
    or their feeds as OPML. Credentials belong to no source, so none are in it.

    Examples:
        atlas sources export > sources.yaml
        atlas sources export --format opml > feeds.opml
    """
    async with connected() as atlas:
        files = atlas.source_files
        text = await (files.export() if form == "yaml" else files.export_opml())
    for line in text.splitlines():
        say(line)


@app.command(name="import")
async def import_(
    file: Annotated[Path, Parameter(help="An OPML file, as feed readers export it")],
    /,
    *,
    tag: Annotated[list[str] | None, Parameter(help="A tag for each of them")] = None,
    force: Annotated[
        bool, Parameter(help="Add also feeds that do not answer, are gone or are forbidden")
    ] = False,
    dry_run: Annotated[
        bool, Parameter(help="Add nothing: print what is new as sources.yaml")
    ] = False,
    output: Format = "text",
) -> int:
    """Add a source for each feed of an OPML file that no source has yet, named after its title and
    tagged with its folders and categories. Feeds that do not answer are left out and named.

    Examples:
        atlas sources import feeds.opml
        atlas sources import feeds.opml --dry-run > new.yaml
    """
    body, tags = _bytes(file), tag or []
    async with connected() as atlas:
        if dry_run:
            return _print_found(await atlas.source_files.read_opml(body, tags=tags), output)
        done = await atlas.source_files.import_opml(body, tags=tags, force=force)
    if output != "text":
        emit("feeds_imported", done, output=output)
    else:
        for name in done.added:
            say(f"added {name}")
        _print_left_out(done)
    return FAILED if done.refused and not (done.added or done.known) else DONE


def _print_found(found: FeedsOfFile, output: str) -> int:
    from starter.source_files import ImportedFeeds
    from starter.source_files.writer import write_sources

    new = ImportedFeeds(tuple(spec.name for spec in found.specs), found.known, found.refused)
    if output != "text":
        emit("feeds_imported", new, output=output)
        return DONE
    for line in write_sources(found.specs).splitlines():
        say(line)
    _print_left_out(new)
    return DONE


def _print_left_out(done: ImportedFeeds) -> None:
    if done.known:
        count = len(done.known)
        note(f"{count} feed{'s are' if count > 1 else ' is'} declared already")
    for each in done.refused:
        note(f"left out {each.url}: {each.reason}")


@app.command
async def pause(name: SourceName, /) -> None:
    """Start no more runs of a source. A run in progress continues.

    Examples:
        atlas sources pause docs
    """
    async with connected() as atlas:
        await atlas.sources.pause(name)
    note(f"{name} is paused; `atlas runs pause {name}` pauses a run in progress")


@app.command
async def resume(name: SourceName, /) -> None:
    """Allow runs of a paused source again.

    Examples:
        atlas sources resume docs
    """
    async with connected() as atlas:
        await atlas.sources.resume(name)
    note(f"{name} may run again")


@app.command
async def release(
    name: SourceName,
    /,
    *,
    url: Annotated[list[str] | None, Parameter(help="Only these feeds or sitemaps")] = None,
    output: Format = "text",
) -> None:
    """Read quarantined feeds and sitemaps of a source again. They are left alone after three parses
    that timed out, ran out of memory or crashed, until they change; `atlas sources show` has them.

    Examples:
        atlas sources release docs
        atlas sources release docs --url https://docs.example.com/sitemap.xml
    """
    async with connected() as atlas:
        released = await atlas.sources.release(name, *url or ())
    if output != "text":
        emit("source_released", released, output=output)
        return
    for each in released.urls:
        say(f"released {each}")
    if not released.urls:
        note(f"no listing of {name} is quarantined")


@app.command
async def remove(
    name: SourceName,
    /,
    *,
    purge: Annotated[
        bool, Parameter(help="Delete the documents that no other source holds")
    ] = False,
    output: Format = "text",
) -> None:
    """Remove a source. Its documents stay searchable, unless --purge.

    Examples:
        atlas sources remove docs
        atlas sources remove docs --purge
    """
    async with connected() as atlas:
        gone = await atlas.sources.remove(name, purge=purge)
    if output != "text":
        emit("source_removed", gone, output=output)
        return
    what = "were deleted" if purge else "stay searchable"
    say(f"removed {name}; {gone.pages} pages that no other source holds {what}")


def _urls(given: list[str]) -> list[str]:
    """The URLs; of `@FILE`, each line that is neither empty nor a comment."""
    return [url for each in given for url in (_lines(each[1:]) if each[:1] == "@" else [each])]


def _bytes(file: Path) -> bytes:
    from starter.errors import InvalidRequest

    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"file: cannot read {file}: {error}") from None


def _lines(file: str) -> list[str]:
    from starter.errors import InvalidRequest

    try:
        lines = map(str.strip, Path(file).read_text(encoding="utf-8-sig").splitlines())
        return [line for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"url: cannot read {file}: {error}") from None
