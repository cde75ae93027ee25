"""The main job, end to end: declare, sync, search, change, sync again."""

from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "


def page(title: str, text: str, *links: str) -> str:
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    return (
        f"<html lang=en><head><title>{title}</title></head><body><main><h1>{title}</h1>"
        f"<p>{text}</p><p>{PROSE}</p></main><nav>{anchors}</nav></body></html>"
    )


async def found(env: AtlasEnv, query: str) -> list[str]:
    return [hit.url for hit in (await env.search(query)).results]


async def test_a_site_is_synced_searched_changed_and_synced_again(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/docs/", page("Start", "Where it all begins.", "a.html", "b.html"))
    origin.page("/docs/a.html", page("Apples", "Apples ripen in the orchard.", "c.html"))
    origin.page("/docs/b.html", page("Boats", "Boats lie at the quay.", "/elsewhere"))
    origin.page("/docs/c.html", page("Cats", "Cats sleep on warm stones.", "a.html"))
    await atlas_env.add_source("docs", "site", origin.url("/docs/"), prefix=origin.url("/docs/"))
    async with atlas_env.worker():
        first = await atlas_env.sync("docs")
        assert first.outcome == "completed", first
        assert first.counts.model_dump() == {
            "seen": 4, "added": 4, "updated": 0, "unchanged": 0, "failed": 0, "skipped": 0,
        }  # fmt: skip
        assert await found(atlas_env, "orchard ripen") == [origin.url("/docs/a.html")]

        again = await atlas_env.sync("docs")
        assert (again.counts.unchanged, again.counts.seen) == (4, 4)
        assert await atlas_env.value("select count(*) from versions") == 4

        origin.page("/docs/c.html", page("Cats", "Cats hunt mice at night.", "a.html"))
        changed = await atlas_env.sync("docs")
        assert (changed.counts.updated, changed.counts.unchanged) == (1, 3)
        assert await found(atlas_env, "hunt mice") == [origin.url("/docs/c.html")]
        assert await found(atlas_env, "warm stones") == []
    assert not origin.requests("/elsewhere")


async def test_a_redirect_is_asked_again_with_its_targets_validators(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.redirect("/old", "/new", 301)
    origin.page("/new", page("New", "The new address of an old page."))
    await atlas_env.add_source("moved", "urls", origin.url("/old"))
    async with atlas_env.worker():
        first = await atlas_env.sync("moved")
        assert (first.counts.added, first.counts.skipped) == (1, 1)
        before = len(origin.requests("/new"))
        again = await atlas_env.sync("moved")
        assert (again.counts.unchanged, again.counts.skipped) == (1, 1)
        asked = origin.requests("/new")[before:]
        assert len(asked) == 2
        assert all("if-none-match" in seen.headers for seen in asked)

        origin.page("/old", page("Old", "The old page is back at its old address."))
        back = await atlas_env.sync("moved")
        assert (back.counts.seen, back.counts.added) == (1, 1)
    assert await found(atlas_env, '"back at its old address"') == [origin.url("/old")]
