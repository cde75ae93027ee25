"""Compose files, read as the engine reads them where nobody sets a variable."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.dev.yml")
# The specification's own schema (github.com/compose-spec/compose-go v2.16.1, Apache-2.0).
SPECIFICATION = Path(__file__).with_name("compose-spec.json")

_INNER = re.compile(r"\$\{[A-Z0-9_]+:\+[^}]*\}")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*))?\}")


@cache
def read(name: str) -> dict[str, Any]:
    """A file with its anchors resolved and its extensions (`x-…`) left out."""
    text = (ROOT / name).read_text(encoding="utf-8")
    whole = yaml.safe_load(interpolated(text))
    return {key: value for key, value in whole.items() if not key.startswith("x-")}


def interpolated(text: str) -> str:
    """Each variable as its default, or empty."""
    text = _INNER.sub("", text)  # what stands where a variable *is* set
    return _VARIABLE.sub(lambda found: found["default"] or "", text).replace("$$", "$")


def variables(name: str) -> set[str]:
    """What a person may set in `.env` for this file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {found["name"] for found in _VARIABLE.finditer(text)}


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
