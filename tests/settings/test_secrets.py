"""No secret is ever shown, wherever it was given, and however wrong it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.health.configuration import doubtful, refused
from atlas.settings import Settings, SettingsError
from atlas.settings.catalogue import sections
from atlas.settings.report import SettingLine, SettingsReport, report
from starter.cli.commands.config import ConfigCheck, ConfigList, _from
from starter.cli.framework.output import merged
from tests.starter.conftest import Atlas, atlas

__all__ = ["atlas"]

SECRETS = [each.name for section in sections() for each in section.settings if each.secret]
# What a password may hold; a marker in it that nothing else prints.
WORDS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="\"'\\`#$"),
    min_size=1,
    max_size=12,
).map(lambda text: f"{text}zqx7{text}")
SHAPES = st.sampled_from(
    [
        "{}",
        "postgresql://me:{}@db.example:5432/atlas",
        "postgresql://db.example/atlas?password={}&x=1",
        "postgresql://me:{}@db.example:port/atlas",
        "mysql://me:{}@db/x",
        "https://hooks.example/{}",
        "https://{}@hooks.example",
        "one:{}",
        "{}:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "//{}",
    ]
)
PLACES = st.sampled_from(["variable", "file", "folder", "dotenv", "toml", "toml_table"])


def printed(found: SettingsReport, lines: list[SettingLine]) -> str:
    values = merged(ConfigCheck.of(found), ConfigList.of(found, lines))
    return json.dumps(values, ensure_ascii=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("secrets")


def put(patch: pytest.MonkeyPatch, folder: Path, place: str, name: str, value: str) -> None:
    variable, table = f"ATLAS_{name}".upper(), name.partition("_")
    patch.chdir(folder)
    patch.setenv("ATLAS_SECRETS_DIR", str(folder))
    for path in folder.iterdir():
        path.unlink()
    quoted = json.dumps(value, ensure_ascii=False)
    match place:
        case "variable":
            patch.setenv(variable, value)
        case "file":
            (folder / "it").write_text(value, encoding="utf-8")
            patch.setenv(f"{variable}_FILE", str(folder / "it"))
        case "folder":
            (folder / variable.lower()).write_text(value, encoding="utf-8")
        case "dotenv":
            (folder / ".env").write_text(f"{variable}='{value}'\n", encoding="utf-8")
        case "toml":
            (folder / "atlas.toml").write_text(f"{name} = {quoted}\n", encoding="utf-8")
        case "toml_table":
            text = f"[{table[0]}]\n{table[2]} = {quoted}\n"
            (folder / "atlas.toml").write_text(text, encoding="utf-8")


def everything_told() -> str:
    """All that `atlas config`, the doctor and an error say of the settings."""
    found = report()
    said = [printed(found, found.settings)]
    said += [_from(line) for line in found.settings]
    said += [check.model_dump_json() for check in (*refused(found), *doubtful(found))]
    try:
        loaded = Settings.load()
    except SettingsError as error:
        said.append(str(error))
    else:
        said += [repr(loaded), str(loaded), loaded.model_dump_json()]
    return "\n".join(said)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SECRETS), WORDS, SHAPES, PLACES)
def test_no_secret_is_shown(folder: Path, name: str, word: str, shape: str, place: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        put(patch, folder, place, name, shape.format(word))
        assert "zqx7" not in everything_told()


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["blobs", "contact", "web_ui_url", "s3_endpoint", "fetch_timeout"]),
    WORDS,
    st.sampled_from(["https://me:{}@example.org/x", "s3://key:{}@bucket", "http://{}@h"]),
    PLACES.filter(lambda place: place in {"variable", "dotenv", "toml"}),
)
def test_no_password_of_an_address_is_shown(
    folder: Path, name: str, word: str, shape: str, place: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        put(patch, folder, place, name, shape.format(word))
        found = report()
        said = printed(found, found.settings)
        checks = [check.model_dump_json() for check in refused(found)]
        assert "zqx7" not in "\n".join([said, *checks])


@pytest.mark.parametrize(
    "variable",
    [
        "TEMPORAL_API_KEY",
        "TEMPORAL_TLS_CLIENT_KEY_DATA",
        "TEMPORAL_CODEC_AUTH",
        "TEMPORAL_GRPC_META_AUTHORIZATION",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "PGPASSWORD",
    ],
)
@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_no_secret_of_others_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if place == "environment":
        monkeypatch.setenv(variable, "zqx7")
    else:
        (tmp_path / ".env").write_text(f"{variable}=zqx7\n")
    found = report()
    [line] = [each for each in found.foreign if each.variable == variable]
    assert line.secret and "zqx7" not in printed(found, [])


async def test_no_line_of_temporals_file_is_shown(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "temporal.toml").write_text('[profile.default]\napi_key = "zqx7\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))
    for command in (("doctor",), ("runs", "list")):
        ran = await atlas(*command)
        assert "Temporal's configuration cannot be used" in ran.out + ran.err
        assert "line 2" in ran.out + ran.err and "zqx7" not in ran.out + ran.err


@pytest.mark.parametrize("name", ["atlas.toml", "below/atlas.toml", "/elsewhere/atlas.toml"])
def test_a_file_with_secrets_that_others_may_read_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = tmp_path / name[1:] if name.startswith("/") else here / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('database_url = "postgresql://atlas@127.0.0.1/atlas"')
    path.chmod(0o644)
    monkeypatch.setenv("ATLAS_CONFIG", str(path))
    assert [check.mend for check in doubtful(report())] == [f"`chmod 600 {path}`"]
    path.chmod(0o600)
    assert not list(doubtful(report()))
