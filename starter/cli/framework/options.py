"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

SourceName = Annotated[str, Parameter(help="A source, by its name")]
HostName = Annotated[str, Parameter(help="Its name, with :PORT where that is not the usual one")]
OfSource = Annotated[str | None, Parameter(help="Only pages of this source")]
Language = Annotated[str | None, Parameter(help="Only this language, as in de")]
First = Annotated[int | None, Parameter(help="The first so many")]
