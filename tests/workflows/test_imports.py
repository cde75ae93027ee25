"""Workflow modules reach no I/O library: neither in the import graph nor when really imported."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
IO_LIBRARIES = (
    "httpx", "aiohttp", "asyncpg", "aioboto3", "aiobotocore", "boto3", "lxml", "trafilatura",
    "numpy", "resiliparse", "selectolax", "pebble", "pypdfium2", "zstandard",
)  # fmt: skip
MODULES = sorted(
    f"workflows.{file.stem}"
    for file in (ROOT / "workflows").glob("*.py")
    if file.stem != "__init__"
)


def test_the_import_graph_leads_from_no_workflow_to_an_io_library() -> None:
    graph = grimp.build_graph(
        "atlas",
        "activities",
        "workflows",
        include_external_packages=True,
        exclude_type_checking_imports=True,
    )
    known = graph.modules
    for library in set(IO_LIBRARIES) & known:
        for module in MODULES:
            assert graph.find_shortest_chain(module, library) is None, (module, library)
    assert {"httpx", "asyncpg", "lxml"} <= known  # the graph does see them, elsewhere


@pytest.mark.parametrize("module", MODULES)
def test_importing_a_workflow_module_imports_no_io_library(module: str) -> None:
    code = (
        f"import sys, {module}; top = {{name.partition('.')[0] for name in sys.modules}};"
        f"print(*sorted(top.intersection({IO_LIBRARIES!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
