"""Settings are refused by name, value and mend; secrets are never shown."""

from pathlib import Path

import pytest

from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.connection import shown


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ATLAS_FETCH_ATTEMPTS", "11", "ATLAS_FETCH_ATTEMPTS=11 refused: .*equal to 10"),
        ("ATLAS_FETCH_MAX_BYTES", "1MB", "ATLAS_FETCH_MAX_BYTES=1MB refused: .*integer"),
        ("ATLAS_EXTRACT_MEMORY", "1", "ATLAS_EXTRACT_MEMORY=1 refused: .*268435456"),
        ("ATLAS_FETCH_ALLOW_NETWORKS", "10.0.0.0/8,x", "'x' is not a CIDR such as 127.0.0.0/8"),
        ("ATLAS_DATABASE_URL", "sqlite:///x", "ATLAS_DATABASE_URL refused: .*postgresql://"),
        ("ATLAS_DATABASE_URL", "postgresql://h:x/y", "ATLAS_DATABASE_URL refused: .*port"),
    ],
)
def test_a_refusal_names_the_setting_its_value_and_the_mend(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        Settings.load()


def test_all_refused_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_FETCH_TIMEOUT", "soon")
    monkeypatch.setenv("ATLAS_EXTRACT_CHILDREN", "0")
    assert "ATLAS_FETCH_TIMEOUT" in refusal()
    assert "ATLAS_EXTRACT_CHILDREN" in refusal()


def test_a_database_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", "mysql://me:hunter2@db/x")
    assert "hunter2" not in refusal()
    monkeypatch.setenv("ATLAS_DATABASE_URL", "postgresql://me:hunter2@db/x")
    settings = Settings.load()
    assert "hunter2" not in repr(settings) + str(settings.model_dump_json())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://me:hunter2@db/atlas", "db:5432/atlas"),
        ("postgresql://me:hunter2@db:6543/atlas", "db:6543/atlas"),
        ("postgresql://me:hunter2@[::1]:6543/atlas", "[::1]:6543/atlas"),
        ("postgresql://me:hunter2@a:1,b:2/atlas", "a:1,b:2/atlas"),
        ("postgresql:///atlas?host=/run/pg&port=5433&password=secret", "/run/pg:5433/atlas"),
        ("postgresql:///atlas", "socket:5432/atlas"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, address: str) -> None:
    assert shown(url) == address


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", "")
    monkeypatch.setenv("ATLAS_FETCH_ATTEMPTS", "")
    settings = Settings.load()
    assert (settings.places.database_url, settings.fetch.fetch_attempts) == (None, 3)


def test_blobs_lie_in_the_home_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert Settings.load().blob_location == str(tmp_path / "blobs")
    monkeypatch.setenv("ATLAS_BLOBS", "s3://bucket/prefix")
    assert Settings.load().blob_location == "s3://bucket/prefix"


def test_a_home_begins_at_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ATLAS_HOME", "~/atlas")
    assert Settings.load().places.home == tmp_path / "atlas"


def test_a_dotenv_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("ATLAS_FETCH_ATTEMPTS=5\nATLAS_CONTACT=mailto:me@example.org\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATLAS_FETCH_ATTEMPTS", "7")
    settings = Settings.load()
    assert (settings.fetch.fetch_attempts, settings.fetch.contact) == (7, "mailto:me@example.org")


def test_an_opensearch_needs_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_SEARCH", "opensearch")
    with pytest.raises(
        SettingsError, match=r"ATLAS_OPENSEARCH_URL.*ATLAS_SEARCH=opensearch needs it"
    ):
        Settings.load()
    monkeypatch.setenv("ATLAS_OPENSEARCH_URL", "localhost:9200")
    with pytest.raises(SettingsError, match="must be a URL that starts with http"):
        Settings.load()
    monkeypatch.setenv("ATLAS_OPENSEARCH_URL", "http://atlas:secret-word@localhost:9200")
    settings = Settings.load()
    assert "secret-word" not in repr(settings)
    monkeypatch.setenv("ATLAS_SEARCH", "lucene")
    with pytest.raises(SettingsError, match="ATLAS_SEARCH"):
        Settings.load()
