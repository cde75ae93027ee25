"""Every client of the web is built alike: by the settings, and by nothing of the environment."""

from pathlib import Path

import pytest

from atlas.settings import Settings
from atlas.settings.groups import FetchSettings
from atlas.web.address_policy import AddressPolicy, ReceiverPolicy
from atlas.web.client_factory import page_client, receiver_client
from atlas.web.credentials import CredentialsError
from tests.origin import Origin
from tests.web.fetching import LOOPBACK, get, refused
from tests.web.parsed import parse_robots_here

CONTACT = "mailto:me@example.org"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What would lead a client astray that listened to it."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


async def test_pages_are_asked_for_with_contact_and_credentials_alone(tmp_path: Path) -> None:
    async with Origin() as origin:
        origin.page("/a", "text")
        path = tmp_path / "credentials.toml"
        path.write_text(f'["{origin.base}".headers]\nX-Key = "text:k"\n')
        settings = Settings(fetch=FetchSettings(contact=CONTACT, credentials_file=path))
        async with page_client(settings, LOOPBACK, parse_robots_here) as client:
            assert (await get(client, origin.url("/a")))[1] == b"text"
    headers = origin.log[-1].headers
    assert CONTACT in headers["user-agent"]
    assert headers["x-key"] == "k"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}


async def test_the_policy_is_the_one_that_was_given() -> None:
    async with (
        Origin() as origin,
        page_client(Settings(), AddressPolicy(), parse_robots_here) as client,
    ):
        assert (await refused(client, origin.url("/a"))).code == "address_refused"


async def test_a_receiver_is_asked_directly_and_its_redirect_not_followed() -> None:
    async with Origin() as origin, receiver_client(ReceiverPolicy("X"), 5.0) as client:
        origin.redirect("/a", "/b")
        answer = await client.get(origin.url("/a"))
    assert answer.is_redirect
    assert "authorization" not in origin.log[-1].headers


@pytest.mark.parametrize("settings", [{"contact": "two words"}, {"credentials_file": "no-such"}])
def test_wrong_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises((CredentialsError, ValueError), match=r"contact|credentials"):
        page_client(Settings(fetch=FetchSettings(**settings)), LOOPBACK, parse_robots_here)
