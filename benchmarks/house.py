"""How legible the code is: sizes and names outside tests, now and at an earlier revision.

    python -m benchmarks house          # this checkout beside the baseline, release 0.3.0
    BASELINE=HEAD~1 python -m benchmarks house

Counts Python files that git tracks, but tests and benchmarks. The baseline is read from git; in a
checkout without its history only the figures of today are printed.
"""

from __future__ import annotations

import ast
import io
import os
import statistics
import subprocess
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

BASELINE = "3690596"
"""The last commit of release 0.3.0."""

NOUNS = frozenset(
    "processing reporting monitoring settling ranking decoding tracing rendering listing "
    "spelling keyring ping".split()
)
"""Nouns and terms of the field that merely look like gerunds."""


@dataclass(frozen=True)
class Module:
    """One Python file: its path and text."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1].removesuffix(".py")

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


def main() -> None:
    """Print each figure, with the baseline's and their ratio where both are numbers."""
    today = figures(_checked_out())
    baseline = os.environ.get("BASELINE", BASELINE)
    try:
        before = figures(_at(baseline))
    except subprocess.CalledProcessError:
        print(f"no revision {baseline} in this clone: only the figures of today")
        before = {}
    print(f"{'':44}{baseline:>12}{'now':>12}{'ratio':>8}")
    for what, now in today.items():
        then = before.get(what)
        ratio = f"{now / then:8.2f}" if then else ""
        print(f"{what:44}{'' if then is None else f'{then:g}':>12}{now:>12g}{ratio}")


def figures(modules: list[Module]) -> dict[str, float]:
    """Each measurement by what it counts."""
    lengths = sorted(_function_lengths(modules))
    lines = sum(_lines(module) for module in modules)
    return {
        "files": len(modules),
        "lines": lines,
        "files over 300 lines": sum(_lines(module) > 300 for module in modules),
        "files over 450 lines": sum(_lines(module) > 450 for module in modules),
        "files in the largest folder": max(_folders(modules).values()),
        "function: median lines": statistics.median(lengths),
        "function: lines at p90": lengths[int(len(lengths) * 0.9)],
        "function: longest": lengths[-1],
        "import lines, percent": round(100 * _count(modules, _import_lines) / lines, 1),
        "comment lines per 100": round(100 * _count(modules, _comment_lines) / lines, 1),
        "module names used twice or more": _repeated(
            module.name for module in modules if not module.name.startswith("__")
        ),
        "modules named by a gerund": sum(_gerund(module.name) for module in modules),
        "public classes": len(set(_classes(modules))),
        "public class names defined twice or more": _repeated(_classes(modules)),
    }


def _checked_out() -> list[Module]:
    paths = [path for path in _git("ls-files", "*.py").splitlines() if _counts(path)]
    return [Module(path, Path(path).read_text("utf-8")) for path in paths if Path(path).exists()]


def _at(revision: str) -> list[Module]:
    paths = _git("ls-tree", "-r", "--name-only", revision).splitlines()
    return [Module(path, _git("show", f"{revision}:{path}")) for path in paths if _counts(path)]


def _counts(path: str) -> bool:
    return path.endswith(".py") and not path.startswith(("tests/", "benchmarks/"))


def _git(*words: str) -> str:
    done = subprocess.run(("git", *words), capture_output=True, text=True, check=True)
    return done.stdout


def _lines(module: Module) -> int:
    return module.text.count("\n")


def _folders(modules: Iterable[Module]) -> Counter[str]:
    return Counter(module.path.rpartition("/")[0] for module in modules)


def _function_lengths(modules: Iterable[Module]) -> Iterable[int]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def _classes(modules: Iterable[Module]) -> Iterable[str]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def _count(modules: Iterable[Module], lines: Callable[[Module], int]) -> int:
    return sum(lines(module) for module in modules)


def _import_lines(module: Module) -> int:
    imports = (
        node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)
    )
    return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in imports)


def _comment_lines(module: Module) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return len({token.start[0] for token in tokens if token.type == tokenize.COMMENT})


def _repeated(names: Iterable[str]) -> int:
    return sum(count > 1 for count in Counter(names).values())


def _gerund(name: str) -> bool:
    return any(word.endswith("ing") and word not in NOUNS for word in name.split("_"))


if __name__ == "__main__":
    main()
