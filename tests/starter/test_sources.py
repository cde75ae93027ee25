"""`atlas sources`: declared, found out, changed, removed; every mistake told by name."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest
from atlas.domain.listing_limits import LIMITS
from atlas.stores.postgres.sources import sources
from starter import AtlasClient, InvalidRequest, Undetected
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas

SITEMAP = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    "<url><loc>{}</loc></url></urlset>"
)
FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>'
    "<item><title>One</title><link>{}</link></item></channel></rss>"
)
URL = "https://example.org/docs/start.html"
JSON = ("-o", "json")

pytestmark = pytest.mark.usefixtures("corpus")


async def test_a_declared_source_is_listed_shown_changed_and_removed(atlas: Atlas) -> None:
    added = await atlas(
        *("sources", "add", "docs", URL, "--kind", "site", "--force", "--delay", "0.5"),
        *("--parallel", "2"),
        *("--max-pages", "10", "--max-depth", "3", "--include", "/docs/", "--exclude", r"\.pdf$"),
        *("--every", "6h", "--deletion", "keep", "-o", "json"),
        *("--allow", "127.0.0.0/8", "--allow", "wiki.lan:9000", "--port", "9100", "--allow-http"),
        *("--tag", "news", "--tag", "harbour", "--listing-entries", "500"),
        *("--traps", "follow", "--freshness", "98.5% within 12h"),
        *("--content", "main", "--remove", ".ad", "--remove", ".share, .more"),
        *("--ignore", ".views", "--ignore", "/[0-9]+ times/"),
        *("--metadata", "published=time@datetime", "--lang", "de"),
    )
    assert added.code == 0, added.err
    declared = {
        "name": "docs",
        "kind": "site",
        "urls": [URL],
        "prefix": "https://example.org/docs/",
        "include": ["/docs/"],
        "exclude": [r"\.pdf$"],
        "content": ["main"],
        "remove": [".ad", ".share, .more"],
        "ignore": [".views", "/[0-9]+ times/"],
        "metadata": ["published=time@datetime"],
        "lang": "de",
        "delay": 0.5,
        "parallel": 2,
        "max_pages": 10,
        "max_depth": 3,
        "every": 21600.0,
        "cron": None,
        "freshness": "98.5% within 12h",
        "tags": ["news", "harbour"],
        "render": "never",
        "traps": "follow",
        "deletion": "keep",
        "robots": "obey",
        "paused": False,
        "allow": ["127.0.0.0/8", "wiki.lan:9000"],
        "ports": [9100],
        "allow_http": True,
        **{name: limit.default for name, limit in LIMITS.items()},
        "listing_entries": 500,
    }
    assert added.json == {**declared, "evidence": None}
    nothing = {"pages": 0, "live": 0, "last_outcome": None, "last_ended": None, "lease": None}
    nothing |= {"checked_at": None, "synced_at": None, "trapped": {}, "quarantined": []}
    assert (await atlas("sources", "list", "-o", "json")).json == {
        "sources": [{**declared, **nothing}]
    }
    edited = await atlas(
        *("sources", "edit", "docs", "--delay", "2", "--clear", "max-pages", "--clear", "exclude")
    )
    assert edited.code == 0, edited.err
    await atlas("sources", "pause", "docs")
    shown = (await atlas("sources", "show", "docs", "-o", "json")).json
    changed = {"delay": 2.0, "max_pages": None, "exclude": [], "paused": True}
    assert shown == {**declared, **changed, **nothing}
    await atlas("sources", "resume", "docs")
    assert (await atlas("sources", "list")).out == "docs\tsite\t0\t0\t6h\t\t\t\tnews harbour\t\t\n"
    assert (await atlas("sources")).out == (await atlas("sources", "list")).out
    removed = await atlas("sources", "remove", "docs", "-o", "json")
    assert removed.json == {"name": "docs", "pages": 0, "purged": False}
    assert (await atlas("sources", "list", "-o", "json")).json == {"sources": []}


async def test_a_list_comes_from_arguments_or_a_file(atlas: Atlas, tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    file.write_text("# ours\nhttps://example.org/b?utm_source=x\n\nhttps://example.org/c\n")
    added = await atlas(
        "sources", "add", "some", "https://example.org/a", f"@{file}", "--force", *JSON
    )
    assert added.json["kind"] == "urls"
    assert added.json["urls"] == [f"https://example.org/{name}" for name in "abc"]


async def test_the_kind_is_found_out_and_said(atlas: Atlas, origin: Origin) -> None:
    origin.page("/feed", FEED.format(origin.url("/post")), content_type="application/rss+xml")
    origin.page("/docs/", "<html><body>Start", content_type="text/html")
    found = await atlas("sources", "add", "news", origin.url("/feed"), "--delay", "0", "-o", "json")
    assert (found.json["kind"], found.json["prefix"]) == ("feed", None)
    assert "is a feed titled" in found.err and found.json["evidence"] in found.err

    site = await atlas("sources", "add", "docs", origin.url("/docs/"), "--delay", "0", "-o", "json")
    assert (site.json["kind"], site.json["prefix"]) == ("site", origin.url("/docs/"))

    sitemap = SITEMAP.format(origin.url("/docs/a"))
    origin.page("/sitemap.xml", sitemap, content_type="application/xml")
    mapped = await atlas("sources", "add", "map", origin.url("/docs/"), "--delay", "0")
    assert mapped.out.startswith(f"added map: sitemap, {origin.url('/sitemap.xml')}")
    assert "there is a sitemap" in mapped.err


async def test_a_private_address_is_refused_with_the_mend(
    atlas: Atlas, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATLAS_FETCH_ALLOW_NETWORKS")
    refused = await atlas("sources", "add", "docs", origin.url("/"), "--delay", "0")
    assert (refused.code, refused.out) == (1, "")
    assert "loopback" in refused.err and "ATLAS_FETCH_ALLOW_NETWORKS" in refused.err
    assert not origin.requests()
    named = await atlas("sources", "add", "docs", origin.url("/"), "--kind", "site")
    assert (named.code, named.out) == (1, "") and "--force" in named.err
    declared = await atlas("sources", "add", "docs", origin.url("/"), "--kind", "site", "--force")
    assert declared.code == 0
    assert "will not be fetched" in declared.err


async def test_an_allowance_beyond_the_operators_bound_is_refused_with_the_fix(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "10.20.0.0/16")
    add = ("sources", "add", "docs", URL, "--kind", "site")
    for entry in ("10.0.0.0/8", "192.168.1.5:8080"):
        refused = await atlas(*add, "--allow", entry)
        assert (refused.code, refused.out) == (2, "")
        for said in (f"allow: {entry}", "ATLAS_FETCH_ALLOW_NETWORKS (10.20.0.0/16)", "restart"):
            assert said in refused.err, refused.err
    allowed = ("--allow", "10.20.1.0/24", "--allow", "wiki.lan", "--force")
    assert (await atlas(*add, *allowed)).code == 0
    edited = await atlas("sources", "edit", "docs", "--allow", "10.0.0.0/8")
    assert (edited.code, edited.out) == (2, "")
    assert "allow: 10.0.0.0/8 is not within" in edited.err
    wrong = await atlas("sources", "edit", "docs", "--allow", "http://wiki.lan/")
    assert "allow: 'http://wiki.lan/'" in wrong.err
    monkeypatch.delenv("ATLAS_FETCH_ALLOW_NETWORKS")  # the bound shrank: other rules can be edited
    assert (await atlas("sources", "edit", "docs", "--delay", "2")).code == 0
    shown = (await atlas("sources", "show", "docs", "-o", "json")).json
    assert shown["allow"] == ["10.20.1.0/24", "wiki.lan"]
    assert (await atlas("sources", "edit", "docs", "--allow-http")).code == 0
    clear = ("--clear", "allow", "--clear", "allow-http", "-o", "json")
    cleared = (await atlas("sources", "edit", "docs", *clear)).json
    assert (cleared["allow"], cleared["allow_http"]) == ([], False)


@pytest.mark.fault(17)
async def test_an_address_that_leads_nowhere_is_no_source_unless_forced(
    atlas: Atlas, corpus: str, origin: Origin
) -> None:
    origin.status("/gone", 410)
    origin.status("/troubled", 503)
    cases = (
        (origin.url("/mistyped"), "http_404"),
        (origin.url("/gone"), "http_410"),
        ("http://127.0.0.1:9/", "127.0.0.1:9"),
        ("http://nosuch.invalid/", "nosuch.invalid"),
        ("http://169.254.1.1/", "ATLAS_FETCH_ALLOW_NETWORKS"),
    )
    connection = await asyncpg.connect(corpus)
    try:
        for url, said in cases:
            ran = await atlas("sources", "add", "docs", url, "--delay", "0")
            assert (ran.code, ran.out) == (1, ""), ran
            assert url in ran.err and said in ran.err and "--force" in ran.err, ran.err
            for table in ("sources", "hosts", "robots", "pages", "runs"):
                assert await connection.fetchval(f"select count(*) from {table}") == 0, table
            for kind in ("site", "feed", "sitemap", "urls") if "nosuch" in url else ("site",):
                named = await atlas("sources", "add", "docs", url, "--kind", kind, "--delay", "0")
                assert (named.code, named.out) == (1, ""), named
                assert said in named.err and "--force" in named.err, named.err
            assert await connection.fetchval("select count(*) from hosts") == 0
        for number, (url, _) in enumerate(cases):
            forced = await atlas(
                "sources", "add", f"forced-{number}", url, "--delay", "0", "--force"
            )
            assert forced.code == 0, forced
        assert "forced-0" in (await atlas("sources", "list")).out
        with pytest.raises(Undetected):
            async with AtlasClient.connect() as client:
                await client.sources.add("docs", origin.url("/mistyped"), delay=0)
        host = "select count(*) from hosts where host = $1"
        assert await connection.fetchval(host, origin.host) == 1, "another source asked it before"
        listed = [origin.url(f"/gone-{n}") for n in range(5)]
        page = await atlas("sources", "add", "list", *listed, "--delay", "0")
        assert page.code == 0, "any page of a list may be gone"
        assert len(origin.requests("/gone-0")) == 1 and not origin.requests("/gone-1")
        dead = await atlas("sources", "add", "dead", *listed, "http://127.0.0.1:9/", "--delay", "0")
        assert dead.code == 1 and "http://127.0.0.1:9/ could not be read" in dead.err
        troubled = await atlas("sources", "add", "busy", origin.url("/troubled"), "--delay", "0")
        assert troubled.code == 0, "that may pass"
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("docs", "not a url"), "'not a url'"),
        (("docs", "ftp://example.org/"), "http:// and https:// only"),
        (("docs", "example.org/docs"), "write https://example.org/docs"),
        (("Docs!", URL, "--kind", "site"), "name: 'Docs!'"),
        (("docs", URL, "--kind", "site", "--include", "(["), "include: '(['"),
        (("docs", URL, "--kind", "site", "--exclude", "(?!x)"), "exclude: '(?!x)'"),
        (("docs", URL, "--kind", "site", "--every", "often"), "--every: 'often'"),
        (("docs", URL, "--kind", "site", "--every", "5s"), "cadence"),
        (("docs", URL, "--kind", "site", "--delay", "-1"), "delay: -1"),
        (("docs", URL, "--kind", "site", "--delay", "soon"), "delay"),
        (("docs", URL, "--kind", "site", "--max-pages", "0"), "max_pages: 0"),
        (("docs", URL, "--kind", "site", "--prefix", "nope"), "prefix"),
        (("docs", URL, "--kind", "rss"), "rss"),
        (("docs", URL, "--kind", "site", "--robots", "sometimes"), "sometimes"),
        (("docs", "@/nowhere/urls.txt"), "/nowhere/urls.txt"),
        (("docs", URL, "https://example.org/other/", "--kind", "site"), "prefix"),
    ],
)
async def test_a_rule_that_cannot_be_used_is_refused_by_name(
    arguments: tuple[str, ...], said: str, atlas: Atlas
) -> None:
    ran = await atlas("sources", "add", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert (await atlas("sources", "list")).out == ""


async def test_ignoring_robots_txt_is_shown_wherever_a_source_is(
    atlas: Atlas, origin: Origin
) -> None:
    origin.robots("User-agent: *\nDisallow: /")
    origin.page("/feed", FEED.format(origin.url("/post")), content_type="application/rss+xml")
    added = await atlas("sources", "add", "own", origin.url("/feed"), "--robots", "ignore")
    assert added.code == 0, added.err
    assert added.out.strip().endswith("robots.txt ignored")
    assert "is a feed" in added.err and not origin.requests("/robots.txt")
    assert (await atlas("sources", "list")).out.split("\t")[-2:] == ["ignored", "\n"]
    shown = (await atlas("sources", "show", "own")).out.split("\n")
    assert "ignore" in next(line for line in shown if line.startswith("robots"))
    assert (await atlas("sources", "show", "own", "-o", "json")).json["robots"] == "ignore"
    edited = await atlas("sources", "edit", "own", "--robots", "obey")
    assert "robots.txt" not in edited.out
    async with AtlasClient.connect() as client:
        with pytest.raises(InvalidRequest, match="robots: 'perhaps' refused: give obey or ignore"):
            await client.sources.edit("own", robots="perhaps")  # type: ignore[typeddict-item]


async def test_a_second_source_of_a_name_is_refused(atlas: Atlas) -> None:
    await atlas("sources", "add", "docs", URL, "--kind", "site", "--force")
    again = await atlas("sources", "add", "docs", URL)
    assert again.code == 1
    assert "atlas sources edit docs" in again.err


@pytest.mark.parametrize("command", ["show", "pause", "resume", "remove"])
async def test_an_unknown_source_is_told_with_the_known_ones(command: str, atlas: Atlas) -> None:
    await atlas("sources", "add", "docs", URL, "--kind", "site", "--force")
    ran = await atlas("sources", command, "dosc")
    assert ran.code == 1
    assert "dosc" in ran.err and "docs" in ran.err


async def test_editing_refuses_nothing_and_nonsense(atlas: Atlas) -> None:
    await atlas("sources", "add", "docs", URL, "--kind", "site", "--force")
    assert (await atlas("sources", "edit", "docs")).code == 2
    bad = await atlas("sources", "edit", "docs", "--parallel", "999")
    assert bad.code == 2 and "parallel: 999" in bad.err
    assert (await atlas("sources", "show", "docs", "-o", "json")).json["parallel"] == 1


async def test_a_source_that_is_worked_on_is_not_removed(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    await atlas("sources", "add", "docs", URL, "--kind", "site", "--force")
    # Without a worker the run stays open; the lease is taken for it by hand.
    run = await atlas_env.client.start_workflow(
        "sync_pipeline", SyncRequest(sources=["docs"]), id="somebody", task_queue=QUEUE
    )
    assert run.first_execution_run_id
    source = await atlas_env.value("select id from sources")
    async with atlas_env.pool.acquire() as connection:
        await sources.take_lease(
            connection,
            source,
            run_id=run.first_execution_run_id,
            workflow_id="somebody",
            now=datetime.now(UTC),
        )
    busy = await atlas("sources", "remove", "docs")
    assert busy.code == 1
    assert "somebody works on source 'docs'" in busy.err
    assert (await atlas("sources", "show", "docs", "-o", "json")).json["lease"]["workflow_id"] == (
        "somebody"
    )
    await run.terminate()  # it lets go of nothing
    assert (await atlas("sources", "remove", "docs")).code == 0
    assert (await atlas("sources", "list")).out == ""
