"""What kind of body it is: the Content-Type header, checked against the bytes themselves.

After the WHATWG MIME Sniffing Standard: signatures first, then the share of binary bytes.
"""

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.media_kinds import Media, kind_of_type
from atlas.text.files.email_message import is_email

_REACH = 8192  # bytes looked at
_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"\x7fELF",
    b"MZ\x90",
    b"Rar!\x1a",
    b"7z\xbc\xaf\x27\x1c",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"OggS",
    b"ID3",
    b"wOFF",
    b"wOF2",
    b"\x00asm",
    b"\xca\xfe\xba\xbe",
    b"SQLite format 3\x00",
    b"RIFF",
    b"%!PS",
)
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_BINARY = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_HTML = re.compile(
    rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body|title|meta|div"
    rb"|p|h1|table|script|style|a|br|article|main|section)[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_TEXTUAL = ("application/json", "application/xml", "application/rtf", "application/yaml")
_EMAIL = "message/rfc822"
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_ARCHIVES: dict[str, Media] = {
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "xl/workbook.xml": "xlsx",
    "META-INF/container.xml": "epub",
}
"""Parts that only archives of one kind have."""
_IN_ARCHIVES = (*_ARCHIVES.values(), "odt")
_NAMED_TYPE = re.compile(rb"PK\x03\x04.{22}\x08\x00.{2}mimetype([a-z./+-]{1,100})", re.DOTALL)
"""The type that an EPUB or OpenDocument states in its first part, as it is (OCF 3.3, 4.2.2)."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEALED = "EncryptedPackage".encode("utf-16-le")
"""The stream of an Office file with a password (MS-OFFCRYPTO, 2.3.4.4)."""
_VAGUE = ("", "application/octet-stream", "binary/octet-stream", "application/unknown")


def media_of(body: bytes, content_type: str | None) -> Media:
    """How the body is read: by what it is, else as its type declares it.

    Raises PageError(INVALID) with `empty_body`, `binary_content`, `encrypted`, `pdf_broken` or
    `unsupported_type`.
    """
    if not body.strip(b" \t\r\n\f\x00\xef\xbb\xbf"):
        raise _invalid("empty_body", "the body is empty")
    if body[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    declared = _declared(content_type)
    if body.startswith(b"PK\x03\x04") and (media := _archive_media(body, declared)):
        return media
    if body.startswith(_OLE):
        raise _old_office(body)
    if is_binary(body):
        raise _invalid("binary_content", f"served as {declared or 'no type'}, but it is binary")
    return _declared_media(body, declared)


def _archive_media(body: bytes, declared: str) -> Media | None:
    """The kind of file that an archive is; None: it is but an archive. One that is broken is what
    it is declared as, which then says so."""
    stated = _NAMED_TYPE.match(body[:256])
    kind = kind_of_type(stated[1].decode()) if stated else None
    if kind is None:
        try:
            names = set(ZipFile(BytesIO(body)).namelist())
        except (BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
            names = set()
        found = (media for part, media in _ARCHIVES.items() if part in names)
        kind = kind_of_type(declared)
        return next(found, kind.media if kind and kind.media in _IN_ARCHIVES else None)
    return kind.media if kind.media in _IN_ARCHIVES else None


def _old_office(body: bytes) -> PageError:
    if _SEALED in body:
        return _invalid(
            "encrypted", "the Office file is encrypted, and Atlas has no password for it"
        )
    return _invalid("binary_content", "a file of Office before 2007 (.doc, .xls, .ppt) or the like")


def is_xml(content_type: str | None) -> bool:
    """Whether a body is declared as XML, XHTML among it."""
    return _declared(content_type).endswith(("/xml", "+xml"))


def _declared(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def is_binary(body: bytes) -> bool:
    """Whether the first bytes are those of an image, archive, program, or no text at all."""
    head = body[:_REACH]
    if head.startswith(_SIGNATURES) or head[4:8] == b"ftyp":
        return True
    if head.startswith(_BOMS) or _looks_utf16(head):
        return False
    return len(head) - len(head.translate(None, _BINARY)) > max(4, len(head) // 100)


def _looks_utf16(head: bytes) -> bool:
    """Text in UTF-16 without a mark: every second byte of Latin text is zero, the others never."""
    odd, even = head[1::2], head[::2]
    zeros = sorted((odd.count(0) / max(len(odd), 1), even.count(0) / max(len(even), 1)))
    return zeros[1] > 0.7 and zeros[0] < 0.02


def _declared_media(body: bytes, declared: str) -> Media:
    looks_html = _HTML.match(body[:2048]) is not None
    if declared in _HTML_TYPES:
        return "html"
    if (kind := kind_of_type(declared)) and kind.media in _IN_ARCHIVES:
        raise _invalid(f"{kind.media}_broken", f"served as {kind.name}, but it is no archive")
    if declared == _EMAIL or (declared in _VAGUE and is_email(body)):
        return "eml"
    if declared == "application/pdf":
        raise _invalid("pdf_broken", "served as application/pdf, but it has no PDF header")
    if declared in _VAGUE:
        return "html" if looks_html else "text"
    if declared.endswith(("/xml", "+xml")):
        return "html" if looks_html else "text"
    if declared.startswith("text/") or declared in _TEXTUAL or declared.endswith("+json"):
        return "text"
    raise _invalid("unsupported_type", f"{declared[:100]} is not a type Atlas reads text from")


def _invalid(code: str, message: str) -> PageError:
    return PageError(ErrorClass.INVALID, code, message)
