"""`atlas top` shows a stage of every activity that there is."""

import importlib
import inspect
import pkgutil

from temporalio import activity

import activities
from atlas.contracts.stages import STAGES_OF_ACTIVITIES, stages_of


def defined() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(activities.__path__):
        loaded = importlib.import_module(f"activities.{module.name}")
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            for _, method in inspect.getmembers(kind, inspect.isfunction):
                definition = activity._Definition.from_callable(method)
                if definition is not None and definition.name:
                    found.add(definition.name)
    return found


def test_every_activity_has_a_stage_and_no_other_name_has() -> None:
    assert set(STAGES_OF_ACTIVITIES) == defined()


def test_stages_are_told_once_in_the_order_of_a_documents_way() -> None:
    assert stages_of(["settle_batch", "claim_batch", "fetch_batch"]) == ["fetch", "index"]
    assert stages_of(["of_tomorrow", "copy_texts"]) == ["copy texts", "of tomorrow"]
    assert stages_of([]) == []
