"""Pages that ask for no index, by header or meta element, through a real worker."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from atlas.domain.errors import NOINDEX
from atlas.stores.postgres.clock import DatabaseClock
from starter.client import AtlasClient
from starter.errors import NotFound
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin, Reply

pytestmark = pytest.mark.fault(16)

META = '<meta name="robots" content="max-snippet:5"><META NAME="Atlas" content="noindex">'


def page(about: str, *links: str, head: str = "") -> str:
    anchors = "".join(f'<a href="{link}">{link} and more of it</a> ' for link in links)
    text = f"All that is known about {about} and those who keep them burning through the night."
    return f"<html><head><title>{about}</title>{head}</head><body><p>{text}</p>{anchors}</body>"


async def outcomes(env: AtlasEnv) -> dict[str, tuple[str, str | None]]:
    """Of the latest run: the last part of each URL → outcome, code."""
    rows = await env.fetch(
        "select url, outcome, error_code from run_pages where run_id = "
        "(select run_id from runs order by started_at desc limit 1)"
    )
    return {row["url"].rsplit("/", 1)[1]: (row["outcome"], row["error_code"]) for row in rows}


async def test_noindex_pages_lead_on_and_are_not_found(atlas_env: AtlasEnv, origin: Origin) -> None:
    def by_header(text: str, tag: str) -> None:
        headers = {"X-Robots-Tag": tag} if tag else {}
        origin.reply("/s/header", Reply(page(text, "below-header"), headers=headers))

    origin.page("/s/", page("lamps", "meta", "header", "shut", "others"))
    origin.page("/s/meta", page("buoys", "below-meta", head=META))
    by_header("beacons", "otherbot: none, atlas: noindex")
    origin.reply(
        "/s/shut", Reply(page("horns", "below-shut"), headers={"X-Robots-Tag": "nofollow"})
    )
    origin.reply("/s/others", Reply(page("bells"), headers={"X-Robots-Tag": "googlebot: none"}))
    for name in ("below-meta", "below-header", "below-shut"):
        origin.page(f"/s/{name}", page(name))
    await atlas_env.add_source("site", "site", origin.url("/s/"), prefix=origin.url("/s/"))
    async with atlas_env.worker():
        first = await atlas_env.sync("site")
        assert await outcomes(atlas_env) == {
            "": ("added", None),
            "meta": ("skipped", NOINDEX),
            "header": ("skipped", NOINDEX),
            "shut": ("added", None),
            "others": ("added", None),
            "below-meta": ("added", None),
            "below-header": ("added", None),
        }
        assert first.skipped == {NOINDEX: 2}
        assert first.counts.seen == first.counts.done == 7
        async with AtlasClient.connect() as atlas:
            assert not (await atlas.search("buoys")).results
            with pytest.raises(NotFound, match="ended with noindex") as told:
                await atlas.document(origin.url("/s/header"))
        assert "asks to be left out of the index" in str(told.value)

        again = await atlas_env.sync("site", id="again")  # a 304 for the meta element's page
        assert (again.counts.skipped, again.counts.unchanged) == (2, 5)
        by_header("beacons", "")
        origin.page("/s/meta", page("buoys", "below-meta"))
        back = await atlas_env.sync("site", id="back")
        assert (back.counts.added, back.counts.skipped) == (2, 0)

        # Live now, one page by its header alone: the third look takes it out.
        by_header("beacons", "noindex")
        for name, removed in (("once", 0), ("twice", 0), ("thrice", 1)):
            gone = await atlas_env.sync("site", id=name, trigger="schedule")
            assert (gone.removed, gone.skipped, gone.counts.failed) == (removed, {NOINDEX: 1}, 0)
            # Nothing but the header of a 304 said so, the first time.
            conditional = "if-none-match" in origin.requests("/s/header")[-1].headers
            assert conditional == (name == "once")
        async with AtlasClient.connect() as atlas:
            assert not (await atlas.search("beacons")).results
            assert (await atlas.search("buoys")).results
        last = await atlas_env.sync("site", id="last")
        assert (last.counts.unchanged, last.counts.skipped) == (6, 1)


async def test_a_page_leaves_after_the_date_that_it_names(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By header or meta element; its body stays the same."""
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    meta = f"<meta name=robots content='unavailable_after: {format_datetime(ends)}'>"
    others = [f"other{number}" for number in range(36)]  # or the brake would hold the two
    origin.page("/s/", page("lamps", "meta", "header", "later", *others))
    for number, name in enumerate(others):
        origin.page(f"/s/{name}", page(f"harbour {number}, {name} and {number * 7919} more"))
    origin.page("/s/meta", page("buoys", head=meta))
    tag = {"X-Robots-Tag": f"unavailable_after: {ends.isoformat()}"}
    origin.reply("/s/header", Reply(page("beacons"), headers=tag))
    far = {"X-Robots-Tag": "unavailable_after: 2199-01-01"}
    origin.reply("/s/later", Reply(page("horns"), headers=far))
    rules = {"prefix": origin.url("/s/"), "cadence": timedelta(days=30)}
    await atlas_env.add_source("site", "site", origin.url("/s/"), **rules)
    passed = timedelta(0)
    measured = DatabaseClock._counted
    monkeypatch.setattr(
        DatabaseClock, "_counted", lambda self, at=None: measured(self, at) + passed
    )
    async with atlas_env.worker():
        assert (await atlas_env.sync("site")).counts.added == 40
        again = await atlas_env.sync("site", id="again", mode="full")
        assert again.counts.unchanged == 40
        # However seldom they are checked, they are due when they are to leave.
        due = await atlas_env.fetch(
            "select url from pages p join page_state ps on ps.page_id = p.id where next_due = $1",
            ends,
        )
        assert {row["url"].rsplit("/", 1)[1] for row in due} == {"meta", "header"}
        for name, removed in (("once", 0), ("twice", 0), ("thrice", 2)):
            passed += timedelta(days=3)
            gone = await atlas_env.sync("site", id=name, mode="full")
            assert (gone.removed, gone.skipped, gone.counts.failed) == (removed, {NOINDEX: 2}, 0)
            assert {name for name, (_, code) in (await outcomes(atlas_env)).items() if code} == {
                "meta", "header",
            }  # fmt: skip
        async with AtlasClient.connect() as atlas:
            assert not (await atlas.search("buoys")).results
            assert not (await atlas.search("beacons")).results
            assert (await atlas.search("horns")).results
