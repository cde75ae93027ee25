"""Links, headings, settings, Python: every name that the pages use is there."""

import ast
import builtins
import importlib
import re
import subprocess

import pytest

from tests.docs.pages import ROOT, blocks, name_of, pages, prose, read

NAMES = [name_of(page) for page in pages()]
INDEX = "docs/README.md"
DECISIONS = [name_of(page) for page in sorted((ROOT / "docs/decisions").glob("*.md"))]

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r'<img [^>]*src="([^"]+)"')
_SETTING = re.compile(r"\bATLAS_[A-Z][A-Z_]*[A-Z]\b")


def links(name: str) -> list[str]:
    """Where a page points to in this repository, as it is written."""
    text = re.sub(r"`[^`\n]*`", "", prose(name))
    found = [*_LINK.findall(text), *_IMAGE.findall(text)]
    return [each for each in found if not re.match(r"[a-z]+:", each)]


def target(name: str, link: str) -> tuple[str, str]:
    """File and anchor of a link."""
    path, _, anchor = link.partition("#")
    file = (ROOT / name).parent / path if path else ROOT / name
    return file.resolve().relative_to(ROOT).as_posix(), anchor


def anchors(name: str) -> set[str]:
    """The anchors GitHub makes of the headings; a second of a name gets a number."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", prose(name), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (unique := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(unique)
    return found


@pytest.mark.parametrize("name", [*NAMES, *DECISIONS])
def test_links_lead_somewhere(name: str) -> None:
    for link in links(name):
        file, anchor = target(name, link)
        assert (ROOT / file).exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(file), f"{name}: {link}"


def test_every_page_is_reached_from_the_index() -> None:
    listed = {target(INDEX, link)[0] for link in links(INDEX)}
    assert {name for name in NAMES if name.startswith("docs/")} - listed == {INDEX}


def test_both_readmes_lead_to_the_index() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        assert INDEX in {target(name, link)[0] for link in links(name)}


@pytest.fixture(scope="module")
def known_settings() -> set[str]:
    """What the code and the files of the deployment call by name."""
    from atlas.settings.model import FIELDS

    named = subprocess.run(
        ["git", "grep", "-ohwE", "ATLAS_[A-Z_]+[A-Z]", "--", ":!*.md", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return {f"ATLAS_{name.upper()}" for name in FIELDS} | set(named)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_known(name: str, known_settings: set[str]) -> None:
    assert set(_SETTING.findall(read(name))) <= known_settings


@pytest.mark.parametrize("name", NAMES)
def test_python_compiles_and_imports_what_is_there(name: str) -> None:
    for block in blocks(name):
        if block.language != "python":
            continue
        code = compile(
            block.text, block.where, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        for node in ast.walk(code):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("atlas", "starter")
            ):
                module = importlib.import_module(str(node.module))
                missing = [each.name for each in node.names if not hasattr(module, each.name)]
                assert not missing, f"{block.where}: {node.module} has no {missing}"


@pytest.mark.parametrize("name", sorted({*NAMES} - {"docs/python.md"}))  # there each goes on
def test_a_block_of_python_takes_no_name_from_another(name: str) -> None:
    for block in blocks(name):
        if block.language == "python" and block.mark != "not run":
            unknown = _taken(block.text) - {"AtlasClient", "atlas", *vars(builtins)}
            assert not unknown, f"{block.where}: {unknown}"


def _taken(text: str) -> set[str]:
    """The names that a block uses and does not define."""
    known, used = set(), set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id, ast.Load()):
                used.add(id)
            case ast.Name(id) | ast.arg(id):
                known.add(id)
            case ast.alias(name, alias):
                known.add(alias or name.split(".")[0])
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                known.add(name)
            case ast.ExceptHandler(name=str(name)):
                known.add(name)
    return used - known


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (
        [line for block in blocks(name) for line in map(_bare, block.commands())]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def _bare(line: str) -> str:
    return re.sub(r"\s+#.*$", "", line)
