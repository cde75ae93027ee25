"""OPML in and out: feeds only, names that a source may have, and nothing hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.domain.sources import NAME, SourceSpec
from atlas.web.opml import parse_opml
from atlas.web.opml_parser import ListedFeed, parse_opml_job, read_opml
from starter.cli.framework.exit_codes import DONE, FAILED, USAGE
from starter.source_files.opml import new_sources, slug, write_opml
from starter.sources import checked
from tests.origin import Origin
from tests.starter.conftest import Atlas

FILE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE opml>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="Café News" title="Café News">
    <outline text="Local">
      <outline type="rss" text="The Harbour!" xmlUrl="https://a.example/feed?x=1&amp;y=2"
               category="/Boats/Ferries,tides"/>
      <outline type="RSS" text="The harbour" XMLURL="https://b.example/feed"/>
    </outline>
    <outline type="link" text="A page" url="https://c.example/"/>
  </outline>
  <outline type="rss" text="灯塔" xmlUrl="feed://d.example/rss.xml"/>
  <outline type="rss" text="Again" xmlUrl="https://B.example:443/feed"/>
  <outline type="rss" text="Mail" xmlUrl="mailto:me@example.org"/>
  <outline type="rss" xmlUrl="https://e.example/"/>
</body></opml>
"""


def feeds_of(text: str) -> tuple[ListedFeed, ...]:
    return read_opml(parse_opml_job(text.encode()))


def test_feeds_get_names_and_tags_from_titles_folders_and_categories() -> None:
    declared = {"e.example": SourceSpec("e.example", "site", ("https://e.example/",))}
    found = new_sources(feeds_of(FILE), declared, ["mine"])
    assert {(spec.name, spec.kind, *spec.urls) for spec in found.specs} == {
        ("the-harbour", "feed", "https://a.example/feed?x=1&y=2"),
        ("the-harbour-2", "feed", "https://b.example/feed"),
        ("d.example", "feed", "http://d.example/rss.xml"),
        ("e.example-2", "feed", "https://e.example/"),
    }
    tags = {spec.name: spec.tags for spec in found.specs}
    assert tags["the-harbour"] == ("mine", "cafe-news", "local", "boats", "ferries", "tides")
    assert tags["d.example"] == ("mine",)
    [refused] = found.refused
    assert refused.url == "mailto:me@example.org" and "http" in refused.reason
    held = {spec.name: spec for spec in found.specs}
    again = new_sources(feeds_of(FILE), declared | held)
    assert again.specs == () and len(again.known) == 4


@given(st.text(max_size=100))
def test_a_title_becomes_a_name_or_none(title: str) -> None:
    assert slug(title) == "" or NAME.fullmatch(slug(title))
    assert slug(slug(title)) == slug(title)


names = st.from_regex(NAME, fullmatch=True)


@given(
    st.lists(
        st.tuples(names, st.lists(names, max_size=4, unique=True)),
        max_size=6,
        unique_by=lambda each: each[0],
    )
)
def test_feeds_come_back_from_opml(given_: list[tuple[str, list[str]]]) -> None:
    specs = [
        SourceSpec(name, "feed", (f"https://x.example/{at}?a=1&b={at}",), tags=tuple(tags))
        for at, (name, tags) in enumerate(given_)
    ]
    other = SourceSpec("site", "site", ("https://y.example/",), tags=("feeds",))
    text = write_opml([*specs, other])
    back = new_sources(feeds_of(text), {})
    assert [checked(spec) for spec in back.specs] == sorted(specs, key=lambda spec: spec.name)


def test_what_a_source_has_twice_comes_back_as_sources_of_their_own() -> None:
    urls = ("https://x.example/1", "https://x.example/2")
    back = new_sources(feeds_of(write_opml([SourceSpec("x", "feed", urls)])), {})
    assert {spec.name: spec.urls for spec in back.specs} == {"x": urls[:1], "x-2": urls[1:]}


BOMB = '<!DOCTYPE o [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><opml><body>&b;</body></opml>'
OUTSIDE = '<!DOCTYPE o [<!ENTITY f SYSTEM "file:///etc/passwd">]><opml><body>&f;</body></opml>'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB, "xml_entities"),
        (OUTSIDE, "xml_entities"),
        ("<opml><body>" + "<outline>" * 200, "opml_too_large"),
        ("<opml><body>" + "<outline/>" * 60_000 + "</body></opml>", "opml_too_large"),
        ("<opml><body>", "opml_malformed"),
        ("<rss/>", "opml_malformed"),
        ("", "opml_malformed"),
        ("<!--" + "x" * 100_000 + "--><opml/>", "opml_malformed"),
    ],
)
def test_a_hostile_file_is_refused(text: str, code: str) -> None:
    with pytest.raises(PageError) as caught:
        parse_opml(text.encode())
    assert caught.value.code == code


@pytest.mark.usefixtures("corpus")
async def test_a_file_is_imported_once_and_what_does_not_answer_is_left_out(
    atlas: Atlas, origin: Origin, tmp_path: Path
) -> None:
    rss = '<rss version="2.0"><channel><title>N</title></channel></rss>'
    origin.page("/feed", rss, content_type="application/rss+xml")
    file = tmp_path / "feeds.opml"
    file.write_text(
        f'<opml version="2.0"><body><outline text="News">'
        f'<outline text="Good" xmlUrl="{origin.url("/feed")}"/>'
        f'<outline text="Gone" xmlUrl="{origin.url("/gone")}"/></outline></body></opml>'
    )
    seen = await atlas("sources", "import", str(file), "--dry-run")
    assert seen.code == DONE and "  good:\n    kind: feed\n" in seen.out
    assert (await atlas("sources", "list")).out == "" and not origin.requests()

    done = await atlas("sources", "import", str(file), "-o", "json")
    assert done.code == DONE, done.err
    assert (done.json["added"], done.json["known"]) == (["good"], [])
    [refused] = done.json["refused"]
    assert refused["url"] == origin.url("/gone") and "http_404" in refused["reason"]
    again = await atlas("sources", "import", str(file), "--force")
    assert again.out == "added gone\n" and "1 feed is declared already" in again.err
    assert (await atlas("sources", "show", "gone", "-o", "json")).json["tags"] == ["news"]

    back = (await atlas("sources", "export", "--format", "opml")).out
    assert {(each.url, each.title) for each in parse_opml(back.encode())} == {
        (origin.url("/feed"), "good"),
        (origin.url("/gone"), "gone"),
    }
    file.write_text(BOMB)
    hostile = await atlas("sources", "import", str(file))
    assert (hostile.code, hostile.out) == (USAGE, "") and "entities" in hostile.err
    file.write_text('<opml><body><outline text="X" xmlUrl="nowhere"/></body></opml>')
    assert (await atlas("sources", "import", str(file))).code == FAILED
