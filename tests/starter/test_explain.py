"""`atlas explain` names the true cause of what a real sync made of each address of a site."""

from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas

PROSE = "The ferry leaves the quay at seven, and the keeper writes the hour into the book. "


def page(name: str, *links: str) -> str:
    anchors = " ".join(f'<a href="{link}">{link}</a>' for link in links)
    text = f"{name} {PROSE}" * 4
    return f"<html lang=en><title>{name}</title><main><p>{text}</p>{anchors}</main></html>"


async def test_the_first_line_names_the_cause(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas
) -> None:
    origin.robots("User-agent: *\nDisallow: /site/closed/\nDisallow: /x\n")
    links = ("a", "b", "gone", "moved", "closed/a", "old/a", "photo.jpg", "/other/a", "hidden")
    origin.page("/site/", page("Start", *links))
    origin.page("/site/a", page("Apples", "deep"))
    origin.page("/site/b", page("Boats"))
    origin.page("/site/deep", page("Deep"))
    origin.page(
        "/site/hidden",
        page("Hidden").replace("<title>", "<meta name=robots content=noindex><title>"),
    )
    origin.redirect("/site/moved", origin.url("/site/b"))
    site = origin.url("/site/")
    await atlas_env.add_source(
        "docs", "site", site, prefix=site, exclude=("/old/",), max_depth=1, deletion="careful"
    )
    async with atlas_env.worker():
        first = await atlas_env.sync("docs", id="first")
        again = await atlas_env.sync("docs", id="again")
    assert first.outcome == again.outcome == "completed_with_failures"

    causes = {
        "a": ("unchanged", "304 Not Modified"),
        "gone": ("http_404", "not in the corpus: it could not be fetched or read (http_404"),
        "moved": ("redirected", f"redirects to {site}b, which is live"),
        "closed/a": ("robots_disallowed", "forbids it: Disallow: /site/closed/"),
        "old/a": ("out_of_scope", "source 'docs' refuses it by its rule `exclude /old/`"),
        "photo.jpg": ("not_a_page", "follows no link whose name is that of an image"),
        "../other/a": ("out_of_scope", f"refuses it by its rule `prefix {site}`"),
        "deep": ("over_limit", "source 'docs' reached its limit `max_depth 1`"),
        "hidden": ("noindex", "it asks to be left out of the index"),
        "nowhere": ("never_seen", "no listing or page that it read names it"),
    }
    for path, (code, words) in causes.items():
        ran = await atlas("explain", site + path, "-o", "json")
        assert ran.code == 0, ran.err
        assert ran.json["code"] == code and words in ran.json["cause"], (path, ran.json)
        told = await atlas("explain", site + path)
        assert told.out.splitlines()[0] == ran.json["cause"]
    live = await atlas("explain", f"{site}a")
    assert f"`atlas runs show {again.run_id}`" in live.err
    assert "ETag" in live.out and "recheck interval" in live.out and "generation 1" in live.out

    spelt = await atlas("explain", f"{site.upper().replace('SITE', 'site')}a/?utm_source=x#part")
    assert spelt.out == live.out
    assert f"{site}a/ without its fragment, in its canonical form" in spelt.err
    assert f"this is the one at {site}a" in spelt.err
    bad = await atlas("explain", "ftp://example.org/a")
    assert bad.code == 2 and "url:" in bad.err
    far = await atlas("explain", "http://10.1.2.3/a", "-o", "json")
    assert far.json["code"] == "out_of_reach" and "ATLAS_FETCH_ALLOW_NETWORKS" in far.json["cause"]

    shown = await atlas("runs", "show", again.run_id, "-o", "json")
    assert {each["rule"]: each["addresses"] for each in shown.json["refused"]} == {
        "exclude /old/": 1,
        "max_depth 1": 1,
        "not a page": 1,
        f"prefix {site}": 1,
    }
    assert "refused by exclude /old/: 1 addresses" in (await atlas("runs", "show", "docs")).out
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
