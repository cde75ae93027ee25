"""One body in, one `Extracted` out, or a PageError that names why not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lxml.html import HtmlElement

from atlas.domain.extraction.extraction_rules import (
    MAX_FELL_BACK,
    NO_RULES,
    ExtractionRules,
    RuledText,
    RuleMatch,
)
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.domain.media_kinds import Media
from atlas.domain.removal.bad_bodies.rules import recognise
from atlas.domain.texts import Extracted, text_hash, with_unseen
from atlas.text.blocks.anchors import anchors_in, outline_of
from atlas.text.blocks.markdown import to_markdown, to_text
from atlas.text.extracted import in_language, made_extracted, name_of_file, one_stated, titled
from atlas.text.files.converters import CONVERTERS, file_page
from atlas.text.files.file_page import FilePage
from atlas.text.languages.language import language_of
from atlas.text.links import Addresses, base_of, outlinks
from atlas.text.main_text.app_shell import may_be_shell, shell_of
from atlas.text.main_text.main_blocks import blocks_in, main_blocks, seen_blocks
from atlas.text.markup.charset import decode
from atlas.text.markup.dom import parse_html, xml_as_html
from atlas.text.markup.read_digest import ReadBefore, SetAside, read_digest, set_aside
from atlas.text.markup.unclosed import close, hidden_in
from atlas.text.media_type import is_xml, media_of
from atlas.text.metadata.head import canonical_of, declared_language, read_head
from atlas.text.metadata.page_metadata import stated_metadata
from atlas.text.metadata.page_signs import signs_of
from atlas.text.metadata.publication import published_of
from atlas.text.metadata.titles import title_of
from atlas.text.page_look import look_at, marks_of
from atlas.text.page_rules import PageRules, compared_hash, matches, ruled_without_tree
from atlas.text.plain.plain_page import plain_page, title_of_plain

_RULE = "metadata rule of the source"


def extract(
    body: bytes,
    content_type: str | None,
    charset: str | None,
    url: str,
    rules: ExtractionRules = NO_RULES,
    title: str | None = None,
    known: str | None = None,
) -> Extracted:
    """Text, Markdown, metadata and links of one body; `url` is where it came from at last, `rules`
    are those of its source, `title` the one that came with the body. `known`: the `read_digest` of
    an earlier one; a body that has the same raises `ReadBefore` instead.

    Raises PageError(INVALID) with code `empty_body`, `binary_content`, `unsupported_type`,
    `encrypted`, `needs_browser`, `no_text`, or `<kind>_broken` and `<kind>_too_large` of a kind of
    file. An empty text is never a success.
    """
    media = media_of(body, content_type)
    if media in CONVERTERS:
        return _from_file(file_page(body, media), media, url, rules, title)
    text = decode(body, charset)
    if media == "text":
        return _without_tree(titled(plain_page(text, url, content_type), title), rules)
    html = xml_as_html(text) if is_xml(content_type) else text
    return _from_html(html, url, rules, title, known)


def matches_in(
    body: bytes,
    content_type: str | None,
    charset: str | None,
    rules: ExtractionRules,
    found: Extracted,
) -> tuple[RuleMatch, ...]:
    """What each rule finds on a body that was `found` to say this; raises as `extract` does."""
    tree = None
    if found.media in CONVERTERS:
        tree = parse_html(file_page(body, found.media).html)
    elif found.media == "html":
        html = decode(body, charset)
        tree = parse_html(close(xml_as_html(html) if is_xml(content_type) else html).html)
    return tuple(matches(rules, tree, found.title, found.text))


def _without_tree(found: Extracted, rules: ExtractionRules) -> Extracted:
    if rules.selects:
        found = replace(found, ruled=ruled_without_tree(rules, found.title, found.text))
    return in_language(found, rules, None)


def _from_html(
    html: str, url: str, rules: ExtractionRules, given: str | None, known: str | None
) -> Extracted:
    closed, marks = close(html), marks_of(html)
    tree = parse_html(closed.html)
    others = (url, given, rules.digest, marks, closed.seen_apart)
    aside, digest = _unless_read_before(tree, others, rules, known)
    alive = list(tree.iter())  # lxml would create each element's object again on every visit
    head = read_head(tree)
    found = blocks_in(tree)
    # Before extractors change the tree.
    verdict = recognise(look_at(marks, tree, head, found, url))
    anchors = anchors_in(found)  # likewise
    signs = signs_of(tree)  # likewise
    title, title_tag = title_of(tree, head, signs, url)
    published, published_tag = published_of(tree, head, signs, url)
    base = base_of(tree, url)
    addresses = Addresses(base)
    stated = [
        *one_stated("title", title, title_tag),
        *one_stated("published", published.isoformat() if published else "", published_tag),
        *stated_metadata(tree, head, addresses.resolve),
    ]
    # What is a login or a check is that, and what hides the rest of a page is named as such.
    hidden = hidden_in(tree, closed)
    seen = seen_blocks(found)
    asks_scripts = may_be_shell(seen)
    if asks_scripts:
        aside.put_back()
    shell = None if verdict or hidden else shell_of(tree, found, seen)
    ruled = PageRules(rules, tree, head, anchors, shell) if rules.selects else None
    blocks = ruled.blocks() if ruled else main_blocks(tree, head, found, shell)
    text, starts = to_text(blocks)
    links = outlinks(tree, head, addresses)
    missing = [hidden, links.missing]
    extracted = made_extracted(
        media="html",
        title=title,
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
    extracted = titled(extracted, given)
    if ruled:
        extracted = _by_rules(extracted, ruled, addresses, titled=bool(given))
    alive.clear()
    extracted = in_language(extracted, rules, declared_language(tree, head))
    # What the time or a person decides is decided each time.
    once = extracted.truncated or extracted.noindex or extracted.unavailable_after
    return extracted if asks_scripts or once else replace(extracted, read_digest=digest)


def _unless_read_before(
    tree: HtmlElement, others: Sequence[object], rules: ExtractionRules, known: str | None
) -> tuple[SetAside, str]:
    """What nothing reads, out of the tree, and the digest of the rest and `others`. Raises
    `ReadBefore`."""
    # A rule may select anything, so nothing is set aside.
    aside = SetAside() if rules.selects else set_aside(tree)
    digest = read_digest(tree, others)
    if digest == known:
        raise ReadBefore
    return aside, digest


def _from_file(
    file: FilePage, media: Media, url: str, rules: ExtractionRules, given: str | None
) -> Extracted:
    """A file as a page that has no chrome, is no answer of a site, and states what its properties
    say."""
    tree = parse_html(file.html)
    head = read_head(tree)
    found = blocks_in(tree)
    anchors = anchors_in(found)
    addresses = Addresses(base_of(tree, url))
    ruled = PageRules(rules, tree, head, anchors) if rules.selects else None
    blocks = ruled.blocks() if ruled else seen_blocks(found)
    text, starts = to_text(blocks)
    outline = outline_of(blocks, starts, ruled.anchors if ruled else anchors)
    links = outlinks(tree, head, addresses)
    title = tuple(_title_of_file(file, media, url, text, outline))
    extracted = made_extracted(
        media=media,
        title=title[0].value if title else "",
        text=text,
        markdown=to_markdown(blocks, addresses.shown),
        language=file.language,
        published=file.published,
        links=links.kept,
        truncated=" and ".join(filter(None, (file.truncated, links.missing))) or None,
        outline=outline,
        author=file.value("author") or None,
        stated=(*title, *(each for each in file.stated if each.field != "title")),
    )
    extracted = titled(extracted, given)
    if ruled:
        extracted = _by_rules(extracted, ruled, addresses, titled=bool(given))
    return in_language(extracted, rules, file.language)


def _title_of_file(
    file: FilePage, media: Media, url: str, text: str, outline: Sequence[OutlineSection]
) -> Iterator[StatedMetadata]:
    """The title that it states, else its first heading; the sheets of a workbook have names, but
    none of these is its title."""
    own = [each for each in file.stated if each.field == "title"]
    if own:
        yield own[0]
    elif outline and media != "xlsx":
        yield from one_stated("title", outline[0].title, "first heading")
    elif media == "xlsx":
        yield from one_stated("title", name_of_file(url), "name of the file")
    else:
        yield from one_stated("title", *title_of_plain(text, url))


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
    stated = (
        each for name, value in by_rule.items() for each in one_stated(name, value or "", _RULE)
    )
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
