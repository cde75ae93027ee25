"""A container engine, if there is one; compose projects on it; a small site beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.compose import ROOT

STAND_INS = ROOT.parent / "shared" / "docker"
"""Starts an engine and builds images under upstream's names, where no registry is in reach."""


def run(*command: str, cwd: Path = ROOT, **changes: str) -> str:
    """Standard output of a command that ends well; all it said, where it does not."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **changes}, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} → {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def answers(*command: str) -> bool:
    """Whether a command is there and ends well."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True).returncode == 0


def need_engine() -> None:
    """Skip the test, and say so, unless an engine with compose answers."""
    if not (answers("docker", "version") and answers("docker", "compose", "version")):
        if (STAND_INS / "engine.sh").exists():
            subprocess.run([STAND_INS / "engine.sh"], check=False)
        if not answers("docker", "compose", "version") or not answers("docker", "version"):
            pytest.skip("no container engine answers: start Docker, and run this again")


def need_images(names: set[str]) -> None:
    """Where images can be made rather than pulled, make those that are not there."""
    missing = sorted(name for name in names if not answers("docker", "image", "inspect", name))
    if missing and (STAND_INS / "images.sh").exists():
        run(str(STAND_INS / "images.sh"), *missing)


def checkout(folder: Path) -> Path:
    """The last commit as anybody gets it: no file of this working tree comes along."""
    run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder))
    return folder


def bases(folder: Path) -> set[str]:
    """The images that the Dockerfile begins with."""
    return set(re.findall(r"^ARG \w+_IMAGE=(\S+)$", (folder / "Dockerfile").read_text(), re.M))


@dataclass
class Project:
    """One compose project of a checkout, its files as they are."""

    folder: Path
    name: str
    variables: dict[str, str]
    file: str = "docker-compose.yml"
    site: str | None = field(default=None, init=False)

    def compose(self, *arguments: str) -> str:
        """`docker compose …`; its standard output."""
        command = ("docker", "compose", "--progress", "quiet", "-f", self.file, *arguments)
        return run(*command, cwd=self.folder, COMPOSE_PROJECT_NAME=self.name, **self.variables)

    def set(self, **values: str) -> None:
        """Write `.env`."""
        lines = [f"{name}='{value}'" for name, value in values.items()]
        (self.folder / ".env").write_text("\n".join(lines) + "\n")

    def up(self, *more: str) -> float:
        """`docker compose up -d --wait`; the seconds it took."""
        began = time.monotonic()
        self.compose("up", "-d", "--wait", *more)
        return time.monotonic() - began

    def atlas(self, *arguments: str, index: int = 1) -> str:
        """A command of Atlas in a worker's container."""
        return self.compose("exec", "-T", "--index", str(index), "worker", "atlas", *arguments)

    def begin(self, *arguments: str, index: int = 1) -> subprocess.Popen[str]:
        """Any command in a worker's container, in the background."""
        command = ("docker", "compose", "-f", self.file, "exec", "-T", "--index", str(index))
        return subprocess.Popen(
            [*command, "worker", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.variables, "COMPOSE_PROJECT_NAME": self.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill(self, index: int) -> None:
        """SIGKILL a worker's process as a crash would; the engine is to start it again."""
        code = (
            "import os; from atlas.worker.heartbeat_file import signs; "
            "os.kill(signs()[0].process.pid, 9)"
        )
        # Its container ends with it, and this command, too, if it is not quick enough.
        self.begin("python", "-c", code, index=index).communicate(timeout=60)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of each container of a service."""
        ids = self.compose("ps", "-a", "-q", service).split()
        found: list[dict[str, Any]] = json.loads(run("docker", "inspect", *ids))
        return found

    def serve(self, pages: Path) -> None:
        """A site at http://site.test:8000/, on the project's network."""
        worker = self.containers("worker")[0]
        networks = worker["NetworkSettings"]["Networks"]
        (network,) = (each for each in networks if each.endswith(("_web", "_dev")))
        self.site = run(
            *(
                "docker",
                "run",
                "-d",
                "--no-healthcheck",
                "--network",
                network,
                "--network-alias",
                "site.test",
            ),
            *("-v", f"{pages}:/site:ro", "--entrypoint", "python", worker["Image"]),
            *("-m", "http.server", "-d", "/site", "8000"),
        ).strip()

    def end(self) -> None:
        """Stop all of it and forget its data."""
        self.unserve()
        self.compose("--profile", "*", "down", "-v", "--remove-orphans", "--timeout", "10")

    def unserve(self) -> None:
        if self.site:
            run("docker", "rm", "-f", self.site)
            self.site = None


def until(holds: Callable[[], bool], what: str, seconds: float = 300) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:.0f} s still not so: {what}")
        time.sleep(1)
