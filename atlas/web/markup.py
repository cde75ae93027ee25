"""Hostile XML to safe UTF-8: what feeds and sitemaps do before any parser sees a byte.

Everything is decoded here, to text, and handed on as UTF-8 without an encoding declaration. So
no parser is talked into an exotic encoding that hides a declaration, and the search for entity
declarations below sees what the parser will see.
"""

import re
from dataclasses import dataclass

from atlas.domain.charsets import codec_of, guess, marked
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_DOCTYPE = re.compile(r"""<!DOCTYPE(?:"[^"]*"|'[^']*'|[^"'\[>])*""", re.IGNORECASE)
_ROOT = re.compile(r"<([^\W\d][\w.:-]*)")
_SPACE = re.compile(r"\s*")
_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# Written in ASCII bytes, so it would pass for UTF-8.
_ESCAPED = "iso2022_jp"


def _declared_codecs(body: bytes, content_type: str) -> list[str]:
    """What the header and then the XML declaration claim (RFC 7303 section 3)."""
    header = _CHARSET.search(content_type)
    declared = _DECLARED.match(body[:400])
    labels = [header.group(1)] if header else []
    if declared:
        labels.append(declared.group(1).decode("ascii"))
    return [codec for label in labels if (codec := codec_of(label))]


def _marked_codec(body: bytes) -> tuple[str, int] | None:
    if found := marked(body):
        return found
    start = body[:2]
    if start == b"<\x00":
        return "utf-16-le", 0
    return ("utf-16-be", 0) if start == b"\x00<" else None


def _codecs_to_try(body: bytes, content_type: str) -> list[str]:
    """Strict UTF-8 comes before any claim: text in another charset hardly ever passes for it,
    while wrong claims are common."""
    claimed = _declared_codecs(body, content_type)
    escaped = [codec for codec in claimed if codec == _ESCAPED]
    return [*escaped, "utf-8", *claimed]


def decode_markup(body: bytes, content_type: str = "") -> str:
    """Text of a feed, sitemap or similar file, whatever charset it claims. Never fails: bytes
    that no charset explains become U+FFFD."""
    if known := _marked_codec(body):
        codec, start = known
        return body[start:].decode(codec, "replace")
    for codec in _codecs_to_try(body, content_type):
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    return body.decode(guess(body) or "cp1252", "replace")


@dataclass(frozen=True)
class XmlText:
    """An XML document from its root element on; `root` is that element's name, lower case,
    without a namespace prefix."""

    root: str
    data: bytes


class LongProlog(Exception):
    """The root element does not begin within the limit."""


def safe_xml(text: str, prolog: int = DEFAULTS.prolog) -> XmlText | None:
    """The document in `text` without its prolog, as UTF-8, or None if there is no element.

    Dropping the DOCTYPE drops every entity and default attribute it could declare, so no parser
    meets billion laughs or an external entity. A document that declares entities is refused
    whole with `PageError(INVALID, "xml_entities")`: no feed or sitemap needs one; so is one of
    whose text more than `prolog` characters precede the root element (`LongProlog`).
    """
    text = _NOT_XML.sub("", text)
    start = text.find("<")
    # Of the prolog each part is looked through to its end, which may be missing: in a few KiB that
    # costs nothing, however many parts there are.
    head = text[: start + prolog]
    while start >= 0 and (past := _past_prolog_part(head, start)) is not None:
        start = _SPACE.match(head, past).end()  # type: ignore[union-attr]
    root = _ROOT.match(text, start) if start >= 0 else None
    if root is None:
        # One that the limit cuts in its first letters was not recognised above.
        if len(head) < len(text) and start + len("<!DOCTYPE") > len(head):
            raise LongProlog
        return None
    name = root.group(1).rpartition(":")[2].lower()
    # With a declaration in front no parser goes looking for a better place to start.
    return XmlText(name, _HEAD + text[start:].encode("utf-8", "replace"))


def _past_prolog_part(text: str, start: int) -> int | None:
    """Where the comment, instruction or DOCTYPE at `start` ends; None if there is none
    (XML 1.0 section 2.8)."""
    if text.startswith("<!--", start):
        return _past(text, "-->", start + 4)
    if text.startswith("<?", start):
        return _past(text, "?>", start + 2)
    if doctype := _DOCTYPE.match(text, start):
        return _past_doctype(text, doctype.end())
    return None


def _past(text: str, end: str, start: int) -> int:
    found = text.find(end, start)
    return len(text) if found < 0 else found + len(end)


def _past_doctype(text: str, end: int) -> int:
    if not text.startswith("[", end):
        return end + 1
    if "<!ENTITY" in text[end:]:
        raise PageError(ErrorClass.INVALID, "xml_entities", "it declares XML entities: refused")
    return _past(text, ">", _past(text, "]", end))
