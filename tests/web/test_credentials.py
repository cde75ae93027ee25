"""Credentials: from files or the environment, for one origin, and never shown."""

from pathlib import Path

import pytest

from atlas.web.credentials import Credentials, CredentialsError

ENVIRON = {"TOKEN": "t0ken-s3cret", "BAD": "line\r\nEvil: 1"}

TOML = """
["https://Docs.example:443"]
bearer = "env:TOKEN"

["https://wiki.example".basic]
user = "reader"
password = "file:wiki.txt"

["http://api.example:8080".headers]
X-Api-Key = "env:TOKEN"
Accept-Language = "text:de"
"""


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    (tmp_path / "wiki.txt").write_text("pa:ss\n")
    (tmp_path / "credentials.toml").write_text(TOML)
    return Credentials.from_file(tmp_path / "credentials.toml", ENVIRON)


def test_each_origin_has_its_own(credentials: Credentials) -> None:
    assert credentials.for_origin("https://docs.example") == {
        "authorization": "Bearer t0ken-s3cret"
    }
    assert credentials.for_origin("https://wiki.example") == {
        "authorization": "Basic cmVhZGVyOnBhOnNz"
    }
    assert credentials.for_origin("http://api.example:8080") == {
        "x-api-key": "t0ken-s3cret",
        "accept-language": "de",
    }


def test_nobody_else_gets_them(credentials: Credentials) -> None:
    for origin in ("http://docs.example", "https://docs.example:8443", "https://a.docs.example"):
        assert credentials.for_origin(origin) == {}


def test_they_are_never_shown(credentials: Credentials) -> None:
    assert "s3cret" not in repr(credentials)
    assert "https://docs.example" in repr(credentials)


BAD = [
    ({"https://a.example/path": {}}, "without a path"),
    ({"a.example": {}}, "write https://a.example"),
    ({"https://a.example": "env:TOKEN"}, "must be a table"),
    ({"https://a.example": {"barer": "env:TOKEN"}}, '"https://a.example".barer is unknown'),
    ({"https://a.example": {"bearer": "s3cret"}}, "must be env:NAME, file:PATH or text:VALUE"),
    ({"https://a.example": {"bearer": 7}}, "must be env:NAME"),
    ({"https://a.example": {"bearer": "env:NONE"}}, "set NONE"),
    ({"https://a.example": {"bearer": "file:/no/such"}}, "No such file"),
    ({"https://a.example": {"bearer": "env:BAD"}}, "one line of printable ASCII"),
    ({"https://a.example": {"basic": {"user": "x"}}}, "exactly user and password"),
    ({"https://a.example": {"basic": {"user": "a:b", "password": "env:TOKEN"}}}, "colon"),
    (
        {"https://a.example": {"bearer": "env:TOKEN", "basic": {}}},
        "both bearer and basic",
    ),
    ({"https://a.example": {"headers": {"Host": "text:x"}}}, "set by Atlas itself"),
    ({"https://a.example": {"headers": {"traceparent": "text:x"}}}, "set by Atlas itself"),
    ({"https://a.example": {"headers": {"X Y": "text:x"}}}, "no header name"),
    ({"https://a.example": {"headers": "x"}}, "must be a table"),
]


@pytest.mark.parametrize(("table", "message"), BAD)
def test_a_mistake_is_named_without_the_secret(table: dict[str, object], message: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_mapping(table, ENVIRON)
    assert message in str(caught.value)
    for secret in ("s3cret", "Evil"):
        assert secret not in str(caught.value)


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot be read"):
        Credentials.from_file(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("= what")
    with pytest.raises(CredentialsError, match="is no TOML"):
        Credentials.from_file(tmp_path / "bad.toml")
