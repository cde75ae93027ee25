"""Bytes to characters: byte order mark, header, meta element, strict UTF-8, then a guess.

Order and labels follow the WHATWG Encoding Standard and HTML's encoding sniffing, with one
difference: a declared charset that cannot decode the body is a lie and the next witness is heard.
"""

import codecs
import re

import cchardet

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_META = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']""")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
_META_REACH = 4096  # bytes; HTML asks for 1,024, real pages put scripts before the declaration
_GUESS_REACH = 65_536  # bytes; the detector is linear and sure long before that
# WHATWG labels that stand for a wider encoding than Python's codec of that name.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "ks_c-5601": "cp949",
}
_ALIASES = {
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-gbk": "gb18030",
    "x-x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "x-cp1251": "cp1251",
    "x-cp1250": "cp1250",
    "x-cp1252": "cp1252",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-euc-jp": "euc_jp",
    "unicode-1-1-utf-8": "utf-8",
    "x-user-defined": "cp1252",
    "utf8mb4": "utf-8",
}


def decode(body: bytes, declared: str | None) -> str:
    """The characters of `body`; `declared` is the charset parameter of the Content-Type header.

    Never fails: what no witness can decode comes as UTF-8 or a guess with U+FFFD in its gaps.
    """
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(codec, "replace")
    if _nearly_utf8(body):
        return body.decode("utf-8", "replace")
    for codec in _witnesses(body, declared):
        text = _strictly(body, codec)
        if text is not None:
            return text
    return body.decode(_least_bad(body, declared), "replace")


def codec_of(label: str | None) -> str | None:
    """Python's codec for a WHATWG label, None for an unknown one."""
    if not label:
        return None
    name = label.strip().strip("\"'").lower()
    try:
        found = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError):
        return None
    if not found._is_text_encoding or found.name in ("utf-7", "idna", "punycode"):
        return None  # base64 and its like are no character encodings, UTF-7 is an attack
    return _WIDER.get(found.name, found.name)


def _witnesses(body: bytes, declared: str | None) -> list[str]:
    known = [codec for codec in (codec_of(declared), _meta(body)) if codec]
    if body.isascii():
        return [*known, "utf-8"]  # UTF-8 would hide ISO-2022-JP, which is ASCII with escapes
    return [*known, *_guess(body)]


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


def _guess(body: bytes) -> list[str]:
    found = cchardet.detect(body[:_GUESS_REACH])["encoding"]
    codec = codec_of(found)
    return [codec] if codec else []


def _strictly(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except (UnicodeDecodeError, UnicodeError):
        return None


def _least_bad(body: bytes, declared: str | None) -> str:
    """The codec whose reading has fewest gaps, the declared one where several are equal."""
    heard = [codec_of(declared), _meta(body), "utf-8", *_guess(body)]
    candidates = dict.fromkeys(codec for codec in heard if codec)
    return min(candidates, key=lambda codec: body.decode(codec, "replace").count("\ufffd"))
