"""Completion as a shell asks for it, and in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from starter.cli import COMMANDS
from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas

IN_SHELLS = {
    "bash": """
        source <(atlas completion bash)
        complete -p atlas
        COMP_WORDS=(atlas sync --mode f) COMP_CWORD=3
        _atlas
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        autoload -U compinit; compinit -u -d $HOME/dump
        source <(atlas completion zsh)
        print $_comps[atlas]
        _describe() { print -l -- "${(@P)2}" }
        words=(atlas sync --mode f) CURRENT=4
        _atlas
    """,
    "fish": """
        atlas completion fish | source
        complete -C 'atlas sync --mode f'
    """,
}


async def offered(atlas: Atlas, *words: str) -> list[str]:
    """The values for the last word."""
    ran = await atlas("__complete", *words)
    assert (ran.code, ran.err) == (0, "")
    return [line.split("\t")[0] for line in ran.out.splitlines()]


async def test_commands_options_and_choices_are_offered(atlas: Atlas) -> None:
    assert await offered(atlas, "") == sorted(name for name, _, _ in COMMANDS)
    assert await offered(atlas, "so") == ["sources"]
    assert {"list", "show", "cancel"} <= set(await offered(atlas, "runs", ""))
    assert "--wait" in await offered(atlas, "sync", "docs", "--")
    assert await offered(atlas, "sync", "--mode", "f") == ["failed", "full"]
    assert await offered(atlas, "sync", "-o", "") == ["json", "jsonl", "text"]
    assert await offered(atlas, "sync", "--output", "=", "t") == ["text"]  # as bash splits it
    assert "weekly_report" in await offered(atlas, "start", "")
    assert await offered(atlas, "schema", "Sync") == []
    assert await offered(atlas, "nothing", "of", "the", "kind") == []


async def test_names_are_offered_where_they_belong(atlas: Atlas, atlas_env: AtlasEnv) -> None:
    await atlas_env.add_source("docs", "urls", "https://example.org/")
    await atlas_env.add_source("news", "feed", "https://example.org/feed")
    assert await offered(atlas, "sync", "") == ["docs", "news"]
    assert await offered(atlas, "sync", "docs", "--wait", "n") == ["news"]
    assert await offered(atlas, "sources", "show", "d") == ["docs"]
    assert await offered(atlas, "sources", "show", "docs", "") == []
    assert await offered(atlas, "sources", "add", "") == []
    assert await offered(atlas, "docs", "list", "--limit", "3", "--source", "") == ["docs", "news"]
    assert await offered(atlas, "runs", "show", "") == []


async def test_a_corpus_that_does_not_answer_offers_nothing(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    assert await offered(atlas, "sync", "d") == []


@pytest.mark.parametrize("shell", IN_SHELLS)
def test_the_script_works_in_its_shell(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [program, "-c", IN_SHELLS[shell]],
        env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    lines = [line.replace(":", "\t").split("\t")[0] for line in ended.stdout.split("\n") if line]
    assert lines[-2:] == ["failed", "full"]
    assert shell == "fish" or "_atlas" in ended.stdout
