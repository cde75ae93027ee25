"""Charset labels mean what they mean to a browser, and the same to every reader of Atlas."""

import codecs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from atlas.domain.charsets import codec_of, guess, marked
from atlas.text.markup.charset import decode
from atlas.web.markup import decode_markup

REPLACED = {label for label, name in LABELS.items() if name == "replacement"}
KNOWN = sorted(LABELS.keys() - REPLACED)


def test_every_label_of_the_standard_has_the_codec_of_its_encoding() -> None:
    for label in KNOWN:
        codec = codec_of(label)
        assert codec is not None, label
        assert codec == codec_of(LABELS[label]) == codec_of(f" {label.upper()}\n"), label
        assert codecs.lookup(codec).name == codec
        assert codec_of(codec) == codec


@pytest.mark.parametrize("label", sorted(REPLACED))
def test_what_browsers_refuse_to_decode_is_unknown(label: str) -> None:
    assert codec_of(label) is None


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        # Where Python's codec of that name would fail or say something else.
        ("iso-8859-1", b"it\x92s \x80", "it’s €"),
        ("us-ascii", b"it\x92s", "it’s"),
        ("iso-8859-9", b"\x80\xfe", "€ş"),
        ("iso-8859-11", b"\x85\xa1", "…ก"),
        ("tis-620", b"\x85\xa1", "…ก"),
        ("iso-8859-8-i", b"\xf9", "ש"),
        ("gb2312", b"\x81\x40\x90\x30\x81\x30", "丂𐀀"),
        ("x-gbk", b"\xa8\xbf", "ǹ"),
        ("shift_jis", b"\x87\x40\xfb\xfc", "①髙"),
        ("x-sjis", b"\x81\x60", "～"),
        ("windows-31j", b"\x87\x8a", "㈱"),
        ("big5", b"\xf9\xd6\x88\x66", "碁Ê"),
        ("x-x-big5", b"\xfa\x40", "𠕇"),
        ("ks_c_5601-1987", b"\x81\x41\xb0\xa1", "갂가"),
        ("windows-949", b"\x8c\x63", "똠"),
        ("x-mac-cyrillic", b"\xff\xa2", "€Ґ"),
        ("macintosh", b"\xdb", "€"),
        ("iso-8859-7", b"\xa4", "€"),
        ("utf-16", b"a\x00", "a"),
        ("unicode-1-1-utf-8", "é".encode(), "é"),
    ],
)
def test_bytes_are_read_as_browsers_read_them(label: str, body: bytes, text: str) -> None:
    codec = codec_of(label)
    assert codec is not None
    assert body.decode(codec) == text


@pytest.mark.parametrize(
    "label",
    [
        *("base64", "rot13", "zlib", "utf-7", "idna", "punycode", "mbcs", "undefined"),
        *("unicode_escape", "raw_unicode_escape", "", "x" * 9, "x" * 50, "é", "\x00", None),
    ],
)
def test_what_is_no_charset_is_ignored(label: str | None) -> None:
    assert codec_of(label) is None


@pytest.mark.parametrize(
    ("name", "codec"),
    [("latin-1", "cp1252"), ("euc_kr", "cp949"), ("iso2022_jp", "iso2022_jp"), ("uhc", "cp949")],
)
def test_names_of_python_count_when_their_codec_is_of_the_web(name: str, codec: str) -> None:
    assert codec_of(name) == codec


@given(st.text(max_size=20))
def test_any_label_has_a_codec_that_decodes_text_or_none(label: str) -> None:
    codec = codec_of(label)
    assert codec is None or isinstance(b"text".decode(codec, "replace"), str)


@given(st.sampled_from(KNOWN), st.binary(min_size=1, max_size=60))
def test_pages_and_listings_are_read_alike(label: str, noise: bytes) -> None:
    codec = codec_of(label)
    assert codec is not None
    text = "<r>" + noise.decode(codec, "ignore")
    try:
        body = text.encode(codec)
        assume(body.decode(codec) == text)
    except UnicodeError:
        assume(False)
    # Bytes that pass for UTF-8, or nearly, are UTF-8 whatever was declared.
    assume(not _utf8(body) or body.isascii())
    assert decode(body, label) == decode_markup(body, f"text/xml; charset={label}")


def _utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    beyond = [each for each in text if each > "\x7f"]
    return beyond.count("\ufffd") < len(beyond)


@given(st.binary(max_size=300))
def test_marks_and_guesses_name_codecs(body: bytes) -> None:
    codec, length = marked(body) or ("utf-8", 0)
    assert 0 <= length <= 4
    assert isinstance(body.decode(guess(body) or codec, "replace"), str)
