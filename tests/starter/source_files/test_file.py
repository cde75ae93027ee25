"""`sources.yaml`, read and written: what goes out comes back, and every mistake is named."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import timedelta
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.sources import SourceSpec
from starter.cli.reference.write import DOCS, sources_schema
from starter.errors import InvalidRequest, InvalidSourcesFile
from starter.source_files.plan import planned
from starter.source_files.reader import read_sources
from starter.source_files.rules import RULES, json_schema, rules_of
from starter.source_files.writer import write_sources
from starter.source_files.yaml_nodes import NotYaml, read, write
from starter.sources import as_stored, checked

URLS = st.sampled_from(["https://a.example/x/", "https://a.example/y/z?q=1", "http://b.example/"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "urls": st.lists(URLS, min_size=1, max_size=3).map(tuple),
    "prefix": st.none() | URLS,
    "include": st.lists(st.text(max_size=30), max_size=3).map(tuple),
    "exclude": st.lists(st.text(max_size=30), max_size=3).map(tuple),
    "cadence": st.timedeltas(timedelta(minutes=1), timedelta(days=366)),
    "content": st.sampled_from([(), ("article", "main > .text")]),
    "remove": st.sampled_from([(), (".advert",)]),
    "ignore": st.sampled_from([(), ("/[0-9,]+ views/", ".clock")]),
    "metadata": st.sampled_from([(), ("author=.byline", "published=time@datetime")]),
    "lang": st.sampled_from([None, "de"]),
    "freshness": st.sampled_from([None, "95% within 366d"]),
    "cron": st.sampled_from([None, "15 6 * * 1-5"]),
    "tags": st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,9}", fullmatch=True)).map(tuple),
    "allow": st.sampled_from([(), ("10.2.0.0/16", "wiki.lan:8080"), ("any",)]),
    "ports": st.lists(st.integers(1, 65535), max_size=3).map(tuple),
}
"""Of rules whose type says too little; of a new one its default, until it has a line here."""


def of_rule(rule: Any, kind: Any) -> st.SearchStrategy[Any]:
    bounds, kinds = rule.metadata.get("bounds"), get_args(kind)
    if rule.name in VALUES:
        return VALUES[rule.name]
    if get_origin(kind) is Literal:
        return st.sampled_from(kinds)
    if kind is bool:
        return st.booleans()
    if bounds is None:
        return st.just(rule.default)
    number = st.floats if kind is float else st.integers
    within = number(bounds.least, 10**6 if bounds.most is None else bounds.most)
    return st.none() | within if get_origin(kind) in (Union, UnionType) else within


def sources() -> st.SearchStrategy[SourceSpec]:
    types = get_type_hints(SourceSpec)
    rules = {rule.name: of_rule(rule, types[rule.name]) for rule in RULES.values()}
    names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)
    return st.builds(SourceSpec, name=names, **rules).map(stored).filter(acceptable)


def stored(spec: SourceSpec) -> SourceSpec:
    values = {each.name: getattr(spec, each.name) for each in fields(spec)}
    return SourceSpec(**as_stored(values))  # type: ignore[arg-type]


def acceptable(spec: SourceSpec) -> bool:
    try:
        checked(spec)
    except InvalidRequest:
        return False
    return True


@settings(max_examples=20)
@given(st.lists(sources(), max_size=4, unique_by=lambda spec: spec.name))
def test_what_is_exported_applies_back_to_no_change(specs: list[SourceSpec]) -> None:
    text = write_sources(specs)
    declared = {spec.name: spec for spec in specs}
    for known in (declared, {}):  # here, and in another Atlas
        assert read_sources(text, "sources.yaml", known) == tuple(
            declared[name] for name in sorted(declared)
        )
    wanted = read_sources(text, "sources.yaml", declared)
    assert planned(wanted, declared, prune=True).changes == ()
    jsonschema.validate(read(text).plain(), json_schema())


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**17), 10**17)
        | st.text()
        | st.floats(allow_nan=False, allow_infinity=False),
        st.lists,
        max_leaves=5,
    )
)
def test_plain_data_comes_back_from_yaml(value: Any) -> None:
    assert read(write({"x": value})).plain() == {"x": value}


def test_every_rule_is_in_the_file_and_explained_to_editors() -> None:
    described = json_schema()["$defs"]["Source"]["properties"]
    names = {each.metadata.get("json", each.name) for each in fields(SourceSpec)} - {"name"}
    assert (
        set(described) == set(rules_of(SourceSpec("x", "feed", ("https://x.example/",)))) == names
    )
    assert all(each["description"] for each in described.values())
    assert described["delay"]["maximum"] == 3600
    kinds = ["urls", "feed", "sitemap", "site", "push", "bucket"]
    assert described["kind"]["enum"] == kinds
    assert json_schema()["$defs"]["Source"]["required"] == [
        name for name, rule in RULES.items() if rule.default is MISSING
    ]


def test_the_schema_of_the_documentation_is_up_to_date() -> None:
    written = (DOCS / "sources.schema.json").read_text(encoding="utf-8")
    assert written == sources_schema(), "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(json.loads(written))


def test_words_that_yaml_likes_to_convert_stay_words() -> None:
    text = """
sources:
  on:
    kind: feed
    urls: [https://x.example/feed]
    tags: [on, no, 2026-11-30, 1e]
    every: 90s
"""
    [spec] = read_sources(text, "sources.yaml", {})
    assert (spec.name, spec.tags) == ("on", ("on", "no", "2026-11-30", "1e"))
    assert spec.cadence == timedelta(seconds=90)


def test_what_is_left_out_has_its_default_and_a_pause_stays() -> None:
    text = "sources: {docs: {kind: site, urls: ['https://x.example/docs/start']}}"
    [spec] = read_sources(text, "sources.yaml", {})
    assert spec == SourceSpec(
        "docs", "site", ("https://x.example/docs/start",), prefix="https://x.example/docs/"
    )
    paused = SourceSpec("docs", "site", ("https://x.example/",), delay=9, paused=True)
    [kept] = read_sources(text, "sources.yaml", {"docs": paused})
    assert (kept.paused, kept.delay) == (True, 1.0)
    [resumed] = read_sources(text.replace("kind", "paused: false, kind"), "f", {"docs": paused})
    assert not resumed.paused
    everywhere = text.replace("kind", "prefix: null, kind")
    assert read_sources(everywhere, "f", {})[0].prefix is None


def test_an_older_pattern_may_stay_where_it_is_declared() -> None:
    old = SourceSpec("docs", "urls", ("https://x.example/",), include=("(?!draft)",))
    text = write_sources([old])
    assert read_sources(text, "f", {"docs": old}) == (old,)
    with pytest.raises(InvalidSourcesFile, match=r"docs\.include: .*linear time"):
        read_sources(text, "f", {})


def test_a_rule_is_judged_beside_the_others_of_its_file() -> None:
    """An objective of two hours is kept by a cadence of half an hour, not by the default."""
    text = """
sources:
  a:
    kind: feed
    urls: [https://x.example/feed]
    every: 30m
    freshness: 95% within 2h
    delay: -1
"""
    with pytest.raises(InvalidSourcesFile) as caught:
        read_sources(text, "f", {})
    assert caught.value.problems == ("f:8: a.delay: -1.0 refused: give 0 to 3600 seconds",)
    [spec] = read_sources(text.replace("-1", "1"), "f", {})
    assert spec.freshness == "95% within 2h"
    with pytest.raises(InvalidSourcesFile, match=r"f:7: a\.freshness: "):
        read_sources(text.replace("-1", "1").replace("30m", "1d"), "f", {})


WRONG = """\
source: 1
sources:
  Docs:
    kind: sight
    urls: https://x.example/
    dely: 3
  a:
    kind: urls
    urls: [ftp://x.example, https://ok.example/, "http://"]
    every: soon
    delay: "3"
    max_pages: 1.5
    traps: no
  b:
    kind: urls
    urls:
      - https://ok.example/
      - nonsense
    delay: 9999
    include: ["(", "ok", "(?!x)"]
    tags: [a, A, 3]
    tags: [x]
    every: 1s
    cron: "61 * * * *"
    allow: [http://x/]
    listing_bytes: 1
  c: 3
  d:
    kind: urls
  e:
    kind: site
    urls: [https://a.example/b/, https://a.example/c/]
  f:
    urls: []
"""
SAID = """\
1: source: unknown; did you mean sources?
3: Docs: name: 'Docs' refused: use up to 63
4: Docs.kind: 'sight' refused: give 'urls', 'feed', 'sitemap', 'site', 'push' or 'bucket'
5: Docs.urls: 'https://x.example/' refused: give a list, as in [https://x.example/]
6: Docs.dely: there is no rule of this name; did you mean delay?
9: a.urls: 'ftp://x.example' has scheme "ftp:"
9: a.urls: 'http://' is no valid URL
10: a.every: 'soon' is not a duration; use 90s, 30m, 6h, 7d or 2w
11: a.delay: '3' refused: give a number
12: a.max_pages: 1.5 refused: give a whole number
13: a.traps: 'no' refused: give 'stop' or 'follow'
18: b.urls: 'nonsense' is no valid URL
19: b.delay: 9999.0 refused: give 0 to 3600 seconds
20: b.include: '(' is no regular expression
20: b.include: '(?!x)' cannot be used
21: b.tags: 3 refused: write it in quotes: '3'
22: b.tags: stands here again, first on line 21; keep one of them
23: b.every: 0:00:01 refused: give one minute to one year
24: b.cron: '61' refused as minute
25: b.allow: 'http://x/' is not a network
26: b.listing_bytes: 1 refused: give 1024 to 536870912 bytes
27: c: give its rules, at least `kind:` and `urls:`
28: d.urls: is missing; give at least one URL
30: e: urls: the starts lie in 2 folders; give a prefix
33: f.kind: is missing; give urls, feed, sitemap, site
34: f.urls: none given; a source needs at least one URL
"""


def test_every_mistake_of_a_file_is_named_at_once_with_line_field_value_and_fix() -> None:
    with pytest.raises(InvalidSourcesFile) as caught:
        read_sources(WRONG, "sources.yaml", {})
    assert str(caught.value).startswith("sources.yaml: 26 mistakes; nothing was changed\n")
    said = [f"sources.yaml:{line}" for line in SAID.splitlines()]
    assert [
        (problem, wanted)
        for problem, wanted in zip(caught.value.problems, said, strict=True)
        if not problem.startswith(wanted)
    ] == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("sources: [", 2, "not YAML"),
        ("sources:\n\tdocs: 1", 2, "not YAML"),
        ("sources:\n  docs: *all", 2, r"alias \*all is not read"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nsources: {}", 2, "alias"),
        ("sources: !!python/object/apply:os.system [true]", 1, "tag"),
        ("sources: {}\n---\nsources: {}", 2, "second document"),
        ("sources:\n  2026: {}", 2, "quotes"),
        ("[" * 100_000, 1, "nest"),
        ("sources: " + "{a: " * 30, 1, "nested more than 20 deep"),
        ("sources: \x07", 1, "not YAML"),
        ("", 1, "give each source by its name"),
        ("sources:", 1, "give each source by its name"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(InvalidSourcesFile, match=rf"sources.yaml:{line}: .*{said}"):
        read_sources(text, "sources.yaml", {})


def test_no_password_of_an_address_is_kept_or_shown() -> None:
    text = "sources: {x: {kind: feed, urls: ['https://me:hunter2@x.example/feed']}}"
    [spec] = read_sources(text, "f", {})
    assert "hunter2" not in write_sources([spec])
    wrong = text.replace("['", "'").replace("']", "'")
    with pytest.raises(InvalidSourcesFile, match="give a list") as caught:
        read_sources(wrong, "f", {})
    assert "hunter2" not in str(caught.value)


def test_a_list_of_twenty_thousand_addresses_is_read() -> None:
    urls = [f"https://x.example/{number}" for number in range(20_000)]
    spec = SourceSpec("many", "urls", tuple(urls))
    assert read_sources(write_sources([spec]), "f", {}) == (spec,)


def test_a_name_without_a_value_is_no_yaml_trouble() -> None:
    assert read("a:\nb: ~").plain() == {"a": None, "b": None}
    with pytest.raises(NotYaml):
        read("{[a]: 1}")
