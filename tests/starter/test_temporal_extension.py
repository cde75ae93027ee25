"""`temporal atlas …`: the real `temporal` CLI finds `temporal-atlas`, and Atlas speaks under it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atlas.embedded.temporal import find_temporal


def temporal(*arguments: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the real program, with Atlas's scripts on its path."""
    program = find_temporal()
    scripts = Path(sys.executable).parent
    path = os.pathsep.join([str(scripts), str(program.parent), os.environ["PATH"]])
    environment = {**os.environ, **variables, "PATH": path}
    return subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_temporal_atlas_is_atlas(corpus: str, tmp_path: Path) -> None:
    settings = {"ATLAS_DATABASE_URL": corpus, "HOME": str(tmp_path)}
    helped = temporal("atlas", "--help", variables=settings)
    assert helped.returncode == 0, helped.stderr
    assert "Usage: temporal atlas COMMAND" in helped.stdout
    page = temporal("atlas", "runs", "show", "--help", variables=settings)
    assert "Usage: temporal atlas runs show [OPTIONS] RUN" in page.stdout
    listed = temporal("atlas", "sources", "list", "-o", "json", variables=settings)
    assert (listed.returncode, '"schema": "sources/1"' in listed.stdout) == (0, True), listed
    wrong = temporal("atlas", "sync", "--wiat", variables=settings)
    assert wrong.returncode != 0 and wrong.stdout == ""
    assert "See `temporal atlas sync --help`." in wrong.stderr


@pytest.mark.slow
def test_a_mistake_under_temporal_keeps_its_exit_code(corpus: str, tmp_path: Path) -> None:
    settings = {"ATLAS_DATABASE_URL": corpus, "HOME": str(tmp_path)}
    assert temporal("atlas", "sync", "--wiat", variables=settings).returncode == 2
