"""`atlas schema`: the contracts as JSON Schema."""

from __future__ import annotations

import difflib

from starter.cli.output import emit


def schema(name: str | None = None, /) -> int:
    """Print the JSON Schema of a request or result, or of all.

    Parameters
    ----------
    name
        SyncRequest, SyncResult, SyncProgress, FetchUrlRequest or FetchUrlResult.
    """
    from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult
    from starter.errors import InvalidRequest

    models = (SyncRequest, SyncResult, SyncProgress, FetchUrlRequest, FetchUrlResult)
    schemas = {model.__name__: model.model_json_schema() for model in models}
    if name is None:
        emit(schemas)
    elif name in schemas:
        emit(schemas[name])
    else:
        near = difflib.get_close_matches(name, schemas, n=1, cutoff=0.4)
        mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(schemas)}"
        raise InvalidRequest(f"name: {name!r} is no contract; {mend}")
    return 0
