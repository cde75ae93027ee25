"""URLs are parsed once: what the libraries below make of a canonical URL is what it says."""

import random
from collections.abc import Iterator

import can_ada
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from atlas.domain.addresses.urls import InvalidUrl, canonicalize, serialized
from atlas.domain.errors import ErrorClass
from tests.origin import Reply
from tests.web.fetching import get, refused, web
from tests.web.reach import spellings

NAMES = [
    *("a.example", "a_b.example", "xn--zz", "xn--nxasmq6b.example", "127.1", "[::1]", "a..b"),
    *("[::ffff:1.2.3.4]", "-a.example", "ex*mple", "a!b", "a$b", "a&b", "a'b", "(a)", "a+b"),
    *("a,b", "a;b", "a=b", "a~b", "a`b", "a{b}", 'a"b', "ß.de", "☃.net", "日本.jp", "a%2eb"),
    *("%61.example", "a\u00adb", "a\u200db", "xn--0.example", "A" * 64, "1.2.3.4.5", "0x7f.1"),
    *("1e3", "a.0x", "\uff11\uff12\uff17.1", *spellings(("127.0.0.1", "10.0.0.1", "fe80::1"))),
]
PARTS = st.text(
    st.sampled_from("/?#%.;@:[]|^\\ \t\n\"'<>{}`é日\u2028\x00\x7fAz09+&=~-_"), max_size=20
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http://", "https://", "HTTP:\\\\", "http:/", "//"]))
    user = draw(st.sampled_from(["", "", "u@", "u:p@", "a:b@c@"]))
    port = draw(st.sampled_from(["", "", ":", ":80", ":443", ":8080", ":0", ":65535", ":65536"]))
    host = draw(st.sampled_from(NAMES)).replace("{port}", "81")
    return f"{scheme}{user}{host}{port}{draw(st.sampled_from(['/', '?', '']))}{draw(PARTS)}"


@given(urls())
def test_nobody_below_reads_a_canonical_url_differently(url: str) -> None:
    try:
        canonical = canonicalize(url)
    except InvalidUrl:
        return
    ours = can_ada.parse(canonical)
    port = int(ours.port or {"http:": 80, "https:": 443}[ours.protocol])
    theirs, third = URL(canonical, encoded=True), httpx.URL(canonical)
    assert theirs.scheme == third.scheme == ours.protocol[:-1]
    assert theirs.raw_host == third.raw_host.decode() == ours.hostname.strip("[]")
    assert theirs.port == port
    assert third.port in (None, port)
    assert theirs.raw_path_qs == ours.pathname + ours.search
    assert (theirs.user, theirs.password, third.userinfo) == (None, None, b"")


@given(urls())
def test_nor_the_address_of_an_alerts_receiver(url: str) -> None:
    try:
        ours = can_ada.parse(serialized(url))
    except InvalidUrl:
        return
    third = httpx.URL(ours.href)
    theirs = URL(str(third))
    assert theirs.raw_host == third.raw_host.decode() == ours.hostname.strip("[]")
    assert theirs.port == int(ours.port or {"http:": 80, "https:": 443}[ours.protocol])


def locations() -> Iterator[str]:
    """What a redirect may say, most of it wrong."""
    yield from (f"http://{host.replace('{port}', '81')}/in" for host in spellings(("10.9.8.7",)))
    letters = random.Random(7)
    for _ in range(100):
        yield "".join(letters.choices("htp:/\\[]@%.0123xé?#;|^ ", k=letters.randrange(1, 24)))


async def test_a_location_that_cannot_be_read_is_no_fault_of_the_network() -> None:
    """33 of 530 were retried as `network_error`: httpx reads a Location even to ignore it."""
    async with web() as (client, origin):
        seen = set()
        for number, location in enumerate(locations()):
            sent = location.replace("\n", "").encode().decode("latin-1")
            origin.redirect(f"/{number}", sent)
            error = await refused(client, origin.url(f"/{number}"))
            seen.add((error.error_class, error.code))
        assert {(kind, code) for kind, code in seen if kind is ErrorClass.TRANSIENT} <= {
            (ErrorClass.TRANSIENT, "dns_failure"),
            (ErrorClass.TRANSIENT, "robots_unreachable"),  # of a name that does not exist
        }
        assert (ErrorClass.INVALID, "redirect_invalid") in seen
        assert (ErrorClass.BLOCKED, "address_refused") in seen


@pytest.mark.parametrize(
    ("value", "path"), [("/é".encode(), "/%C3%A9"), (b"/\xe9", "/%C3%A9"), (b"/[x]|y", "/[x]|y")]
)
async def test_a_location_is_read_as_browsers_do(value: bytes, path: str) -> None:
    async with web() as (client, origin):
        origin.reply("/a", Reply(status=302, headers={"Location": value.decode("latin-1")}))
        origin.page(path, "there")
        assert (await get(client, origin.url("/a")))[1] == b"there"
        assert origin.log[-1].target == path
