"""One body in, one `Extracted` out, or a PageError that names why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from atlas.domain.addresses.bucket_urls import page_address
from atlas.domain.addresses.urls import InvalidUrl
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.extraction.extraction_rules import (
    MAX_FELL_BACK,
    NO_RULES,
    ExtractionRules,
    RuledText,
    RuleMatch,
)
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import (
    MAX_STATED_TAG,
    MAX_STATED_VALUE,
    StatedField,
    StatedMetadata,
)
from atlas.domain.removal.bad_bodies.kinds import BodyVerdict
from atlas.domain.removal.bad_bodies.rules import recognise
from atlas.domain.texts import (
    Extracted,
    Link,
    Media,
    fold_blank,
    strip_unstorable,
    text_hash,
    with_unseen,
)
from atlas.text.anchors import anchors_in, outline_of
from atlas.text.app_shell import shell_of
from atlas.text.charset import decode
from atlas.text.docx import docx_html
from atlas.text.dom import parse_html, without_cdata
from atlas.text.html import blocks_in, main_blocks, seen_blocks
from atlas.text.language import language_of
from atlas.text.links import Addresses, base_of, outlinks
from atlas.text.markdown import to_markdown, to_text
from atlas.text.metadata import canonical_of, declared_language, read_head
from atlas.text.page_look import look_at, look_at_text
from atlas.text.page_metadata import stated_metadata
from atlas.text.page_rules import PageRules, compared_hash, matches, ruled_without_tree
from atlas.text.page_signs import signs_of
from atlas.text.pdf import pdf_text
from atlas.text.plain_text import clean_plain, plain_title
from atlas.text.publication import published_of
from atlas.text.sniff import is_xml, media_of
from atlas.text.titles import title_of
from atlas.text.unclosed import close, hidden_in

_RULE = "metadata rule of the source"
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")


def extract(
    body: bytes,
    content_type: str | None,
    charset: str | None,
    url: str,
    rules: ExtractionRules = NO_RULES,
    title: str | None = None,
) -> Extracted:
    """Text, Markdown, metadata and links of one body; `url` is where it came from at last, `rules`
    are those of its source, `title` the one that came with the body.

    Raises PageError(INVALID) with code `empty_body`, `binary_content`, `unsupported_type`,
    `pdf_broken`, `docx_broken`, `docx_too_large`, `needs_browser` or `no_text`. An empty text is
    never a success.
    """
    media = media_of(body, content_type)
    if media == "pdf":
        return _without_tree(_titled(_from_pdf(body, url), title), rules)
    if media == "docx":
        return _from_html(docx_html(body).html, url, rules, title, media="docx")
    text = decode(body, charset)
    if media == "text":
        found = _from_plain(text, url, _is_markdown(content_type, url))
        return _without_tree(_titled(found, title), rules)
    return _from_html(without_cdata(text) if is_xml(content_type) else text, url, rules, title)


def matches_in(
    body: bytes,
    content_type: str | None,
    charset: str | None,
    rules: ExtractionRules,
    found: Extracted,
) -> tuple[RuleMatch, ...]:
    """What each rule finds on a body that was `found` to say this; raises as `extract` does."""
    tree = None
    if found.media in ("html", "docx"):
        html = docx_html(body).html if found.media == "docx" else decode(body, charset)
        tree = parse_html(close(without_cdata(html) if is_xml(content_type) else html).html)
    return tuple(matches(rules, tree, found.title, found.text))


def _without_tree(found: Extracted, rules: ExtractionRules) -> Extracted:
    if rules.selects:
        found = replace(found, ruled=ruled_without_tree(rules, found.title, found.text))
    return _in_language(found, rules, None)


def _from_html(
    html: str, url: str, rules: ExtractionRules, given: str | None, media: Media = "html"
) -> Extracted:
    """A page; or a `docx` as a page, which has no chrome, and is no answer of a site."""
    closed = close(html)
    tree = parse_html(closed.html)
    alive = list(tree.iter())  # lxml would create each element's object again on every visit
    head = read_head(tree)
    found = blocks_in(tree)
    # Before extractors change the tree.
    verdict = recognise(look_at(html, tree, head, found, url)) if media == "html" else None
    anchors = anchors_in(found)  # likewise
    signs = signs_of(tree)  # likewise
    title, title_tag = title_of(tree, head, signs, url)
    published, published_tag = published_of(tree, head, signs, url)
    base = base_of(tree, url)
    addresses = Addresses(base)
    stated = [
        *_stated("title", title, title_tag),
        *_stated("published", published.isoformat() if published else "", published_tag),
        *stated_metadata(tree, head, addresses.resolve),
    ]
    whole = None if media == "html" else seen_blocks(found)
    # What is a login or a check is that, and what hides the rest of a page is named as such.
    hidden = hidden_in(tree, closed)
    known = whole or verdict or hidden
    shell = None if known else shell_of(tree, found, seen_blocks(found))
    ruled = PageRules(rules, tree, head, anchors, shell) if rules.selects else None
    blocks = ruled.blocks() if ruled else whole or main_blocks(tree, head, found, shell)
    text, starts = to_text(blocks)
    links = outlinks(tree, head, addresses)
    missing = [hidden, links.missing]
    extracted = _extracted(
        media=media,
        title=title or (_file_name(url) if media == "docx" else ""),
        text=text,
        markdown=to_markdown(blocks, addresses.shown),
        language=declared_language(tree, head),
        published=published,
        canonical=canonical_of(tree, base),
        links=links.kept,
        truncated=" and ".join(filter(None, missing)) or None,
        noindex=head.asked.noindex,
        verdict=verdict,
        unavailable_after=head.asked.unavailable_after,
        outline=outline_of(blocks, starts, ruled.anchors if ruled else anchors),
        author=next((each.value for each in stated if each.field == "author"), None),
        stated=tuple(stated),
    )
    extracted = _titled(extracted, given)
    if ruled:
        extracted = _by_rules(extracted, ruled, addresses, titled=bool(given))
    alive.clear()
    return _in_language(extracted, rules, declared_language(tree, head))


def _stated(field: StatedField, value: str, tag: str) -> Iterator[StatedMetadata]:
    if value:
        yield StatedMetadata(field, value[:MAX_STATED_VALUE], tag[:MAX_STATED_TAG])


def _in_language(found: Extracted, rules: ExtractionRules, declared: str | None) -> Extracted:
    """The page in the language that its source declares, and by what its language is known."""
    lang = rules.lang or found.lang
    if rules.lang:
        tag = "lang of the source"
    else:
        tag = "declaration" if lang == language_of("", declared) else "text"
    stated = (*found.stated, *_stated("language", lang, tag))
    return replace(found, lang=lang, stated=stated)


def _titled(found: Extracted, title: str | None) -> Extracted:
    """The page under the title that came with its body, if one did."""
    shown = fold_blank(strip_unstorable(title or ""))
    if not shown:
        return found
    return replace(found, title=shown, text_hash=text_hash(shown, found.text))


def _by_rules(
    found: Extracted, ruled: PageRules, addresses: Addresses, *, titled: bool
) -> Extracted:
    """The page with what its source's rules say of its metadata, and of changes that are none.
    `titled`: its title came with the body, and stays."""
    title = (not titled and ruled.value("title")) or found.title
    counts = tuple(each.matches for each in matches(ruled.rules, ruled.tree, title, found.text))
    compared = compared_hash(ruled.rules, title, ruled.compared(found.text))
    language = ruled.value("language")
    published = ruled.published()
    by_rule: dict[StatedField, str | None] = {
        "title": ruled.value("title"),
        "author": ruled.value("author"),
        "published": published.isoformat() if published else None,
    }
    others = (each for each in found.stated if not by_rule.get(each.field))
    stated = (each for name, value in by_rule.items() for each in _stated(name, value or "", _RULE))
    return replace(
        found,
        title=title,
        text_hash=text_hash(title, found.text),
        links=with_unseen(found.links, ruled.seen_links(addresses.resolve)),
        author=ruled.value("author") or found.author,
        published=published or found.published,
        stated=(*stated, *others),
        lang=language_of(found.text, language) if language else found.lang,
        ruled=RuledText(counts, "; ".join(ruled.fell_back)[:MAX_FELL_BACK] or None, compared),
    )


def _from_plain(raw: str, url: str, marked: bool) -> Extracted:
    text = clean_plain(raw)
    title, tag = _plain_title(text, url)
    verdict = recognise(look_at_text(text, url))
    return _extracted(
        media="text",
        title=title,
        text=text,
        markdown=text,
        verdict=verdict,
        outline=_outline(text) if marked else (),
        stated=tuple(_stated("title", fold_blank(strip_unstorable(title)), tag)),
    )


def _plain_title(text: str, url: str) -> tuple[str, str]:
    """The title of a body without markup, and where it stands."""
    first = plain_title(text)
    return (first, "first line") if first else (_file_name(url), "name of the file")


def _is_markdown(content_type: str | None, url: str) -> bool:
    media = (content_type or "").partition(";")[0].strip().lower()
    return media in _MARKDOWN_TYPES or _file_name(url).lower().endswith((".md", ".markdown"))


def _outline(text: str) -> tuple[OutlineSection, ...]:
    from atlas.domain.chunking.markdown_blocks import markdown_outline  # a parser: rarely needed

    return markdown_outline(strip_unstorable(text))


def _from_pdf(body: bytes, url: str) -> Extracted:
    found = pdf_text(body)
    text = clean_plain(found.text)
    title, tag = (found.title, "pdf title") if found.title else _plain_title(text, url)
    published = found.published.isoformat() if found.published else ""
    return _extracted(
        media="pdf",
        title=title,
        text=text,
        markdown=text,
        published=found.published,
        truncated=found.truncated,
        stated=(
            *_stated("title", fold_blank(strip_unstorable(title)), tag),
            *_stated("published", published, "pdf date"),
        ),
    )


def _extracted(
    *,
    media: Media,
    title: str,
    text: str,
    markdown: str,
    language: str | None = None,
    published: datetime | None = None,
    canonical: str | None = None,
    links: tuple[Link, ...] = (),
    truncated: str | None = None,
    noindex: bool = False,
    verdict: BodyVerdict | None = None,
    unavailable_after: datetime | None = None,
    outline: tuple[OutlineSection, ...] = (),
    author: str | None = None,
    stated: tuple[StatedMetadata, ...] = (),
) -> Extracted:
    if not text.strip():
        without = f"; left out: {truncated}" if truncated else ""
        message = f"no visible text in this {media} body{without}"
        raise PageError(ErrorClass.INVALID, "no_text", message)
    shown = fold_blank(strip_unstorable(title))
    return Extracted(
        title=shown,
        text=text,
        markdown=strip_unstorable(markdown),
        lang=language_of(text, language),
        published=published,
        canonical=canonical,
        links=links,
        text_hash=text_hash(shown, text),
        media=media,
        truncated=truncated,
        noindex=noindex,
        verdict=verdict,
        unavailable_after=unavailable_after,
        outline=outline,
        author=author,
        stated=stated,
    )


def _file_name(url: str) -> str:
    """The last segment of the path: better than no title for a bare file."""
    try:
        path = page_address(url).partition("?")[0]
    except InvalidUrl:
        return ""
    return path.rstrip("/").rpartition("/")[2][:200]
