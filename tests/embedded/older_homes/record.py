"""Write the rows of a home as an older version of Atlas leaves them:

    git archive 8cb2449 | tar -x -C /tmp/atlas-0.6.0
    python -m tests.embedded.older_homes.record /tmp/atlas-0.6.0 0.6.0

The version in the folder starts a stack, syncs the site twice, answers searches and stops. Its rows
are kept as SQL, the site's address as `{site}`, and its answers as JSON. The tables are not: they
are those of the migrations that it had applied, which never change. What it needs to run and this
version does not is looked for on PYTHONPATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from atlas.embedded.postgres import Postgres
from atlas.embedded.postgres_binaries import find_installation
from tests.embedded.older_homes import site
from tests.origin import Origin

FOLDER = Path(__file__).parent
_ENTRY = "import sys; from starter.cli import entry; sys.argv[0] = 'atlas'; sys.exit(entry())"


class OlderAtlas:
    """The commands of another version, in a home of its own."""

    def __init__(self, checkout: Path, home: Path) -> None:
        self.checkout = checkout
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")},
            "PYTHONPATH": os.pathsep.join([str(checkout), os.environ.get("PYTHONPATH", "")]),
            "ATLAS_HOME": str(home),
            "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        }

    async def __call__(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _ENTRY, *arguments),
            cwd=self.checkout,
            env=self.environment,
            stdout=subprocess.PIPE,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise SystemExit(f"atlas {' '.join(arguments)}: exit {process.returncode}")
        return said.decode()


async def record(checkout: Path, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="older-home-") as folder:
        home = Path(folder) / "home"
        atlas = OlderAtlas(checkout, home)
        async with Origin() as origin:
            await atlas("up", "-d")
            try:
                start = origin.url(site.START)
                site.serve(origin, later=False)
                await atlas("sources", "add", "docs", start, "--kind", "site", "--delay", "0")
                for later in (False, True):
                    site.serve(origin, later=later)
                    await atlas("sync", "docs", "--mode", "full", "--wait")
                answers = {query: await _search(atlas, query, start) for query in site.QUERIES}
                rows = _rows(home, origin.host)
            finally:
                await atlas("down")
    answered = json.dumps(answers, indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(answered + "\n")
    (FOLDER / f"{name}.sql").write_text(rows)


async def _search(atlas: OlderAtlas, query: str, start: str) -> list[str]:
    found = json.loads(await atlas("search", query, "-o", "json"))
    return [hit["url"].removeprefix(start) for hit in found["results"]]


def _rows(home: Path, host: str) -> str:
    """All rows as SQL, without comments: `{site}` is where the site was."""
    installation = find_installation()
    url = Postgres(home / "postgres", installation).url()
    said = subprocess.run(
        [
            str(installation.program("pg_dump")),
            *("--data-only", "--rows-per-insert=100", "--column-inserts"),
            *("--load-via-partition-root", url),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [
        line
        for line in said.splitlines()
        if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return re.sub(re.escape(host), "{site}", "\n".join(lines)) + "\n"


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]).resolve(), sys.argv[2]))
