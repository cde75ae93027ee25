"""What is told of the settings is complete, up to date, and can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atlas.settings import Settings
from atlas.settings.catalogue import sections
from atlas.settings.model import FIELDS, read_sources
from atlas.settings.reference import ROOT, documents
from atlas.settings.sources import BESIDE, INTERNAL

NOT_VARIABLES = {"ATLAS_X"}
"""Names in examples."""


def uncommented(path: Path) -> str:
    """The file with every line that sets something."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"^#(?=[A-Za-z0-9_]+ ?= ?|\[)", "", text, flags=re.MULTILINE)


def test_the_files_are_as_the_fields_say() -> None:
    stale = [str(path) for path, text in documents().items() if path.read_text() != text]
    assert stale == [], "run `python -m atlas.settings.reference`"


def test_every_setting_is_described() -> None:
    described = [each for section in sections() for each in section.settings]
    assert {each.name for each in described} == set(FIELDS)
    assert [each.name for each in described if not each.meaning or not each.example] == []


def test_every_variable_that_is_documented_is_one() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    known = {each.variable for section in sections() for each in section.settings} | set(BESIDE)
    named = set(re.findall(r"ATLAS_[A-Z0-9_]+(?<!_)", page))
    assert {name for name in named - known if name.removesuffix("_FILE") not in known} == set()
    assert known - named == set()


def test_the_env_example_loads_with_every_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(uncommented(ROOT / ".env.example"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATLAS_HOME")
    reading = read_sources()
    settings, problems = Settings.checked(reading)
    assert problems == [] and reading.unknown == []
    assert {name for name in FIELDS if not reading.of(name)} == set()
    defaults = Settings()
    changed = {
        name
        for name, field in FIELDS.items()
        if field.default is not None and field.default != () and name != "home"
        if settings.value(name) != defaults.value(name)
    }
    assert changed == set(), "a default is not shown as it is"


def test_the_toml_example_loads_with_every_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = uncommented(ROOT / "docs" / "atlas.toml")
    (tmp_path / "secrets").mkdir()
    for section in sections():
        for each in section.settings:
            (tmp_path / "secrets" / each.variable.lower()).write_text(each.example)
    (tmp_path / "atlas.toml").write_text(text.replace("/run/secrets", str(tmp_path / "secrets")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATLAS_HOME")
    reading = read_sources()
    assert Settings.checked(reading)[1] == []
    assert {name for name in FIELDS if not reading.of(name)} == set()


def test_the_toml_in_the_page_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "settings.md").read_text(), re.S)
    (tmp_path / "password").write_text("x")
    place = "/run/secrets/atlas_database_password"
    assert place in block
    (tmp_path / "atlas.toml").write_text(block.replace(place, str(tmp_path / "password")))
    monkeypatch.chdir(tmp_path)
    assert Settings.load().fetch.fetch_timeout == 30


def test_every_variable_in_the_code_is_known() -> None:
    """Else the doctor would call it a typing mistake."""
    known = {each.variable for section in sections() for each in section.settings}
    known |= {f"{name}_FILE" for name in known} | set(BESIDE) | INTERNAL
    folders = ("atlas", "activities", "workflows", "starter", "deploy")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [ROOT / "worker.py", ROOT / "Dockerfile", *ROOT.glob("docker-compose*.yml")]
    named = {
        name
        for path in files
        if path.suffix in {".py", ".yml", ".yaml", ".sh", ".env", ""} and path.exists()
        for name in re.findall(r"\bATLAS_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(errors="replace"))
    }
    assert named - known - NOT_VARIABLES == set()
