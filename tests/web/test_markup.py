"""Charsets as the web sends them, and XML that would attack a parser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.web.markup import decode_markup, safe_xml

GERMAN = "<?xml version='1.0' encoding='%s'?><rss>Grüße aus Köln, schönes Wetter</rss>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ((GERMAN % "utf-8").encode(), ""),
        ((GERMAN % "iso-8859-1").encode(), ""),  # the claim is wrong: it is UTF-8
        ((GERMAN % "utf-8").encode(), "text/xml; charset=us-ascii"),  # so is this one
        ((GERMAN % "iso-8859-1").encode("latin-1"), ""),
        ((GERMAN % "utf-8").encode("latin-1"), 'text/xml; charset="ISO-8859-1"'),
        ((GERMAN % "no-such-charset").encode("cp1252"), "text/xml"),
        ((GERMAN % "utf-16").encode("utf-16"), ""),
        ((GERMAN % "utf-16").encode("utf-16-le"), ""),
        ((GERMAN % "utf-16").encode("utf-16-be"), "application/xml; charset=utf-8"),
        (("\ufeff" + GERMAN % "latin1").encode(), "text/xml; charset=latin1"),
    ],
)
def test_text_survives_right_wrong_and_missing_claims(body: bytes, content_type: str) -> None:
    assert "Grüße aus Köln, schönes Wetter" in decode_markup(body, content_type)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("これは灯台の記事です", "iso2022_jp"),
        ("これは灯台の記事です", "shift_jis"),
        ("这是灯塔的文章", "gb2312"),
        ("маяк стоит на мысу", "koi8-r"),
    ],
)
def test_a_claimed_charset_is_used_where_it_is_not_utf_8(text: str, codec: str) -> None:
    assert decode_markup(text.encode(codec), f"text/xml; charset={codec}") == text


@given(st.binary(max_size=200), st.text(max_size=60))
def test_decoding_never_fails(body: bytes, content_type: str) -> None:
    assert isinstance(decode_markup(body, content_type), str)


@given(st.text("<>!?-[]\"' DOCTYPENTIxmla&;/", max_size=80))
def test_any_text_gives_a_document_or_none_or_a_refusal(text: str) -> None:
    try:
        document = safe_xml(text)
    except PageError as error:
        assert error.code == "xml_entities"
    else:
        assert document is None or b"<!DOCTYPE" not in document.data[:60]


def test_the_prolog_is_dropped_and_the_root_named() -> None:
    text = (
        "\n junk <?xml version='1.0' encoding='utf-7'?><!-- <a> --><?xml-stylesheet href='x'?>\n"
        '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://h.org/rss>.dtd" '
        "[<!ELEMENT rss ANY>]>\n<a:Rss>x</a:Rss>"
    )
    document = safe_xml(text)
    assert document is not None
    assert document.root == "rss"
    assert document.data.endswith(b"?>\n<a:Rss>x</a:Rss>")
    assert b"utf-7" not in document.data


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE r [<!ENTITY a "b">]>',
        '<!-- <r> --><?pi <r> ?><!DOCTYPE r [ <!ENTITY % p SYSTEM "file:///etc/passwd"> %p; ]>',
        "<!DOCTYPE r SYSTEM 'a>[\"b' [<!ENTITY a 'b'>]>",
        "<!doctype r [<!ENTITY a 'b'>]>",
        "junk<!DOCTYPE r [<!ELEMENT r ANY>\n<!ENTITY a 'b'>]>",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_declared_entities_are_refused_in_any_encoding(prolog: str, codec: str) -> None:
    with pytest.raises(PageError, match="declares XML entities"):
        safe_xml(decode_markup(f"{prolog}<r>&a;</r>".encode(codec)))


def test_a_text_that_quotes_an_entity_declaration_is_not_refused() -> None:
    document = safe_xml("<rss><![CDATA[<!DOCTYPE r [<!ENTITY a 'b'>]>]]></rss>")
    assert document is not None
    assert b"<!ENTITY" in document.data


def test_control_characters_are_dropped() -> None:
    document = safe_xml("<r>a\x00b\x0bc\ufffe</r>")
    assert document is not None
    assert document.data.endswith(b"<r>abc</r>")
