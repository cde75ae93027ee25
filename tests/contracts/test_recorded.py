"""Contracts of every worker ever shipped still decode: none is refused during a deploy."""

import importlib
import json
import pkgutil
from typing import Any

from pydantic import BaseModel

import atlas.contracts
from atlas.contracts.models import Message, Request
from atlas.temporal.connection import data_converter
from tests.contracts.examples import EXAMPLES, RECORDED, path


def models() -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for module in pkgutil.iter_modules(atlas.contracts.__path__, "atlas.contracts."):
        for kind in vars(importlib.import_module(module.name)).values():
            ours = isinstance(kind, type) and issubclass(kind, Message | Request)
            if ours and kind not in (Message, Request) and kind not in found:
                found.append(kind)
    return found


def recorded(model: type[BaseModel]) -> dict[str, Any]:
    return json.loads(path(model).read_text())


def test_every_contract_is_recorded_and_none_was_dropped() -> None:
    names = {model.__name__ for model in models()}
    assert {file.stem for file in RECORDED.glob("*.json")} == names
    assert {type(example).__name__ for example in EXAMPLES} == names


async def test_a_recorded_contract_decodes_as_it_was_meant() -> None:
    converter = data_converter()
    for model in models():  # one test: they are hundreds, and each would take longer than its work
        for sent in recorded(model).values():
            (got,) = await converter.decode(await converter.encode([sent]), [model])
            assert within(got.model_dump(mode="json"), sent) == sent, model


def within(dumped: Any, sent: Any) -> Any:
    """Of what was decoded, the part that was sent: a newer version's fields are left out."""
    if isinstance(dumped, dict) and isinstance(sent, dict):
        return {name: within(dumped[name], sent[name]) for name in sent if name in dumped}
    if isinstance(dumped, list) and isinstance(sent, list) and len(dumped) == len(sent):
        return [within(*pair) for pair in zip(dumped, sent, strict=True)]
    return dumped


async def test_what_a_newer_worker_adds_is_ignored() -> None:
    converter = data_converter()
    for model in models():
        if issubclass(model, Message):
            full = recorded(model)["full"]
            newer = full | {"added_by_a_newer_worker": {"deep": [1]}}
            (got,) = await converter.decode(await converter.encode([newer]), [model])
            assert got == model.model_validate(full), model


async def test_what_goes_out_comes_back() -> None:
    converter = data_converter()
    for example in EXAMPLES:  # one of each model, says the first test
        sent = await converter.encode([example])
        assert await converter.decode(sent, [type(example)]) == [example]
