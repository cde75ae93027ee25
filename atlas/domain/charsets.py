"""Charsets as the web names them: the one table for pages, feeds and sitemaps.

Labels are those of the WHATWG Encoding Standard, by the library `webencodings`, so a label means
what it means to a browser: `iso-8859-1` is windows-1252, `shift_jis` has Microsoft's characters.

Three differences. A byte that a charset leaves undefined fails, where a browser makes a control
character of it: only a codec that can fail shows that a declaration is wrong. Labels that the
standard answers with its "replacement" (`hz-gb-2312`, `iso-2022-kr`) are unknown: markup hides in
those. And names that only Python has count when the codec is one of the web (`iso2022_jp`), or an
old one that the detector may find.
"""

import codecs

import cchardet
import webencodings
from webencodings.labels import LABELS

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16, so it comes before that
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and the codecs they stand for (RFC 7303 section 3.3)."""

_GUESS_REACH = 65_536  # bytes; the detector is linear and sure long before that
# By the standard's names, where Python's codec is not the one of `webencodings`.
_CODECS = {
    "gbk": "gb18030",  # the standard decodes both alike
    "replacement": None,
    "x-user-defined": "cp1252",  # HTML 13.2.3.2: a page that declares it means windows-1252
}
_OLD = frozenset("cp437 cp850 cp852 cp855 cp857 cp858 cp862 cp865 mac-latin2 johab".split())


def codec_of(label: str | None) -> str | None:
    """Python's codec for a charset label; None for one that is not of the web."""
    name = (label or "").strip().strip("\"'").lower()
    if not name.isascii():
        return None
    if encoding := webencodings.lookup("utf-8" if name == "utf8mb4" else name):
        return _codec(encoding)
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    if encoding := webencodings.lookup(codec.replace("_", "-")):
        return _codec(encoding)
    return codec if codec in _WEB | _OLD else None


def _codec(encoding: webencodings.Encoding) -> str | None:
    return _CODECS.get(encoding.name, encoding.codec_info.name)


_WEB = frozenset(webencodings.lookup(label).codec_info.name for label in LABELS)


def marked(body: bytes) -> tuple[str, int] | None:
    """The codec that the byte order mark of `body` names, and the bytes that the mark takes."""
    return next(((codec, len(mark)) for mark, codec in MARKS if body.startswith(mark)), None)


def guess(body: bytes) -> str | None:
    """The codec that the bytes themselves suggest, if any."""
    return codec_of(cchardet.detect(body[:_GUESS_REACH])["encoding"])
