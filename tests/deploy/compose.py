"""Compose files, read as the engine reads them: with `.env`, or where nobody sets a variable."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import yaml
from dotenv import dotenv_values

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.dev.yml")
# The specification's own schema (github.com/compose-spec/compose-go v2.16.1, Apache-2.0).
SPECIFICATION = Path(__file__).with_name("compose-spec.json")
NOBODY: Mapping[str, str] = MappingProxyType({})

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::(?P<kind>[-+])(?P<other>(?:[^${}]|\$\$)*))?\}")
"""One with no other inside: those are read from the inside to the outside."""


@cache
def read(name: str) -> dict[str, Any]:
    """A file with its anchors resolved and its extensions (`x-…`) left out."""
    return read_with(name, NOBODY)


def read_with(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The same, where these variables are set in `.env` or the shell."""
    whole = yaml.safe_load(interpolated((ROOT / name).read_text(encoding="utf-8"), given))
    return {key: value for key, value in whole.items() if not key.startswith("x-")}


def interpolated(text: str, given: Mapping[str, str] = NOBODY) -> str:
    """Each variable as it is given, else as its default, else empty."""

    def value(found: re.Match[str]) -> str:
        known, other = given.get(found["name"], ""), found["other"] or ""
        if found["kind"] == "+":
            return other if known else ""
        return known or other

    before = ""
    while before != text:
        before, text = text, _VARIABLE.sub(value, text)
    return text.replace("$$", "$")


def variables(name: str) -> set[str]:
    """What a person may set in `.env` for this file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {found["name"] for found in _VARIABLE.finditer(text) if found["kind"] != "+"}


def environment(
    name: str,
    service: str,
    dotenv: str = "",
    others: Mapping[str, str] = NOBODY,
    shell: Mapping[str, str] = NOBODY,
) -> dict[str, str]:
    """What the processes of a service get: `dotenv` is the text of `.env`, `others` those of other
    files by their names, `shell` what is exported there."""
    given = {**_lines(dotenv), **shell}
    one = read_with(name, given)["services"][service]
    found: dict[str, str] = {}
    for file in one.get("env_file", ()):
        text = {"./.env": dotenv, **others}.get(file["path"])
        if text is None and (ROOT / file["path"]).is_file():
            text = interpolated((ROOT / file["path"]).read_text(encoding="utf-8"), given)
        assert text is not None or file["required"] is False
        found |= _lines(text or "", given)
    return found | {key: str(value) for key, value in one.get("environment", {}).items()}


def _lines(text: str, given: Mapping[str, str] = NOBODY) -> dict[str, str]:
    """A name without a value has the one that is given, or is left out."""
    found = {**dotenv_values(stream=io.StringIO(text), interpolate=False)}
    known = {key: given.get(key) if value is None else value for key, value in found.items()}
    return {key: value for key, value in known.items() if value is not None}


def check_against_specification(document: dict[str, Any]) -> None:
    """Raises jsonschema.ValidationError."""
    schema = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


def services(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(name)["services"]
    return found


def is_job(service: dict[str, Any]) -> bool:
    """Whether it runs to its end."""
    return bool(service["restart"] == "no")
