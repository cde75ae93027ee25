"""Which characters bytes stand for: every witness may lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.markup.charset import decode

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5
CHINESE = "敏捷的棕色狐狸跳过了懒狗。今天天气很好,我们去公园散步吧。" * 5
JAPANESE = "いろはにほへと、色は匂えど散りぬるを。今日は良い天気です。" * 5


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (CHINESE, "gbk"),
        (CHINESE, "gb18030"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso-2022-jp"),
        ("Größe, café, naïve – “quoted”", "windows-1252"),
    ],
)
def test_header_and_meta_are_heard(text: str, codec: str) -> None:
    assert decode(text.encode(codec), codec) == text
    meta = f'<meta charset="{codec}"><p>'
    assert decode(meta.encode() + text.encode(codec), None) == meta + text


@pytest.mark.parametrize(
    ("text", "codec"), [(RUSSIAN, "windows-1251"), (CHINESE, "gbk"), (JAPANESE, "shift_jis")]
)
def test_undeclared_legacy_charsets_are_guessed(text: str, codec: str) -> None:
    assert decode(text.encode(codec), None) == text


@pytest.mark.parametrize("lie", ["iso-8859-1", "windows-1251", "gbk", "shift_jis", "no-such"])
def test_utf8_wins_over_a_lying_declaration(lie: str) -> None:
    meta = f'<meta charset="{lie}">'
    assert decode((meta + CHINESE).encode(), lie) == meta + CHINESE


def test_the_meta_element_mends_a_lying_header() -> None:
    page = f'<meta http-equiv=Content-Type content="text/html; charset=gb2312">{CHINESE}'
    assert decode(page.encode("gbk"), "utf-8") == page


def test_latin1_means_windows_1252() -> None:
    assert decode(b"it\x92s", "iso-8859-1") == "it’s"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_beats_everything(codec: str) -> None:
    assert decode(RUSSIAN.encode(codec), "iso-8859-1") == RUSSIAN


def test_a_broken_byte_costs_one_character() -> None:
    body = RUSSIAN.encode() + b"\xff" + RUSSIAN.encode()
    assert decode(body, "utf-8") == f"{RUSSIAN}\ufffd{RUSSIAN}"


@given(st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=20)))
def test_decoding_never_fails(body: bytes, label: str | None) -> None:
    assert isinstance(decode(body, label), str)
