"""Where settings come from, which place wins, and what is refused, with file and line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atlas.settings import Settings, SettingsError
from atlas.settings.model import read_sources
from atlas.settings.report import report
from tests.temporal.test_codec import NEW, OLD


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused() -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


def where(name: str) -> str:
    [line] = [each for each in report().settings if each.name == name]
    return line.where


def test_the_strongest_place_wins(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Taken away one by one, from the strongest to the default."""
    secrets = folder / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("ATLAS_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", "env:" + NEW.partition(":")[2])
    (secrets / "atlas_encryption_keys").write_text("dir:" + NEW.partition(":")[2])
    (folder / ".env").write_text("# first\nATLAS_ENCRYPTION_KEYS=dot:" + NEW.partition(":")[2])
    (folder / "atlas.toml").write_text(f'encryption_keys = "toml:{NEW.partition(":")[2]}"')
    seen = []
    for place, take_away in [
        ("ATLAS_ENCRYPTION_KEYS", lambda: monkeypatch.delenv("ATLAS_ENCRYPTION_KEYS")),
        (str(secrets / "atlas_encryption_keys"), (secrets / "atlas_encryption_keys").unlink),
        (".env, line 2: ATLAS_ENCRYPTION_KEYS", (folder / ".env").unlink),
        ("atlas.toml, line 1: encryption_keys", (folder / "atlas.toml").unlink),
    ]:
        keyring = Settings.load().keyring()
        assert keyring is not None and where("encryption_keys") == place
        seen.append(keyring.first)
        take_away()
    assert seen == ["env", "dir", "dot", "toml"]
    assert Settings.load().keyring() is None and where("encryption_keys") == "default"


def test_tables_are_prefixes_and_full_names_stand_above_them(folder: Path) -> None:
    (folder / "atlas.toml").write_text(
        'contact = "me"\nretention_runs = 7\nhost.failures = 9\n'
        '[fetch]\ntimeout = 7.5\nallow_networks = ["10.0.0.0/8", "127.0.0.0/8"]\n'
        '[worker]\nqueues = "atlas, atlas-bulk"\n'
    )
    settings = Settings.load()
    assert settings.fetch.contact == "me" and settings.retention.retention_runs == 7
    assert settings.fetch.host_failures == 9 and settings.fetch.fetch_timeout == 7.5
    assert settings.fetch.fetch_allow_networks == ("10.0.0.0/8", "127.0.0.0/8")
    assert settings.worker.worker_queues == ("atlas", "atlas-bulk")
    assert where("fetch_timeout") == "atlas.toml, line 5: [fetch] timeout"
    assert where("host_failures") == "atlas.toml, line 3: [host] failures"


def test_atlas_config_names_another_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "atlas.toml").write_text("not even TOML")
    (folder / "other.toml").write_text("[fetch]\nattempts = 4")
    monkeypatch.setenv("ATLAS_CONFIG", "other.toml")
    assert Settings.load().fetch.fetch_attempts == 4
    monkeypatch.setenv("ATLAS_CONFIG", os.devnull)
    assert Settings.load().fetch.fetch_attempts == 3
    monkeypatch.setenv("ATLAS_CONFIG", "nowhere.toml")
    assert "ATLAS_CONFIG=" in refused() and "No such file" in refused()
    monkeypatch.delenv("ATLAS_CONFIG")
    (folder / ".env").write_text("ATLAS_CONFIG=other.toml")
    assert Settings.load().fetch.fetch_attempts == 4


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "atlas.toml").write_text(
        "[fetch]\ntimeot = 3\nattempts = 99\n[encryption]\nkeys_file = '/nowhere'\n"
    )
    (folder / ".env").write_text("ATLAS_EXTRACT_MEMORY=1\n")
    monkeypatch.setenv("ATLAS_WORKER_WORKFLOWS", "few")
    said = refused()
    for words in (
        "atlas.toml, line 2: [fetch] timeot is no setting; did you mean timeout?",
        "ATLAS_FETCH_ATTEMPTS=99 (atlas.toml, line 3: [fetch] attempts) refused: ",
        "atlas.toml, line 5: [encryption] keys_file=/nowhere refused: No such file or directory",
        "ATLAS_EXTRACT_MEMORY=1 (.env, line 1: ATLAS_EXTRACT_MEMORY) refused: ",
        "ATLAS_WORKER_WORKFLOWS=few refused: ",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fetch\n", "atlas.toml refused: it is no TOML: .*line 1"),
        ("fetch_timeout = 1\n[fetch]\ntimeout = 2\n", "line 3: .fetch. timeout refused: .*before"),
        ("[fetch.timeout]\nseconds = 2\n", "line 1|line 2: .fetch.timeout. seconds is no setting"),
        ("contact = 3\n", r"ATLAS_CONTACT=3 \(atlas.toml, line 1: contact\) refused"),
        ("fetch_timeout_file = 'x'\n", "fetch_timeout_file is no setting"),
    ],
)
def test_what_the_file_may_not_say(folder: Path, text: str, words: str) -> None:
    (folder / "atlas.toml").write_text(text)
    with pytest.raises(SettingsError, match=words):
        Settings.load()


def test_a_line_of_dotenv_that_says_nothing(folder: Path) -> None:
    (folder / ".env").write_text("ATLAS_CONTACT=me\nATLAS CONTACT hunter2\n")
    assert ".env, line 2 refused: write NAME=value" in refused()
    assert "hunter2" not in refused()


def test_a_variable_that_nobody_reads_is_told_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("ATLAS_FETCH_TIMEOT", "3")
    monkeypatch.setenv("ATLAS_FETCH_ATTEMPTS_FILE", "3")
    monkeypatch.setenv("ATLAS_STACK", "a mark of the embedded stack")
    monkeypatch.setenv("ATLAS_DEBUG", "1")
    (folder / ".env").write_text("ATLAS_XYZZY=1\nCOMPOSE_PROJECT_NAME=x\n")
    assert sorted(read_sources().unknown) == [
        ".env, line 1: ATLAS_XYZZY is no setting",
        "ATLAS_FETCH_ATTEMPTS_FILE is no setting; only secrets are read from files of their own",
        "ATLAS_FETCH_TIMEOT is no setting; did you mean ATLAS_FETCH_TIMEOUT?",
    ]
    assert Settings.load().fetch.fetch_timeout == 60


def test_secrets_in_files(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "password").write_text("p/ss w@rd\n")
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://me:old@db:6543/x?sslmode=require")
    monkeypatch.setenv("ATLAS_DATABASE_PASSWORD_FILE", str(folder / "password"))
    assert Settings.load().postgres_url == (
        "postgresql://me:p%2Fss%20w%40rd@db:6543/x?sslmode=require"
    )
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql:///x?host=/run/pg")
    assert Settings.load().postgres_url == ("postgresql:///x?host=/run/pg&password=p%2Fss%20w%40rd")
    monkeypatch.delenv("ATLAS_DATABASE_URL")
    assert "ATLAS_DATABASE_PASSWORD" in refused() and "needs ATLAS_DATABASE_URL" in refused()
    (folder / "keys").write_text(f"# two\n{NEW}\n{OLD}\n")
    monkeypatch.delenv("ATLAS_DATABASE_PASSWORD_FILE")
    (folder / ".env").write_text("ATLAS_ENCRYPTION_KEYS_FILE=keys")
    keyring = Settings.load().keyring()
    assert keyring is not None and len(keyring.keys) == 2


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * 100_000, b"\xff\xfe"])
def test_a_file_that_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes
) -> None:
    (folder / "hook").write_bytes(content)
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK_FILE", str(folder / "hook"))
    assert f"ATLAS_ALERT_WEBHOOK_FILE={folder / 'hook'} refused: it is " in refused()


def test_keys_of_s3_come_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_S3_SECRET_KEY", "hunter2")
    assert "give ATLAS_S3_ACCESS_KEY and ATLAS_S3_SECRET_KEY" in refused()
    assert "hunter2" not in refused()


def test_variables_of_temporal_in_dotenv_count(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"):  # so that they are taken away again
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "mine")
    (folder / ".env").write_text("TEMPORAL_ADDRESS=cloud:7233\nTEMPORAL_NAMESPACE=theirs\n")
    Settings.load()
    assert os.environ["TEMPORAL_ADDRESS"] == "cloud:7233"
    assert os.environ["TEMPORAL_NAMESPACE"] == "mine"


def test_the_file_that_another_takes_the_place_of_does_not_count(folder: Path) -> None:
    """Neither what is wrong in it, nor what it sets."""
    (folder / "atlas.toml").write_text("fetch_attempts = 4\nfetch_timeout = -5")
    (folder / "other.toml").write_text("host_failures = 7")
    found = report(folder / "other.toml")
    assert found.problems == []
    values = {line.name: line.value for line in found.settings}
    assert (values["host_failures"], values["fetch_attempts"]) == ("7", "3")
