"""Bytes to characters: byte order mark, header, meta element, strict UTF-8, then a guess.

Order and labels follow the WHATWG Encoding Standard and HTML's encoding sniffing, with one
difference: a declared charset that cannot decode the body is a lie and the next witness is heard.
"""

import re

from atlas.domain.charsets import codec_of, guess, marked

_META = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']""")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
_META_REACH = 4096  # bytes; HTML asks for 1,024, real pages put scripts before the declaration


def decode(body: bytes, declared: str | None) -> str:
    """The characters of `body`; `declared` is the charset parameter of the Content-Type header.

    Never fails: what no witness can decode comes as UTF-8 or a guess with U+FFFD in its gaps.
    """
    if mark := marked(body):
        return body[mark[1] :].decode(mark[0], "replace")
    if (text := _whole_utf8(body)) is not None:
        return text
    if _nearly_utf8(body):
        return body.decode("utf-8", "replace")
    for codec in _witnesses(body, declared):
        if (text := _strictly(body, codec)) is not None:
            return text
    return body.decode(_least_bad(body, declared), "replace")


def _witnesses(body: bytes, declared: str | None) -> list[str]:
    # UTF-8 last: it would hide ISO-2022-JP, which is ASCII with escapes.
    last = "utf-8" if body.isascii() else guess(body)
    return [codec for codec in (codec_of(declared), _meta(body), last) if codec]


def _whole_utf8(body: bytes) -> str | None:
    """What most pages are, told without counting: UTF-8 beyond ASCII, and nothing broken in it."""
    if body.isascii():
        return None  # or ISO-2022-JP, which a declaration tells
    text = _strictly(body, "utf-8")
    return text if text is not None and "\ufffd" not in text else None


def _nearly_utf8(body: bytes) -> bool:
    """Whether hardly any of the characters beyond ASCII is broken when read as UTF-8.

    Such a body is hardly ever anything else, while one-byte codecs and GB 18030 read nearly any
    bytes: a wrong declaration of them would win unchallenged.
    """
    if body.isascii():
        return False
    text = body.decode("utf-8", "replace")
    beyond = sum(map(len, _BEYOND_ASCII.findall(text)))
    return text.count("\ufffd") * 10 < beyond


def _meta(body: bytes) -> str | None:
    head = body[:_META_REACH]
    found = _META.search(head) or _XML.search(head)
    codec = codec_of(found.group(1).decode("ascii")) if found else None
    # The declaration itself was read as ASCII, so UTF-16 cannot be true (HTML, 13.2.3.2).
    return "utf-8" if codec and codec.startswith(("utf-16", "utf-32")) else codec


def _strictly(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except (UnicodeDecodeError, UnicodeError):
        return None


def _least_bad(body: bytes, declared: str | None) -> str:
    """The codec whose reading has fewest gaps, the declared one where several are equal."""
    heard = [codec_of(declared), _meta(body), "utf-8", guess(body)]
    candidates = dict.fromkeys(codec for codec in heard if codec)
    return min(candidates, key=lambda codec: body.decode(codec, "replace").count("\ufffd"))
