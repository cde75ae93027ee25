"""E-mail is read as its writer meant it: one text of those that say the same, attachments named."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart

import pytest

from atlas.domain.errors import PageError
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.files import email_message

URL = "https://a.example/mail/1"


def message(plain: str | None = None, html: str | None = None) -> EmailMessage:
    made = EmailMessage()
    made["From"] = '"Ada Lund" <ada@a.example>'
    made["To"] = "bo@b.example"
    made["Subject"] = "Där vi förtöjer – the moorings"
    made["Date"] = "Tue, 05 Mar 2024 09:00:00 +0100"
    if plain is not None:
        made.set_content(plain)
    if html is not None:
        (made.add_alternative if plain is not None else made.set_content)(html, subtype="html")
    return made


def read(body: bytes | EmailMessage, content_type: str = "message/rfc822") -> Extracted:
    return extract(bytes(body), content_type, None, URL)


def test_subject_sender_date_and_text() -> None:
    found = read(message("Tie the bow line\nfirst.\n\nThen the stern line.\n"))
    assert found.text == "Tie the bow line\nfirst.\n\nThen the stern line."
    assert (found.media, found.title) == ("eml", "Där vi förtöjer – the moorings")
    assert (found.author, found.published) == ("Ada Lund", datetime(2024, 3, 5, 8, tzinfo=UTC))
    assert StatedMetadata("author", "Ada Lund", "sender of the e-mail") in found.stated
    assert found.verdict is None


def test_of_two_that_say_the_same_the_plain_text() -> None:
    both = message("The plain words.", "<h1>Other</h1><p>The marked words.</p>")
    assert read(both).text == "The plain words."
    assert read(message(" ", "<p>The marked words.</p>")).text == "The marked words."


def test_html_alone_is_read_as_a_page() -> None:
    html = (
        '<h1 id="x">Mooring</h1><p>See <a href="https://b.example/t">tides</a><a href="cid:1">.</a>'
    )
    found = read(message(html=html))
    assert found.markdown == "# Mooring\n\nSee [tides](https://b.example/t)."
    assert [(each.title, each.anchor) for each in found.outline] == [("Mooring", None)]


def test_attachments_are_named_and_not_opened() -> None:
    made = message("The plan is attached.")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="plan.pdf")
    made.add_attachment("never read", filename="notes.txt")
    made.add_attachment(message("forwarded words"))
    text = read(made).text
    assert text.startswith("The plan is attached.")
    for named in ("plan.pdf (application/pdf)", "notes.txt (text/plain)", "Där vi förtöjer"):
        assert f"Attachment: {named}" in text
    assert "never read" not in text and "forwarded words" not in text


def test_words_after_an_attachment_are_not_lost() -> None:
    made = MIMEMultipart()
    for part in (message("before"), message("after")):
        for name in list(part.keys()):
            if not name.lower().startswith(("content", "mime")):
                del part[name]
        made.attach(part)
    made["From"], made["Subject"] = "ada@a.example", "both"
    assert read(made.as_bytes()).text == "before\n\nafter"  # type: ignore[arg-type]
    assert read(made.as_bytes()).author == "ada@a.example"


def test_flowed_lines_are_one_paragraph() -> None:
    body = (
        b"From: a@a.example\nSubject: s\nContent-Type: text/plain; format=flowed\n\n"
        b"one \nparagraph\n-- \nsignature\n"
    )
    assert read(body).text == "one paragraph\n--\nsignature"


def test_charsets_are_told_as_everywhere() -> None:
    head = b"From: a@a.example\nSubject: s\nContent-Type: text/plain; charset=%s\n\n"
    assert read(head % b"iso-8859-1" + "Förtöj båten här".encode("latin-1")).text == (
        "Förtöj båten här"
    )
    assert "båten" in read(head % b"no-such" + "Förtöj båten här".encode()).text


@pytest.mark.parametrize("served", ["", "application/octet-stream"])
def test_it_is_known_by_its_headers(served: str) -> None:
    assert read(message("words"), served).media == "eml"
    received = b"Received: from x\n by y\n" + bytes(message("words"))
    assert read(received, served).media == "eml"
    assert read(b"From: the harbour\n\nwords", served).media == "text"
    assert read(b"Note: a thing\nFrom: a\nDate: b\n\nwords", served).media == "text"
    assert read(message("words"), "text/plain").media == "text"


def code_of(body: bytes | EmailMessage) -> str:
    with pytest.raises(PageError) as refused:
        read(body)
    return refused.value.code


def test_failures_are_named() -> None:
    sealed = message()
    sealed.set_content(b"0", maintype="application", subtype="pkcs7-mime")
    assert code_of(sealed) == "encrypted"
    assert code_of(b"From: a@a.example\nSubject: empty\n\n \n") == "no_text"
    assert code_of(b"no headers at all") in ("eml_broken", "no_text")
    head = b"From: a@a.example\nSubject: deep\n"
    level = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    levels = [level % (number, number) for number in range(1_001)]
    assert code_of(head + b"".join(levels)) == "eml_too_large"
    assert code_of(head + b"".join(levels[:20])) == "no_text"


def test_headers_that_no_parser_likes_cost_nothing_else() -> None:
    body = b"From: =?x?q?=\xff\xfe <@\nDate: tomorrow\nSubject: =?utf-8?q?=E2?= a\n\nThe words.\n"
    found = read(body)
    assert (found.text, found.published) == ("The words.", None)


def test_parts_past_the_bound_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_message, "MAX_PARTS", 3)
    made = message("words")
    for number in range(4):
        made.add_attachment("x", filename=f"{number}.txt")
    assert read(made).truncated == "parts after the first 3"
