"""Whether the proxy answers, as the doctor and the health check say it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atlas.health.catalogue import Concerns
from atlas.health.configuration import doubtful
from atlas.settings import Settings, SettingsError
from atlas.settings.groups import FetchSettings
from atlas.settings.report import report
from atlas.stores.blobs.access import S3Access
from starter.diagnosis import examine
from tests.web.proxies import PASSWORD, USER, ProxyServer, Scheme, a_proxy

each_proxy = pytest.mark.parametrize("scheme", ["http", "socks5"])


def settings_for(proxy: ProxyServer, password: str = "") -> Settings:
    user = f"{USER}@" if password else ""
    return Settings(
        fetch=FetchSettings(
            fetch_proxy=f"{proxy.scheme}://{user}127.0.0.1:{proxy.port}",
            fetch_proxy_password=password or None,
            credentials_file="/no/such/file",
        )
    )


async def looked(settings: Settings) -> list[tuple[str, str, str]]:
    concerns = Concerns(
        database_url=lambda: "",
        client=None,
        blob_location="",
        s3=S3Access(None, None, None, None),
        folders=(),
        clock=lambda: datetime.now(UTC),
        settings=settings,
    )
    found = await concerns.check("proxy", {})
    return [(each.part, each.status, each.detail + each.mend) for each in found.checks]


@each_proxy
async def test_a_proxy_that_answers_and_one_that_does_not(scheme: Scheme) -> None:
    async with a_proxy(scheme) as proxy:
        [(part, status, said)] = await looked(settings_for(proxy))
        assert (part, status) == ("fetch proxy", "ok")
        assert f"through {proxy.at()}, which answers" in said
        await proxy.stop()
        [(_, status, said)] = await looked(settings_for(proxy))
    assert status == "failing"
    assert f"the proxy {proxy.at()} could not be reached" in said
    assert "correct ATLAS_FETCH_PROXY" in said
    assert await looked(Settings()) == [], "without a proxy there is nothing to say"


@each_proxy
async def test_a_login_that_is_refused(scheme: Scheme) -> None:
    async with a_proxy(scheme, login=True) as proxy:
        assert [each[1] for each in await looked(settings_for(proxy, PASSWORD))] == ["ok"]
        [(_, status, said)] = await looked(settings_for(proxy, "wr0ng-w0rd"))
    assert status == "failing"
    assert "refuses the login" in said
    assert "wr0ng-w0rd" not in said


async def test_a_proxy_that_accepts_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas.health.egress._SECONDS", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        proxy = ProxyServer("http", port=server.sockets[0].getsockname()[1])
        [(_, status, said)] = await looked(settings_for(proxy))
    assert status == "degraded"
    assert f"{proxy.at()} gave no answer" in said


async def test_the_doctor_has_it_among_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_proxy("http") as proxy:
        monkeypatch.setenv("ATLAS_FETCH_PROXY", str(proxy.at()))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        found = {each.check.part: each for each in await examine()}
    assert found["fetch proxy"].group == "network"
    assert found["fetch proxy"].check.status == "ok"
    assert f"pages are fetched through {proxy.at()}" in found["proxy"].check.detail


def test_without_it_the_doctor_says_that_variables_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    [check] = [each for each in doubtful(report()) if each.part == "proxy"]
    assert "without a proxy, regardless" in check.detail
    assert "ATLAS_FETCH_PROXY" in check.mend


@pytest.mark.parametrize(
    ("proxy", "password", "words"),
    [
        ("proxy.example:3128", None, "must be http://host:port or socks5://host:port"),
        ("https://proxy.example:3128", None, "must be http://host:port"),
        ("socks5h://proxy.example:1080", None, "as socks5h:// does elsewhere"),
        ("http://proxy.example", None, "must be http://host:port"),
        ("http://proxy.example:3128/x?y", None, "must be http://host:port"),
        ("http://me:s3cret-w0rd@proxy.example:1", None, "set ATLAS_FETCH_PROXY_PASSWORD"),
        ("http://me@proxy.example:1", None, "ATLAS_FETCH_PROXY_PASSWORD refused: the user"),
        ("http://proxy.example:1", "s3cret-w0rd", "needs a user in ATLAS_FETCH_PROXY"),
        (None, "s3cret-w0rd", "needs a user in ATLAS_FETCH_PROXY"),
        ("http://me@proxy.example:1", "s3cret-wörd", "printable ASCII"),
        ("http://a%3Ab@proxy.example:1", "s3cret-w0rd", "without a colon"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    proxy: str | None, password: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("", proxy), ("_PASSWORD", password)):
        if value:
            monkeypatch.setenv(f"ATLAS_FETCH_PROXY{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_password_is_read_from_a_file_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "proxy").write_text("s3cret-w0rd\n")
    monkeypatch.setenv("ATLAS_FETCH_PROXY", "socks5://me@proxy.example:1080")
    monkeypatch.setenv("ATLAS_FETCH_PROXY_PASSWORD_FILE", str(tmp_path / "proxy"))
    settings = Settings.load()
    assert settings.fetch.fetch_proxy_password is not None
    assert settings.fetch.fetch_proxy_password.get_secret_value() == "s3cret-w0rd"
    shown = {line.name: line.value for line in report().settings}
    assert shown["fetch_proxy_password"] == "(set)"
    assert shown["fetch_proxy"] == "socks5://…@proxy.example:1080"
    assert "s3cret" not in repr(settings) + settings.model_dump_json()
