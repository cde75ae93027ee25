"""One table says which files are read: names, types, the contract, the metrics and the page that
documents it agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from atlas.contracts.processing import BatchQuery
from atlas.domain.media_kinds import (
    KINDS_NAMED,
    MEDIA_KINDS,
    Media,
    kind_of_name,
    kind_of_type,
    type_of_name,
)
from atlas.text.files.converters import CONVERTERS
from starter.archive_plan import _is_read

DOCS = Path(__file__).parents[3] / "docs"
ROW = re.compile(r"^\| ([\w-]+) \| `(\w+)` \| ((?:`\.\w+`(?:, )?)+) \| \S", re.MULTILINE)


def test_the_documented_table_is_the_one_in_use() -> None:
    documented = [
        (name, media, tuple(re.findall(r"\.(\w+)", endings)))
        for name, media, endings in ROW.findall((DOCS / "extraction.md").read_text("utf-8"))
    ]
    assert documented == [(each.name, each.media, each.endings) for each in MEDIA_KINDS]
    for each in MEDIA_KINDS:
        assert each.name in KINDS_NAMED


def test_each_media_has_one_reader() -> None:
    assert {each.media for each in MEDIA_KINDS} == set(get_args(Media))
    assert set(get_args(Media)) - set(CONVERTERS) == {"html", "text"}
    for media in get_args(Media):
        assert BatchQuery(media=media).media == media


def test_names_and_types_lead_to_it() -> None:
    for each in MEDIA_KINDS:
        for ending in each.endings:
            assert kind_of_name(f"Some File.{ending.upper()}") is each
            assert type_of_name(f"https://a.example/x.{ending}") == each.types[0]
        for media_type in each.types:
            assert kind_of_type(f"{media_type.title()}; charset=utf-8") is each
            assert _is_read(media_type)
    assert kind_of_name("a.png") is None and kind_of_type("image/png") is None
