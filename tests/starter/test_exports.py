"""Whatever the client returns can be imported from `starter`, to annotate a program with."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, get_args

from pydantic import BaseModel

import starter
from starter.cli.reference.described import hints, typing_imports
from starter.client import AtlasClient
from starter.corpus import Corpus
from starter.hosts import Hosts
from starter.kept_reports import KeptReports
from starter.limits import ManualLimits
from starter.pushed_documents import PushedDocuments
from starter.runs import Runs
from starter.runs.handles import JobHandle, SyncHandle
from starter.schedules import Schedules
from starter.source_files import SourceFiles
from starter.sources import Sources

CLIENTS = (
    AtlasClient,
    Runs,
    Corpus,
    KeptReports,
    Sources,
    SourceFiles,
    Schedules,
    Hosts,
    ManualLimits,
    PushedDocuments,
    SyncHandle,
    JobHandle,
)


def test_every_type_that_the_client_returns_can_be_imported() -> None:
    exported = {id(getattr(starter, name)) for name in starter.__all__}
    missing = {
        f"{each.__module__}.{each.__qualname__}" for each in returned() if id(each) not in exported
    }
    assert not missing, "add them to starter/__init__.py"


def test_what_is_exported_for_type_checkers_is_what_there_is() -> None:
    assert {name for _, name in typing_imports(starter)} == set(starter.__all__)
    assert {name: module for module, name in typing_imports(starter)} == starter._MODULES


def returned() -> set[type]:
    """The classes of Atlas in what public methods give, and in their fields."""
    found: set[type] = set()
    for client in CLIENTS:
        for name, method in inspect.getmembers(client, inspect.isfunction):
            if not name.startswith("_"):
                collect(hints(method).get("return"), found)
    return found


def collect(hint: Any, found: set[type]) -> None:
    for inner in get_args(hint):
        collect(inner, found)
    if not isinstance(hint, type) or hint in found or get_args(hint):
        return
    if hint.__module__.partition(".")[0] not in ("atlas", "starter"):
        return
    found.add(hint)
    if dataclasses.is_dataclass(hint) or issubclass(hint, BaseModel):
        for inner in hints(hint).values():
            collect(inner, found)
