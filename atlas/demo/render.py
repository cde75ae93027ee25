"""Demo pages as they travel: HTML with the usual furniture around the text, plain text, PDF,
the feed, the sitemap and robots.txt. Equal input gives equal bytes, so ETags hold."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from html import escape
from string import Template
from textwrap import wrap

from atlas.demo.prose import Page

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")

_HTML = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<title>$title</title>
<meta name="viewport" content="width=device-width">
<meta property="article:published_time" content="$published">
<link rel="alternate" type="application/rss+xml" title="Notice board" href="/feed.xml">
<style>body{font:1.1rem/1.6 serif;max-width:40rem;margin:auto;padding:1rem}nav a{margin-right:1em}
</style>
<script>document.documentElement.classList.add("lit");</script>
</head>
<body>
<header>
<nav><a href="/">Home</a> <a href="/harbour/">Harbour</a> <a href="/kitchen/">Kitchen</a>
<a href="/people/">People</a> <a href="/news/">News</a></nav>
</header>
<aside class="cookie-banner">This site keeps no cookies. The bakery does.</aside>
<main>
<article>
$article
</article>
</main>
<footer>
<p>The handbook of Lantern Harbour. Printed on reused paper, corrected in pencil.</p>
<p><a href="/feed.xml">Feed</a></p>
</footer>
</body>
</html>
""")


def rendered(page: Page) -> tuple[str, bytes]:
    """(Content-Type, body) of a page."""
    if page.path.endswith(".txt"):
        return "text/plain; charset=utf-8", (page.text + "\n").encode()
    if page.path.endswith(".pdf"):
        return "application/pdf", _pdf(page)
    return "text/html; charset=utf-8", _html(page)


def last_modified(day: date) -> datetime:
    """When a page of that date changed: at nine in the morning, UTC."""
    return datetime.combine(day, time(9), UTC)


def feed(pages: Sequence[Page], base: str) -> bytes:
    """RSS 2.0 of `pages`, in the order given; `base` is the site without a slash at its end."""
    items = "".join(
        f"<item><title>{escape(page.title)}</title><link>{base}{page.path}</link>"
        f"<pubDate>{format_datetime(last_modified(page.date), usegmt=True)}</pubDate></item>\n"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
        f"<title>The notice board of Lantern Harbour</title><link>{base}/</link>"
        "<description>What is new in the harbour</description><ttl>60</ttl>\n"
        f"{items}</channel></rss>\n"
    ).encode()


def sitemap(pages: Iterable[Page], others: Iterable[str], base: str) -> bytes:
    """A sitemap of `pages` and of `others`, paths without a date."""
    dated = [
        f"<url><loc>{base}{page.path}</loc><lastmod>{page.date}</lastmod></url>" for page in pages
    ]
    bare = [f"<url><loc>{base}{path}</loc></url>" for path in others]
    entries = "\n".join(dated + bare)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}\n</urlset>\n'
    ).encode()


def robots(disallowed: str, base: str) -> bytes:
    """robots.txt that keeps robots off `disallowed` and names the sitemap."""
    return f"User-agent: *\nDisallow: {disallowed}\n\nSitemap: {base}/sitemap.xml\n".encode()


def _html(page: Page) -> bytes:
    article = "\n".join(_block(block) for block in page.blocks)
    return _HTML.substitute(
        lang=page.lang,
        title=escape(page.title),
        published=last_modified(page.date).isoformat(),
        article=article,
    ).encode()


def _block(block: str) -> str:
    if block.startswith("# "):
        return f"<h1>{_inline(block[2:])}</h1>"
    if block.startswith("- "):
        items = "\n".join(f"<li>{_inline(line[2:])}</li>" for line in block.splitlines())
        return f"<ul>\n{items}\n</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    return _LINK.sub(r'<a href="\2">\1</a>', escape(text, quote=False))


def _pdf(page: Page) -> bytes:
    """One A4 page in Helvetica: the least that every reader accepts (ISO 32000-1, annex H)."""
    shown = _pdf_text(page)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<< /Title (%s) >>" % _pdf_string(page.title),
    )
    out = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    out += (
        b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        + (b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n" % size)
        + b"%d\n%%%%EOF\n" % out.rfind(b"xref\n0 ")
    )
    return out


def _pdf_text(page: Page) -> bytes:
    lines = [line for block in page.blocks for line in (*wrap(block, 88), "")]
    shown = b"\n".join(b"(%s) Tj T*" % _pdf_string(line) for line in lines)
    return b"BT /F1 11 Tf 15 TL 60 780 Td\n%s\nET" % shown


def _pdf_string(text: str) -> bytes:
    return re.sub(rb"([\\()])", rb"\\\1", text.encode("cp1252", "replace"))
