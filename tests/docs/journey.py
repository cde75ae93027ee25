"""Following a page: what its reader types, in order, each command's end, and what was left out."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import ROOT, SHELL, Block, blocks
from tests.docs.shells import Shell

SILENCE = 300.0  # seconds: setting up prints nothing while it downloads


@dataclass
class Journey:
    """A page followed from top to bottom on an environment of its own."""

    page: str
    shell: Shell
    instead: Mapping[str, str]
    """What is put in place of what: a site on loopback for one that is only an example."""
    folder: Path
    home: Path
    """Of Atlas; a port that was taken on this machine is in its record."""
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What makes a command's moment: a run under way, say, for one that pauses it."""
    run: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def prepare(self, lines: Iterable[str]) -> None:
        """Do what the page takes to be done already."""
        for line in lines:
            typed = self.shell.type(self._replaced(line), SILENCE)
            assert typed.code == 0, f"{line}: {typed.output}"

    def follow(self) -> None:
        """Type every block of the page."""
        for block in blocks(self.page):
            if block.language == "python":
                self._python(block)
            elif block.language in SHELL:
                self._commands(block)

    def told(self) -> str:
        """What was run and what was not, for people."""
        lines = [f"{self.page}: {len(self.run)} commands run, {len(self.not_run)} not"]
        lines += [f"  {each}" for each in self.run]
        return "\n".join([*lines, *(f"  not run: {each}" for each in self.not_run)])

    def _python(self, block: Block) -> None:
        if block.mark == "not run":
            self.not_run.append(f"{block.where}: Python ({block.why})")
            return
        file = self.folder / f"block-{block.line}.py"
        file.write_text(self._replaced(block.text), encoding="utf-8")
        runner = f"PYTHONPATH={ROOT} {sys.executable} -m tests.docs.snippet {file}"
        self._type(block, runner, "Python")

    def _commands(self, block: Block) -> None:
        for line in block.commands():
            if block.mark == "not run":
                self.not_run.append(f"{block.where}: {line} ({block.why})")
            elif "…" in (replaced := self._replaced(line)):
                self.not_run.append(f"{block.where}: {line} (… stands for something)")
            else:
                self.prepare(self.before.get(line.split("  ", 1)[0], ()))
                self._type(block, replaced, line)

    def _type(self, block: Block, line: str, shown: str) -> None:
        begun = time.monotonic()
        typed = self.shell.type(self._reaching(line), SILENCE)
        seconds = time.monotonic() - begun
        self.run.append(f"{seconds:6.1f} s  {typed.code}  {block.where}: {shown}")
        if typed.code and block.mark != "may fail":
            self.failed.append(f"{block.where}: {shown}: exit code {typed.code}\n{typed.output}")

    def _reaching(self, line: str) -> str:
        """For `temporal`, as the pages take to be exported: where the stack of this home is."""
        if not line.startswith("temporal ") or line.startswith("temporal atlas"):
            return line
        return f"TEMPORAL_CONFIG_FILE={self.home / 'temporal' / 'client.toml'} {line}"

    def _replaced(self, text: str) -> str:
        for before, after in self.instead.items():
            text = text.replace(before, after)
        return text


def clone_of(root: Path) -> str:
    """The repository, in place of its address on the web."""
    return f"git clone -q {shlex.quote(str(root))} atlas"
