"""The table of limits in `docs/security.md`: each value is read from the code that enforces it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

BEGIN = "<!-- Limits: written by `make docs` from the code; change them there. -->\n"
END = "<!-- End of the limits. -->\n"


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit: what it bounds, where its value is (module, a class if it is of one, and name),
    what changes it (empty: nothing does), and what becomes of more."""

    bounds: str
    place: str
    unit: str
    by: str
    past: str

    @property
    def value(self) -> int | float:
        """The value that the code uses, or starts from where a setting changes it."""
        module, name = self.place.rsplit(".", 1)
        if not module.rpartition(".")[2][:1].isupper():
            found = getattr(importlib.import_module(module), name)
        else:
            module, kind = module.rsplit(".", 1)
            owner = getattr(importlib.import_module(module), kind)
            fields = getattr(owner, "model_fields", {})
            found = fields[name].default if name in fields else getattr(owner, name)
        assert isinstance(found, int | float), self.place
        return found


_WEB, _TEXT, _LISTING = "atlas.web", "atlas.text", "atlas.domain.listing_limits"
_FILES = f"{_TEXT}.files"
_ADDRESSES, _EXTRACTION = "atlas.domain.addresses", "atlas.domain.extraction"
_FETCHING = "atlas.settings.groups.FetchSettings"
_EXTRACTING = "atlas.settings.groups.ExtractionSettings"
_RENDERING = "atlas.settings.groups.RenderingSettings"
_READER = "atlas.formats.warc_reader"
_NAMED = "the record is named as a problem"
_MARKED = "the rest is left out; the document is marked `truncated`"
_REFUSED = "the rule is refused, with the fix"
_TOO_LARGE = "the document fails as `docx_too_large`, `pptx_too_large` …"
_INCOMPLETE = "the rest is left out; the listing is incomplete"

# Not formatted: with an argument a line the table would be three times as long.
LIMITS = (
    Bound("URL", f"{_ADDRESSES}.urls.MAX_URL_LENGTH", "characters", "", "the URL is refused"),
    Bound(
        "pattern of a source", f"{_ADDRESSES}.patterns.MAX_PATTERN_LENGTH", "characters", "",
        _REFUSED,
    ),
    Bound(
        "patterns of a source", f"{_ADDRESSES}.scope.MAX_PATTERNS", "patterns", "",
        _REFUSED,
    ),
    Bound(
        "URL as a pattern sees it", f"{_ADDRESSES}.scope.MAX_MATCHED", "characters", "",
        "the pattern does not see the rest",
    ),
    Bound(
        "selector of a source", f"{_EXTRACTION}.css_selectors.MAX_SELECTOR_LENGTH",
        "characters", "",
        _REFUSED,
    ),
    Bound(
        "rules of extraction, of each kind", f"{_EXTRACTION}.extraction_rules.MAX_RULES",
        "rules", "",
        _REFUSED,
    ),
    Bound(
        "body of a page, decoded", f"{_FETCHING}.fetch_max_bytes", "bytes",
        "`ATLAS_FETCH_MAX_BYTES`", "the page fails (quota)",
    ),
    Bound(
        "whole request", f"{_FETCHING}.fetch_timeout", "seconds", "`ATLAS_FETCH_TIMEOUT`",
        "the page fails, and is retried",
    ),
    Bound(
        "attempts per page and run", f"{_FETCHING}.fetch_attempts", "attempts",
        "`ATLAS_FETCH_ATTEMPTS`", "the page fails",
    ),
    Bound(
        "connecting, all addresses of a name", f"{_WEB}.client._CONNECT_TIMEOUT", "seconds", "",
        "the page fails, and is retried",
    ),
    Bound(
        "redirects in a row", "atlas.domain.fetch.FetchRequest.max_redirects", "redirects", "",
        "the page fails",
    ),
    Bound("header line", f"{_WEB}.transport._MAX_HEADER_LINE", "bytes", "", "the page fails"),
    Bound("headers", f"{_WEB}.transport._MAX_HEADERS", "headers", "", "the page fails"),
    Bound(
        "content codings on top of each other", f"{_WEB}.decoding._MAX_CODINGS", "codings", "",
        "the page fails",
    ),
    Bound(
        "head of an archived answer", f"{_WEB}.archived_response.MAX_HEAD", "bytes", "",
        _NAMED,
    ),
    Bound("headers of an archive's record", f"{_READER}.MAX_HEADER", "bytes", "", _NAMED),
    Bound(
        "lines of an archive's record's headers", f"{_READER}.MAX_HEADER_LINES", "lines", "",
        _NAMED,
    ),
    Bound(
        "decompressed to pass over an archive's record", f"{_READER}.MAX_SKIPPED", "bytes", "",
        _NAMED,
    ),
    Bound(
        "unreadable records of an archive in a row", f"{_READER}.MAX_PROBLEMS_IN_A_ROW",
        "records", "", "the archive is refused",
    ),
    Bound(
        "addresses of an archive", "starter.archive_plan.MAX_ADDRESSES", "addresses", "",
        "the archive is refused",
    ),
    Bound(
        "records of an archive", "starter.archive_plan.MAX_RECORDS", "records", "",
        "the archive is refused",
    ),
    Bound("robots.txt", f"{_WEB}.robots_answer.PARSE_LIMIT", "bytes", "", "the rest is not read"),
    Bound(
        "redirects of a robots.txt", f"{_WEB}.robots._MAX_REDIRECTS", "redirects", "",
        "the file counts as absent (RFC 9309, 2.3.1.2)",
    ),
    Bound(
        "sitemaps named by a robots.txt", f"{_WEB}.robots_answer.MAX_SITEMAPS", "sitemaps", "",
        "the rest is not read",
    ),
    Bound(
        "file of a listing, unpacked", f"{_LISTING}.BYTES.default", "bytes", "`--listing-bytes`",
        _INCOMPLETE,
    ),
    Bound(
        "entries of a file of a listing", f"{_LISTING}.ENTRIES.default", "entries",
        "`--listing-entries`", _INCOMPLETE,
    ),
    Bound(
        "elements of such a file, for each entry", f"{_LISTING}.ELEMENTS_PER_ENTRY", "elements",
        "`--listing-entries`", _INCOMPLETE,
    ),
    Bound(
        "files of a sitemap tree", f"{_LISTING}.FILES.default", "files", "`--listing-files`",
        _INCOMPLETE,
    ),
    Bound(
        "addresses of a listing", f"{_LISTING}.ADDRESSES.default", "addresses",
        "`--listing-addresses`", _INCOMPLETE,
    ),
    Bound(
        "addresses refused by a source's rules that are remembered",
        f"{_ADDRESSES}.refused_addresses.MOST", "addresses", "", "the others are only counted",
    ),
    Bound(
        "nesting in a file of a listing", f"{_LISTING}.DEPTH.default", "levels",
        "`--listing-depth`", _INCOMPLETE,
    ),
    Bound(
        "before the first element of such a file", f"{_LISTING}.PROLOG.default", "characters",
        "`--listing-prolog`", "the file fails, and the listing is incomplete",
    ),
    Bound("gzip members of a sitemap", f"{_WEB}.sitemaps._MAX_MEMBERS", "members", "", _INCOMPLETE),
    Bound("tag of a feed", f"{_WEB}.feeds.MAX_TAG", "characters", "", "the feed fails"),
    Bound(
        "answer of the process that reads a listing, one part", f"{_WEB}.listing_parser._MAX_FRAME",
        "bytes", "", "the listing fails",
    ),
    Bound(
        "nesting in an OPML file", f"{_WEB}.opml.MAX_DEPTH", "levels", "", "the file is refused",
    ),
    Bound(
        "`sources.yaml`", "starter.source_files.yaml_nodes.MAX_CHARACTERS", "characters", "",
        "the file is refused",
    ),
    Bound(
        "nesting in `sources.yaml`", "starter.source_files.yaml_nodes.MAX_DEPTH", "levels", "",
        "the file is refused",
    ),
    Bound(
        "files of a listing that `atlas plan` reads", "starter.source_files.estimates.FILES",
        "files", "", "the rest is taken to be like them",
    ),
    Bound(
        "addresses that `sources add` tries", f"{_WEB}.source_detection.MAX_ASKED", "addresses", "",
        "no kind is found; `--kind` says it",
    ),
    Bound(
        "extracting one document, or one file of a listing", f"{_EXTRACTING}.extract_timeout",
        "seconds", "`ATLAS_EXTRACT_TIMEOUT`", "it fails as `extractor_timeout`",
    ),
    Bound(
        "memory for it", f"{_EXTRACTING}.extract_memory", "bytes", "`ATLAS_EXTRACT_MEMORY`",
        "it fails as `extractor_memory`",
    ),
    Bound(
        "rendering one page", f"{_RENDERING}.render_timeout", "seconds", "`ATLAS_RENDER_TIMEOUT`",
        "it is taken as it is then",
    ),
    Bound(
        "memory for it", f"{_RENDERING}.render_memory", "bytes", "`ATLAS_RENDER_MEMORY`",
        "it fails as `render_memory`",
    ),
    Bound(
        "made by it", f"{_RENDERING}.render_max_requests", "requests",
        "`ATLAS_RENDER_MAX_REQUESTS`", "it fails as `render_requests`",
    ),
    Bound(
        "bytes of it through the network", f"{_RENDERING}.render_max_bytes", "bytes",
        "`ATLAS_RENDER_MAX_BYTES`", "it fails as `render_bytes`",
    ),
    Bound(
        "its HTML", f"{_RENDERING}.render_max_html", "characters", "`ATLAS_RENDER_MAX_HTML`",
        "it fails as `render_too_large`",
    ),
    Bound(
        "answer of an extracting process", "atlas.domain.wire_fields.MAX_ANSWER", "bytes", "",
        "the document fails",
    ),
    Bound(
        "index terms of one part of a text", f"{_TEXT}.children.wire_format._MAX_LEXEMES",
        "characters", "", "the document is not found by an engine",
    ),
    Bound(
        "depth of an HTML page", f"{_TEXT}.markup.dom._MAX_DEPTH", "elements", "",
        "the page is flattened: no word is lost, lists and tables are",
    ),
    Bound(
        "entries of a DOCX, PPTX, XLSX, ODT, EPUB", f"{_FILES}.file_archive.MAX_ENTRIES",
        "entries", "", _TOO_LARGE,
    ),
    Bound(
        "text parts of one, unpacked", f"{_FILES}.file_archive.MAX_UNPACKED", "bytes", "",
        _TOO_LARGE,
    ),
    Bound(
        "nesting of lists in one", f"{_FILES}.html_writer.MAX_LEVEL", "levels", "",
        "deeper lists are not indented further",
    ),
    Bound("cells of an XLSX", f"{_FILES}.xlsx.MAX_CELLS", "cells", "", _MARKED),
    Bound("parts of an e-mail", f"{_FILES}.email_message.MAX_PARTS", "parts", "", _MARKED),
    Bound("pages of a PDF", f"{_FILES}.pdf.MAX_PAGES", "pages", "", _MARKED),
    Bound(
        "text of a PDF", f"{_FILES}.pdf.MAX_CHARACTERS", "characters", "",
        "the page that exceeds it is the last; the document is marked `truncated`",
    ),
    Bound(
        "levels of headings in a PDF", f"{_FILES}.pdf_headings._MAX_LEVELS", "levels", "",
        "smaller headings have the last one",
    ),
    Bound("links of a page", f"{_TEXT}.links.MAX_LINKS", "addresses", "", _MARKED),
    Bound("link elements looked at", f"{_TEXT}.links.MAX_LINKS_SEEN", "elements", "", _MARKED),
    Bound(
        "title", f"{_TEXT}.metadata.head.MAX_TITLE", "characters", "",
        "the title is cut; as text of the page it is whole",
    ),
    Bound(
        "title or author that a rule of a source points to", f"{_TEXT}.page_rules._MAX_VALUE",
        "characters", "", "it is cut; as text of the page it is whole",
    ),
    Bound(
        "description, image … that a page states",
        "atlas.domain.extraction.stated_metadata.MAX_STATED_VALUE",
        "characters", "", "it is cut",
    ),
    Bound(
        "JSON-LD read for metadata", f"{_TEXT}.metadata.head._MAX_LD", "characters", "",
        "that script gives no metadata; the text is not affected",
    ),
    Bound(
        "objects in JSON-LD", f"{_TEXT}.metadata.head._MAX_LD_NODES", "objects", "",
        "the rest gives no metadata; the text is not affected",
    ),
    Bound(
        "nesting of lists in Markdown", f"{_TEXT}.blocks.markdown._MAX_INDENT", "levels", "",
        "deeper lists are not indented further",
    ),
    Bound(
        "sections in the outline of a document", f"{_EXTRACTION}.outline.MAX_SECTIONS", "sections",
        "", "the rest of the text belongs to the last of them",
    ),
    Bound(
        "title of a section", f"{_EXTRACTION}.outline.MAX_SECTION_TITLE", "characters", "",
        "the title is cut; as text of the page it is whole",
    ),
    Bound(
        "anchor of a section", f"{_EXTRACTION}.outline.MAX_ANCHOR", "characters", "",
        "the section has no anchor",
    ),
    Bound(
        "elements around a heading that may name it", f"{_TEXT}.blocks.anchors._MAX_CONTAINERS",
        "elements", "", "the section has no anchor",
    ),
    Bound(
        "elements in a heading that may name it", f"{_TEXT}.blocks.anchors._MAX_INSIDE", "elements",
        "", "the section has no anchor",
    ),
    Bound(
        "message of a failure", f"{_TEXT}.children.wire_format._MAX_MESSAGE", "bytes", "",
        "the message is cut",
    ),
)  # fmt: skip
"""In the order in which a document meets them."""

_MIB, _KIB = 1024 * 1024, 1024


def limits_table() -> str:
    """The table as Markdown."""
    rows = [
        f"| {each.bounds} | {_shown(each)} | {each.by or '–'} | {each.past} |\n" for each in LIMITS
    ]
    return "".join(["| limit of | value | set by | past it |\n|---|---|---|---|\n", *rows])


def with_limits(page: str) -> str:
    """The page with its table as the code has it now."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, "the page has lost the comments around its table of limits"
    return "".join([before, begin, limits_table(), end, after])


def _shown(limit: Bound) -> str:
    value = limit.value
    if limit.unit == "bytes" and value >= _KIB:
        for size, name in ((_MIB, "MiB"), (_KIB, "KiB")):
            if value % size == 0:
                return f"{value // size:,} {name}"
    return f"{value:,g} {limit.unit}" if isinstance(value, float) else f"{value:,} {limit.unit}"
