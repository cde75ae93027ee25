"""`atlas sources`: declare what to watch and by which rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.durations import duration, written
from starter.cli.framework.options import SourceName
from starter.cli.framework.output import Format, emit, emit_list, note, pairs, say, table, when
from starter.cli.views.sources import described, parts, row

app = App(name="sources", help="Declare what to watch and by which rules.")


@Parameter(name="*")
@dataclass(frozen=True)
class Rules:
    """The rules that `add` gives and `edit` changes."""

    delay: Annotated[
        float | None, Parameter(help="Seconds between two requests to a host; 1 by default")
    ] = None
    parallel: Annotated[int | None, Parameter(help="Requests to a host at once; 1 by default")] = (
        None
    )
    max_pages: Annotated[int | None, Parameter(help="Pages of a run at most")] = None
    max_depth: Annotated[int | None, Parameter(help="Links from the start of a site at most")] = (
        None
    )
    include: Annotated[
        list[str] | None,
        Parameter(help="Take only URLs that match this regular expression; may be repeated"),
    ] = None
    exclude: Annotated[
        list[str] | None,
        Parameter(help="Leave out URLs that match this regular expression; may be repeated"),
    ] = None
    every: Annotated[
        str | None,
        Parameter(
            help="How often a page is due, as in 15m, 6h, 7d; 1d by default. Below an hour the "
            "source gets a schedule of its own"
        ),
    ] = None
    cron: Annotated[
        str | None,
        Parameter(help="A schedule of its own: five fields in UTC, as in '15 6 * * 1-5'"),
    ] = None
    tag: Annotated[
        list[str] | None,
        Parameter(help="A word by which `sync --tag` and others select it; may be repeated"),
    ] = None
    deletion: Annotated[
        Literal["careful", "prompt", "keep"] | None,
        Parameter(help="When pages that vanish leave the corpus; careful by default"),
    ] = None
    prefix: Annotated[
        str | None,
        Parameter(help="Only pages below this URL; by default the folder of a site's start"),
    ] = None

    def given(self) -> dict[str, Any]:
        """Those that were given, by the names of `Sources.add`."""
        rules = {name: value for name, value in vars(self).items() if value not in (None, [])}
        for listed in ("include", "exclude", "tag"):
            if listed in rules:
                rules[listed] = tuple(rules[listed])
        if "tag" in rules:
            rules["tags"] = rules.pop("tag")
        if "every" in rules:
            rules["cadence"] = duration("--every", rules.pop("every"))
        return rules


_NONE = Rules()
_LISTS = ("include", "exclude", "tags")


@app.command
async def add(
    name: Annotated[
        str, Parameter(help="What to call it: small letters, digits, and _ . - within")
    ],
    url: Annotated[list[str], Parameter(help="Where it starts; several, or @FILE, for a list")],
    /,
    *,
    kind: Annotated[
        Literal["auto", "urls", "feed", "sitemap", "site"],
        Parameter(help="What the URL is; auto finds out"),
    ] = "auto",
    rules: Rules = _NONE,
    force: Annotated[
        bool,
        Parameter(help="Declare it although the address does not answer, is gone, or is forbidden"),
    ] = False,
    output: Format = "text",
) -> None:
    """Declare a source. With kind auto Atlas finds out whether the URL is a feed, has a sitemap,
    or is a site to crawl, and says what it found. An address that does not answer, or answers that
    there is no such page, is refused; so is one of any kind that the settings forbid.

    Examples:
        atlas sources add docs https://docs.example.com/
        atlas sources add news https://example.com/feed.xml --kind feed --every 30m --tag daily
        atlas sources add pages @urls.txt --kind urls
        atlas sources add docs https://docs.example.com/guide/ --exclude '/old/' --max-pages 500
    """
    async with connected() as atlas:
        added = await atlas.sources.add(name, *_urls(url), kind=kind, force=force, **rules.given())
    if added.evidence:
        note(added.evidence)
    if added.warning:
        note(added.warning)
    if output != "text":
        emit("source_added", added, output=output)
    else:
        say(f"added {name}: {described(added.spec)}")
        note(f"Sync it with `atlas sync {name} --wait`.")


@app.default
@app.command(name="list")
async def list_(*, output: Format = "text") -> None:
    """List the sources with what the corpus holds of each.

    Examples:
        atlas sources list
        atlas sources list -o jsonl | jq -r .name
    """
    async with connected() as atlas:
        found = await atlas.sources.list()
    if output != "text":
        emit_list("sources", map(parts, found), output)
        return
    heads = ("name", "kind", "pages", "live", "every", "last run", "outcome", "now", "tags")
    table(heads, [row(each) for each in found])
    if not found:
        note("no source is declared; `atlas sources add NAME URL` declares one")


app.command("starter.cli.commands.freshness:freshness", name="freshness")


@app.command
async def show(name: SourceName, /, *, output: Format = "text") -> None:
    """Show one source: its rules, its pages, its last run, and who works on it now.

    Examples:
        atlas sources show docs
        atlas sources show docs -o json
    """
    async with connected() as atlas:
        found = await atlas.sources.get(name)
    if output != "text":
        emit("source", *parts(found), output=output)
    else:
        lease = found.source.lease
        spec, holdings = parts(found)
        shown = asdict(spec) | asdict(holdings) | {"cadence": written(spec.cadence)}
        shown = {"every" if name == "cadence" else name: value for name, value in shown.items()}
        shown["lease"] = f"{lease.workflow_id} since {when(lease.since)}" if lease else None
        pairs(shown)


@app.command
async def edit(
    name: SourceName,
    /,
    *,
    url: Annotated[
        list[str] | None, Parameter(help="New starts, in place of the old; may be repeated")
    ] = None,
    kind: Annotated[
        Literal["urls", "feed", "sitemap", "site"] | None, Parameter(help="What the URLs are")
    ] = None,
    rules: Rules = _NONE,
    clear: Annotated[
        list[Literal["max-pages", "max-depth", "include", "exclude", "prefix", "tags", "cron"]]
        | None,
        Parameter(help="Rules to lift; may be repeated"),
    ] = None,
    output: Format = "text",
) -> None:
    """Change rules of a source; what is not named stays.

    Examples:
        atlas sources edit docs --every 6h --delay 2
        atlas sources edit docs --clear max-pages
    """
    from starter.errors import InvalidRequest

    changes = rules.given()
    if kind:
        changes["kind"] = kind
    if url:
        changes["urls"] = _urls(url)
    for rule in clear or ():
        changes[rule.replace("-", "_")] = () if rule in _LISTS else None
    if not changes:
        raise InvalidRequest("nothing to change; see `atlas sources edit --help`")
    async with connected() as atlas:
        spec = await atlas.sources.edit(name, **changes)
    if output != "text":
        emit("source_rules", spec, output=output)
    else:
        say(f"changed {name}: {described(spec)}")


@app.command
async def pause(name: SourceName, /) -> None:
    """Let no further run begin on a source; one that is under way goes on.

    Examples:
        atlas sources pause docs
    """
    async with connected() as atlas:
        await atlas.sources.pause(name)
    note(f"{name} is paused; `atlas runs pause {name}` pauses a run that is under way")


@app.command
async def resume(name: SourceName, /) -> None:
    """Let runs begin again.

    Examples:
        atlas sources resume docs
    """
    async with connected() as atlas:
        await atlas.sources.resume(name)
    note(f"{name} may run again")


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
    """Forget a source. Its documents stay searchable, unless --purge.

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
    """The URLs; of `@FILE` each line that is not empty and no comment."""
    found: list[str] = []
    for each in given:
        found += _lines(Path(each[1:])) if each.startswith("@") else [each]
    return found


def _lines(path: Path) -> list[str]:
    from starter.errors import InvalidRequest

    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"url: cannot read {path}: {error}") from None
    return [line for line in lines if line and not line.startswith("#")]
