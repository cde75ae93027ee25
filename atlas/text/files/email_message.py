"""E-mail (RFC 5322, MIME) to HTML: the text as its writer meant it, and the names of what is
attached, which is not opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.texts import fold_blank
from atlas.text.files.file_archive import encrypted
from atlas.text.files.file_page import FilePage, stated_by
from atlas.text.files.html_writer import HtmlWriter, inline
from atlas.text.files.inner_page import inner_page
from atlas.text.markup.charset import decode

MAX_PARTS = 1_000
"""Parts of a message that are looked at."""

_HEADER = re.compile(
    rb"(?:From \S+[^\r\n]*\r?\n)?(?:return-path|received|delivered-to|from|to|date|subject|"
    rb"message-id|mime-version|reply-to|dkim-signature|arc-[a-z-]+|x-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
_SENDER = re.compile(rb"^from[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ABOUT = re.compile(rb"^(?:date|subject|message-id)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_GAP = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SECRET = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
_FLOWED = re.compile(r"(?<!\n--) \r?\n(?=[^>\s])")


class _Message:
    """What is shown of a message, part by part."""

    def __init__(self) -> None:
        self.writer = HtmlWriter()
        self.attached: list[str] = []
        self.hidden: list[str] = []
        self.parts = 0

    def add(self, part: EmailMessage) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            return
        kind = part.get_content_type()
        if kind in _SECRET and _is_sealed(part):
            raise encrypted("eml")
        if kind.startswith("multipart/"):
            inner = [each for each in part.iter_parts() if isinstance(each, EmailMessage)]
            for each in _best(inner) if kind == "multipart/alternative" else inner:
                self.add(each)
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            self._show(part, kind)
        elif not kind.endswith("-signature"):
            self.attached.append(f"{_file_of(part)} ({kind})")

    def _show(self, part: EmailMessage, kind: str) -> None:
        text = _text(part)
        if kind == "text/html":
            page = inner_page(text)
            self.writer.block("div", page.html)
            self.hidden += [page.hidden] if page.hidden else []
            return
        if str(part.get_param("format", "")).lower() == "flowed":
            text = _FLOWED.sub(" ", text)
        for paragraph in _GAP.split(text.replace("\r\n", "\n")):
            self.writer.block("p", inline(paragraph))


def is_email(body: bytes) -> bool:
    """Whether a body begins with the headers of a message."""
    head = re.split(rb"\r?\n\r?\n", body[:65_536].lstrip(b"\r\n"), maxsplit=1)[0]
    return bool(_HEADER.match(head) and _SENDER.search(head) and _ABOUT.search(head))


def email_page(body: bytes) -> FilePage:
    """What a message says."""
    if body.lower().count(b"multipart/") > MAX_PARTS:  # the parser's time is the square of depth
        words = f"the e-mail has more than {MAX_PARTS} parts that hold others"
        raise PageError(ErrorClass.INVALID, "eml_too_large", words)
    found = BytesParser(EmailMessage, policy=policy.default).parsebytes(body.lstrip(b"\r\n"))
    if not found.keys():
        raise ValueError("it has no headers")
    message = _Message()
    message.add(found)
    for name in message.attached:
        message.writer.item(0, inline(f"Attachment: {name}"))
    if message.parts > MAX_PARTS:
        message.hidden.append(f"parts after the first {MAX_PARTS}")
    missing = " and ".join(message.hidden)[:500]
    return FilePage(message.writer.html(), tuple(_stated(found)), truncated=missing or None)


def _best(alternatives: list[EmailMessage]) -> list[EmailMessage]:
    """Of parts that say the same, the plain text, unless it says nothing; else the last, which its
    writer prefers (RFC 2046, 5.1.4)."""
    for each in alternatives:
        if each.get_content_type() == "text/plain" and _text(each).strip():
            return [each]
    return alternatives[-1:]


def _is_sealed(part: EmailMessage) -> bool:
    """Whether what it holds is secret: a signature around the text seals nothing."""
    return str(part.get_param("smime-type", "")).lower() != "signed-data"


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    return decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _file_of(part: EmailMessage) -> str:
    inner = (
        part.get_payload(0)
        if part.get_content_maintype() == "message" and part.is_multipart()
        else None
    )
    subject = _header(inner, "subject") if isinstance(inner, EmailMessage) else ""
    return fold_blank(part.get_filename() or subject)[:200] or "without a name"


def _stated(message: EmailMessage) -> Iterator[StatedMetadata]:
    yield from stated_by("title", _header(message, "subject"), "subject of the e-mail")
    yield from stated_by("author", _authors(message), "sender of the e-mail")
    yield from stated_by("published", _header(message, "date"), "date of the e-mail")


def _authors(message: EmailMessage) -> str:
    """The names of those who wrote it, or their addresses where they have no names."""
    named = getaddresses([_header(message, "from")])
    return ", ".join(name or address for name, address in named if name or address)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return fold_blank(str(message[name] or ""))
    except Exception:  # of a hostile header the library's parser raises errors of many classes
        return ""
