"""Writing `sources.yaml`: what is declared now, so that applying it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from atlas.domain.sources import SourceSpec
from starter.source_files.rules import short_rules_of
from starter.source_files.yaml_nodes import write

_HEAD = """\
# yaml-language-server: $schema=sources.schema.json
# `atlas schema sources > sources.schema.json` lets an editor complete and check this file.
# Rules that are left out have their default: docs/sources-file.md
"""


def write_sources(specs: Iterable[SourceSpec]) -> str:
    """The text of a file with these sources. Credentials are no rules, so none can be in it."""
    ordered = sorted(specs, key=lambda spec: spec.name)
    return _HEAD + write({"sources": {spec.name: short_rules_of(spec) for spec in ordered}})
