"""Which addresses are dialled: a table of everything that must not be, in every disguise."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import RobotsMode
from atlas.web.address_policy import AddressPolicy, AddressRefused
from atlas.web.client import WebClient
from tests.origin import Origin
from tests.web.fetching import LOOPBACK, get, refused

PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1"),
    *("127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::808:808", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1"),
    *("100:0:0:1::1", "2001::1", "2001:0:a00:1::", "2001:db8::1", "2001:10::1", "3fff::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2606:4700::5efe:10.0.0.1", "5f00::1"),
    *("2606:4700::200:5efe:127.0.0.1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1", "3ffe::1", "4000::1", "1::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "192.0.3.1", "223.255.255.255"),
    *("2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
    *("2002:808:808::1",),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_is_refused_and_the_mend_is_named(address: str) -> None:
    with pytest.raises(AddressRefused, match="ATLAS_FETCH_ALLOW_NETWORKS") as caught:
        AddressPolicy().check(address)
    assert address in str(caught.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_is_public(address: str) -> None:
    assert AddressPolicy().check(address) is None


@given(st.integers(0, 2**32 - 1))
def test_no_disguise_of_a_refused_ipv4_is_dialled(bits: int) -> None:
    policy = AddressPolicy()
    try:
        policy.check(IPv4Address(bits))
    except AddressRefused:
        pass
    else:
        return
    low = [0xFFFF << 32, 0xFFFF << 48, 0x64FF9B << 96, (0x2606 << 112) | (0x5EFE << 32)]
    disguises = [prefix | bits for prefix in low] + [(0x2002 << 112) | (bits << 80)]
    for disguise in disguises:
        with pytest.raises(AddressRefused):
            policy.check(IPv6Address(disguise))


def test_allowed_networks_open_only_themselves() -> None:
    policy = AddressPolicy(["127.0.0.0/8", "fd00::/64"])
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd00::5", "64:ff9b::127.0.0.1"):
        assert policy.check(address) is None
    for address in ("10.0.0.1", "::1", "fd00:0:0:1::5", "2002:a00:1::"):
        with pytest.raises(AddressRefused):
            policy.check(address)


async def test_literals_names_and_redirects_are_refused_at_dial_time() -> None:
    async with Origin() as origin, WebClient(policy=AddressPolicy()) as client:
        port = origin.host.partition(":")[2]
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"):
            error = await refused(client, f"http://{host}:{port}/")
            assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "address_refused")
            assert "ATLAS_FETCH_ALLOW_NETWORKS" in error.message
        assert origin.log == []


async def test_a_redirect_into_a_private_network_is_refused() -> None:
    async with Origin() as origin, WebClient(policy=LOOPBACK) as client:
        origin.redirect("/in", "http://169.254.169.254/latest/meta-data/")
        error = await refused(client, origin.url("/in"))
        assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "address_refused")
        assert error.final_url == "http://169.254.169.254/latest/meta-data/"
        assert [hop.status for hop in error.redirects] == [302]


async def test_a_name_is_judged_by_the_address_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that looked public when the URL was checked, and is private when it is dialled.
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **named: real(
            "10.9.8.7" if host == "rebind.example" else host, *rest, **named
        ),
    )
    async with WebClient(policy=LOOPBACK) as client:
        error = await refused(client, "http://rebind.example/", robots=RobotsMode.IGNORE)
        assert (error.code, "10.9.8.7" in error.message) == ("address_refused", True)


async def test_an_allowed_network_is_fetched() -> None:
    async with Origin() as origin, WebClient(policy=LOOPBACK) as client:
        origin.page("/", "in")
        assert (await get(client, origin.url("/")))[1] == b"in"


async def test_a_name_with_one_allowed_address_is_reached_through_it() -> None:
    async with Origin() as origin, WebClient(policy=LOOPBACK) as client:
        origin.page("/", "in")
        url = origin.url("/").replace("127.0.0.1", "localhost")  # ::1 too, on most systems
        assert (await get(client, url))[1] == b"in"
