"""Every setting as it is described to people: one place for the documentation and the commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from atlas.docstrings import of_model
from atlas.settings.field_info import SettingsGroup, ShownAs
from atlas.settings.model import GROUPS, is_secret
from atlas.settings.sources import PREFIX


@dataclass(frozen=True, slots=True)
class Described:
    """One setting."""

    name: str
    meaning: str
    """Markdown, a sentence without its full stop."""
    bounds: str
    """Such as `1 to 10`; empty without."""
    default: str
    """As the documentation shows it."""
    example: str
    """A value that is accepted: the default, where there is one."""
    secret: bool

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.name}".upper()


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """Settings that belong together."""

    title: str
    introduction: str
    settings: tuple[Described, ...]


def sections() -> Iterator[SettingsSection]:
    """All settings, in the order of the documentation."""
    for group in GROUPS.values():
        title, _, text = inspect.cleandoc(group.__doc__ or "").partition("\n")
        yield SettingsSection(title, " ".join(text.split()), tuple(_described(group)))


def _described(group: type[SettingsGroup]) -> Iterator[Described]:
    meanings = of_model(group)
    for name, field in group.model_fields.items():
        yield Described(
            name,
            meanings.get(name, "").removesuffix("."),
            _bounds(field),
            _default(field),
            _example(field),
            is_secret(field),
        )


def _shown(field: FieldInfo) -> ShownAs:
    return next((each for each in field.metadata if isinstance(each, ShownAs)), ShownAs())


def _default(field: FieldInfo) -> str:
    shown = _shown(field).default
    if shown is not None:
        return shown
    return "none" if field.default is None else as_text(field.default)


def _example(field: FieldInfo) -> str:
    example = _shown(field).example
    return as_text(field.default) if example is None else example


def as_text(value: object) -> str:
    """A value as it is written in a variable."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return value.as_posix() if isinstance(value, Path) else str(value)


def _bounds(field: FieldInfo) -> str:
    least = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    above = next((each.gt for each in field.metadata if isinstance(each, Gt)), None)
    most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    if most is not None:
        return f"{least} to {most}" if least is not None else f"above {above}, up to {most}"
    if least is not None:
        return f"at least {least}"
    return "" if above is None else f"above {above}"


def plain(markdown: str) -> str:
    """Markdown for a reader of plain text: `[page](page)` is the page, under docs/."""
    return re.sub(r"\[[^\]]*\]\(([^)]*)\)", r"docs/\1", markdown)
