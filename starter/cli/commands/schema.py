"""`atlas schema`: requests, results and `sources.yaml` as JSON Schema."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from cyclopts import Parameter

from starter.cli.framework.output import emit_foreign

_SOURCES = "sources"


def schema(
    name: Annotated[
        str | None,
        Parameter(
            help="A workflow type, a request or result such as SyncRequest, or sources for "
            "the file of `atlas plan`"
        ),
    ] = None,
    /,
) -> None:
    """Print the JSON Schema of requests and results: of one, of a workflow type, or of all; or that
    of sources.yaml, with which editors complete and check the file.

    Examples:
        atlas schema sync_pipeline
        atlas schema SyncRequest | jq '.properties | keys'
        atlas schema sources > sources.schema.json
    """
    from atlas.contracts.catalogue import WORKFLOWS
    from atlas.docstrings import describe
    from starter.errors import InvalidRequest

    if name == _SOURCES:
        from starter.source_files.rules import json_schema

        emit_foreign(json_schema())
        return
    schemas: dict[str, Any] = {}
    for kind in WORKFLOWS.values():
        pair = {m.__name__: describe(m).model_json_schema() for m in (kind.request, kind.result)}
        schemas |= {kind.name: pair, **pair}
    if name is None:
        emit_foreign({kind: schemas[kind] for kind in WORKFLOWS})
    elif name in schemas:
        emit_foreign(schemas[name])
    else:
        known = [_SOURCES, *schemas]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        fix = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise InvalidRequest(f"name: unknown type {name!r}; {fix}")
