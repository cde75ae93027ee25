"""What a field states besides its type: how it is documented, and values that are lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.functional_validators import AfterValidator


@dataclass(frozen=True, slots=True)
class ShownAs:
    """In the documentation and `.env.example`, where the value alone would not explain itself."""

    default: str | None = None
    """In place of the default."""
    example: str | None = None
    """A value that would be accepted, for a setting without a default."""


class SettingsGroup(BaseModel):
    """Settings that belong together: a section of the documentation. Its docstring introduces it;
    the docstring below a field is the field's meaning, wherever that is shown."""

    model_config = ConfigDict(
        frozen=True,
        # A field may need another one: what is not given is checked as well.
        validate_default=True,
    )


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _expanded(value: Path) -> Path:
    return value.expanduser().absolute()


Listed = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Comma-separated; in `atlas.toml` also a list."""
Place = Annotated[Path, AfterValidator(_expanded)]
"""A path; a relative one begins at the working directory, `~` at the user's home."""
