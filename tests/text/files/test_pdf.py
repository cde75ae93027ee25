"""PDF text, title and dates, on a file written here byte by byte."""

from datetime import UTC, datetime

import pytest

from atlas.text.extract import extract
from atlas.text.files import pdf as reading
from atlas.text.files.pdf import pdf_date


def pdf(lines: list[str], title: str, pages: int = 1) -> bytes:
    """A PDF of so many pages, each with the given lines in Helvetica."""
    shown = " ".join(f"({line}) Tj 0 -20 Td" for line in lines)
    stream = f"BT /F1 12 Tf 72 720 Td {shown} ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(['3 0 R'] * pages)}] /Count {pages} >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) /CreationDate (D:20200102030405+01'00') >>",
    ]
    out, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{len(out)}\n%%EOF"
    return f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


@pytest.mark.parametrize(
    "content_type", ["application/pdf", "application/octet-stream", "text/html"]
)
def test_text_title_and_date(content_type: str) -> None:
    body = pdf(["The harbour opens at dawn.", "It closes at dusk."], "Harbour rules")
    found = extract(body, content_type, None, "https://a.example/rules.pdf")
    assert found.text == "The harbour opens at dawn.\n\nIt closes at dusk."
    assert (found.title, found.media, found.lang) == ("Harbour rules", "pdf", "en")
    assert found.published == datetime(2020, 1, 2, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("D:2020", datetime(2020, 1, 1, tzinfo=UTC)),
        ("D:20200229235959Z", datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("D:20201301", None),
        ("yesterday", None),
        ("D:20200102030405+99'99'", None),
        ("", None),
    ],
)
def test_dates(value: str, expected: datetime | None) -> None:
    assert pdf_date(value) == expected


def missing(body: bytes) -> str | None:
    return extract(body, "application/pdf", None, "https://a.example/rules.pdf").truncated


@pytest.mark.fault(8)
def test_what_is_cut_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = pdf(["The harbour opens at dawn."], "Rules", pages=5)
    assert missing(pages) is None
    monkeypatch.setattr(reading, "MAX_PAGES", 3)
    assert missing(pages) == "pages 4 to 5"
    monkeypatch.setattr(reading, "MAX_PAGES", 4)
    assert missing(pages) == "page 5"
    monkeypatch.setattr(reading, "MAX_CHARACTERS", 30)
    assert missing(pages) == "pages 3 to 5"


@pytest.mark.fault(8)
def test_a_page_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    page = reading._page

    def second_fails(document: object, index: int) -> object:
        return None if index == 1 else page(document, index)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_page", second_fails)
    body = pdf(["The harbour opens at dawn."], "Rules", pages=3)
    assert missing(body) == "1 of 3 pages, which cannot be read"
    monkeypatch.setattr(reading, "MAX_PAGES", 2)
    assert missing(body) == "page 3 and 1 of 3 pages, which cannot be read"
