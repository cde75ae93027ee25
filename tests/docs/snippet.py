"""`python -m tests.docs.snippet FILE`: run a Python block as a page shows it.

A block may `await` at its top, as in a notebook; it has `AtlasClient`, and `atlas`, an open one.
"""

import ast
import asyncio
import inspect
import sys
from pathlib import Path
from types import CodeType


def main(path: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    code = compile(text, path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, {"__name__": "__main__"})
        return
    asyncio.run(_awaited(code))


async def _awaited(code: CodeType) -> None:
    from starter import AtlasClient

    async with AtlasClient.connect() as atlas:
        await eval(code, {"AtlasClient": AtlasClient, "atlas": atlas})


if __name__ == "__main__":
    main(sys.argv[1])
