"""The table of limits for listings: a rule of a source for each, refused by name, documented."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from atlas.domain.listing_limits import DEFAULTS, LIMITS, FileLimits
from atlas.domain.sources import InvalidSource, SourceSpec, check_source

SPEC = SourceSpec("map", "sitemap", ("https://h.org/sitemap.xml",))
ROW = re.compile(r"\| `--([a-z-]+)` \| (\d+) \| (\d+) to (\d+) \|")


def test_each_limit_is_a_rule_of_a_source_with_its_default() -> None:
    assert {name: getattr(SPEC, name) for name in LIMITS} == {
        name: limit.default for name, limit in LIMITS.items()
    }
    assert SPEC.file_limits == DEFAULTS
    tight = replace(SPEC, listing_bytes=2048, listing_entries=2, listing_depth=20)
    assert tight.file_limits == FileLimits(bytes=2048, entries=2, depth=20)


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_out_of_bounds_is_refused_with_field_value_and_fix(name: str) -> None:
    limit = LIMITS[name]
    for value in (limit.least, limit.default, limit.most):
        check_source(replace(SPEC, **{name: value}))
    for value in (limit.least - 1, limit.most + 1):
        told = rf"^{name}: {value} refused: give {limit.least} to {limit.most} "
        with pytest.raises(InvalidSource, match=told):
            check_source(replace(SPEC, **{name: value}))


def test_the_documented_table_is_the_one_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    documented = {
        option.replace("-", "_"): tuple(map(int, numbers)) for option, *numbers in ROW.findall(page)
    }
    assert documented == {name: limit[:3] for name, limit in LIMITS.items()}
