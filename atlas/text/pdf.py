"""PDF to text through pdfium. Runs in a limited child: the format is as hostile as any."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import pypdfium2

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.texts import fold_blank

_MAX_PAGES = 2_000
_MAX_CHARACTERS = 10_000_000
# D:YYYYMMDDHHmmSSOHH'mm (ISO 32000-1, 7.9.4); all after the year is optional.
_DATE = re.compile(
    r"^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?"
)
_HYPHENATED = re.compile("[\u0002\ufffe]\\s*")  # pdfium's mark for a hyphen at a line's end


class PdfText(NamedTuple):
    """Text (pages apart by an empty line), title and creation date (UTC) of a PDF; `truncated` says
    which pages are not in the text, None: all are."""

    text: str
    title: str
    published: datetime | None
    truncated: str | None


def pdf_text(body: bytes) -> PdfText:
    """What a PDF says.

    Raises PageError(INVALID, "pdf_broken") for what pdfium cannot open, an encrypted file too.
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        raise PageError(
            ErrorClass.INVALID, "pdf_broken", f"pdfium cannot open it: {error}"
        ) from error
    try:
        metadata = document.get_metadata_dict()
        text, truncated = _pages(document)
        return PdfText(
            text,
            fold_blank(metadata.get("Title", "")),
            pdf_date(metadata.get("CreationDate", "")),
            truncated,
        )
    finally:
        document.close()


def pdf_date(value: str) -> datetime | None:
    """A PDF date string in UTC; None for anything else, such as a thirteenth month."""
    found = _DATE.match(value.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, sign, off_hours, off_minutes = found.groups()
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        clock = (int(hour or 0), int(minute or 0), int(second or 0))
        local = datetime(int(year), int(month or 1), int(day or 1), *clock, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _pages(document: pypdfium2.PdfDocument) -> tuple[str, str | None]:
    texts: list[str] = []
    size, unread, count = 0, 0, len(document)
    for index in range(min(count, _MAX_PAGES)):
        text = _page(document, index)
        unread += text is None
        texts.append(text or "")
        size += len(texts[-1])
        if size > _MAX_CHARACTERS:
            break
    return "\n\n".join(text for text in texts if text), _missing(len(texts), count, unread)


def _missing(read: int, count: int, unread: int) -> str | None:
    missing = []
    if read < count:
        missing.append(f"pages {read + 1} to {count}" if read + 1 < count else f"page {count}")
    if unread:
        missing.append(f"{unread} of {count} pages, which cannot be read")
    return " and ".join(missing) or None


def _page(document: pypdfium2.PdfDocument, index: int) -> str | None:
    """One page's text; None for one that cannot be read, which costs no other page anything."""
    try:
        page = document[index]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    raw = textpage.get_text_range(errors="replace")
    textpage.close()
    page.close()
    return _HYPHENATED.sub("", raw.replace("\r\n", "\n")).strip()
