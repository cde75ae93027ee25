"""What a source opens beside public hosts at the usual ports: its own URLs, and what it names."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.reach import (
    OTHER_SERVICES,
    USUAL_PORTS,
    Reach,
    allowance,
    place_of,
    reach_of,
)
from atlas.domain.sources import InvalidSource, SourceSpec, check_source

TEN = ip_address("10.0.0.5")
OWN = ("http://wiki.lan:9000/a", "https://docs.example/")


def source(**rules: object) -> Reach:
    return reach_of(SourceSpec("docs", "urls", OWN, **rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://a.example/", ("a.example", 80)),
        ("https://a.example/x?y=//b:1/", ("a.example", 443)),
        ("https://a.example:8443/", ("a.example", 8443)),
        ("http://[::1]/", ("[::1]", 80)),
        ("http://[::1]:9/", ("[::1]", 9)),
    ],
)
def test_host_and_port_of_a_url(url: str, place: tuple[str, int]) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize("port", [80, 443, 8000, 8080, 8999])
def test_the_usual_ports_are_open_everywhere(port: int) -> None:
    assert Reach(()).opens_port(f"http://any.example:{port}/")


@given(st.integers(1, 65535).filter(lambda port: port not in USUAL_PORTS))
def test_no_other_port_is_open_unless_the_source_says_so(port: int) -> None:
    url = f"http://any.example:{port}/"
    assert not Reach(()).opens_port(url)
    assert source().opens_port(url) == (port == 9000)
    assert source(ports=(port,)).opens_port(url)
    assert source(allow=(f"any.example:{port}",)).opens_port(url)
    assert source(allow=(f"b.example:{port}", "any")).opens_port(url) == (port == 9000)
    # A URL that somebody names without a source: any port of the web, none of another service.
    assert Reach((url,)).opens_port(url) == (port not in OTHER_SERVICES)
    assert Reach((url,), source="docs").opens_port(url)


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("http://wiki.lan:9000/b", True),
        ("http://docs.example/", True),  # the same site, before it leads to https
        ("https://wiki.lan/", False),
        ("http://wiki.lan/", False),
        ("http://wiki.lan:9001/", False),
        ("http://other.lan:9000/", False),
    ],
)
def test_private_hosts_that_are_the_sources_own(url: str, opened: bool) -> None:
    assert source().opens(url, TEN) is opened


@pytest.mark.parametrize(
    ("entry", "opened"),
    [
        ("any", True),
        ("b.lan", True),
        ("B.LAN", True),
        ("b.lan:81", True),
        ("b.lan:80", False),
        ("lan", False),
        ("10.0.0.0/8", True),
        ("10.0.0.5", True),
        ("10.0.0.5:81", True),
        ("10.0.0.5:82", False),
        ("10.0.0.6", False),
        ("fd00::/8", False),
    ],
)
def test_private_hosts_that_a_rule_names(entry: str, opened: bool) -> None:
    assert source(allow=(entry,)).opens("http://b.lan:81/", TEN) is opened


@pytest.mark.parametrize("entry", ["fd00::5", "[fd00::5]", "[FD00:0::5]:81", "fd00::/64"])
def test_addresses_of_version_six(entry: str) -> None:
    assert source(allow=(entry,)).opens("http://b.lan:81/", ip_address("fd00::5"))


@pytest.mark.parametrize(
    "entry",
    ["", "10.0.0.1/8", "10.0.0.0/99", "http://b.lan/", "a b", "b.lan:0", "b.lan:65536", "u@b", "/"],
)
def test_what_is_no_allowance_is_refused_with_field_value_and_fix(entry: str) -> None:
    with pytest.raises(ValueError, match=r"10\.20\.0\.0/16"):
        allowance(entry)
    with pytest.raises(InvalidSource, match="allow: "):
        check_source(SourceSpec("docs", "urls", OWN, allow=(entry,)))


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"ports": (0,)}, "ports: 0 refused"),
        ({"ports": (65536,)}, "ports: 65536 refused"),
        ({"ports": tuple(range(1, 102))}, "ports: 101 given; 100 at most"),
        ({"allow": ("a.lan",) * 101}, "allow: 101 given"),
    ],
)
def test_limits_of_the_rules(rules: dict[str, tuple[int, ...]], told: str) -> None:
    with pytest.raises(InvalidSource, match=told):
        check_source(SourceSpec("docs", "urls", OWN, **rules))  # type: ignore[arg-type]


def test_the_fix_is_a_command_that_keeps_what_is_there() -> None:
    fix = source(allow=("a.lan",)).address_fix("http://b.lan:81/")
    assert "`atlas sources edit docs --allow a.lan --allow b.lan:81`" in fix
    assert "declare a source" in Reach(()).address_fix("http://b.lan:81/")
    assert "--port 25" in Reach(()).port_fix("http://b.lan:25/")
    assert "--allow-http" in source().http_fix()


def test_a_declared_url_that_is_none_opens_nothing() -> None:
    reach = Reach(("nonsense", "", "ftp://b.lan:81/", "http://[x/", *OWN), source="docs")
    assert not reach.opens_port("http://b.lan:81/")
    assert reach.opens("http://wiki.lan:9000/", TEN)
