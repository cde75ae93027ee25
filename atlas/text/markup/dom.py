"""HTML text to an lxml tree that is never deeper than the libraries can go.

libxml2 stops at 2,048 nested elements and silently drops the rest of the page (at 256 without
`huge_tree`); the libraries above it recurse, and lexbor needs time in the square of the depth. So a
page that comes near is flattened first: its nestable tags become line breaks, which keeps every
word and loses only structure nobody can see.

Without `huge_tree` libxml2 also drops, silently again, whatever follows a text, attribute, comment
or script over 10 MB: one image written into the page as a `data:` URL is enough.
"""

import re
from html import escape

import lxml.html
from lxml.etree import LxmlError, XPath
from lxml.html import HtmlElement

from atlas.domain.errors import ErrorClass, PageError
from atlas.text.markup.late_content import place_late_content

_MAX_DEPTH = 200  # elements; trafilatura and our own walk recurse
_NESTABLE = re.compile(
    r"</?(?!(?:html|head|body|title|meta|link|base|script|style|h[1-6]|p|pre|li|br|td|tr|dt|dd|th)"
    r"[\s/>])[a-z][a-z0-9:-]*(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_BEYOND = XPath(f"boolean({'/*' * (_MAX_DEPTH + 1)})")
_BREAKS = re.compile(r"<br>(?:\s*<br>)+")
_ANY_TAG = re.compile(r"<[^<>]*>")
_SCRIPTS = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_CDATA = re.compile(
    r"(<!--.*?-->|<(script|style)\b.*?(?:</\2\s*>|\Z))|<!\[CDATA\[(.*?)(?:\]\]>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS_ITSELF = re.compile(r"<([A-Za-z][\w:.-]*+)((?:[\s/][^<>]*+)?)(?<=/)>")
_VOID = frozenset(
    "area base basefont bgsound br col embed frame hr img input link meta param source track "
    "wbr".split()
)
_HEAD_TAGS = frozenset(
    "title meta link base basefont bgsound script style noscript template".split()
)
_UNPARSEABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def xml_as_html(xml: str) -> str:
    """XHTML as an HTML parser reads it right: the text of CDATA sections, which to HTML are
    comments, as plain text; and an end for what ends itself: to HTML, `<title/>` only begins."""
    text = _CDATA.sub(lambda found: found[1] or escape(found[3], quote=False), xml)
    return _ENDS_ITSELF.sub(_with_end, text)


def _with_end(found: re.Match[str]) -> str:
    name = found[1]
    return found[0] if name.lower() in _VOID else f"<{name}{found[2]}></{name}>"


def parse_html(html: str) -> HtmlElement:
    """The page's tree, its root the `html` element, comments left out, bounded in depth.

    Raises PageError(INVALID, "no_text") when there is no element at all.
    """
    clean = _XML_DECLARATION.sub("", _UNPARSEABLE.sub("", html))
    tree = _parse(clean)
    if tree is not None and not _too_deep(tree):
        place_late_content(tree)  # which may be deeper where it is shown
    if tree is not None and _too_deep(tree):
        tree = _parse(_broken(_NESTABLE, clean))
    if tree is not None and _too_deep(tree):  # nested paragraphs, cells: give up all structure
        tree = _parse(_broken(_ANY_TAG, _SCRIPTS.sub("", clean)))
    if tree is None or _too_deep(tree):
        raise PageError(ErrorClass.INVALID, "no_text", "the page has no element to read")
    _end_head(tree)
    return tree


def _end_head(tree: HtmlElement) -> None:
    """Let the body begin at the first element that no head may hold, as browsers do.

    libxml2 knows HTML 4 only: without a <body> tag it leaves <main> and its like in the head
    (HTML Standard, 13.2.6.4.4, "in head": anything else).
    """
    head = tree.find("head")
    if head is None:
        return
    moved = [child for child in head if isinstance(child.tag, str)]
    while moved and moved[0].tag in _HEAD_TAGS:
        moved.pop(0)
    if not moved:
        return
    body = tree.find("body")
    if body is None:
        body = tree.makeelement("body")
        head.addnext(body)
    if body.text:  # text before the first element stays behind what is put before it
        moved[-1].tail = (moved[-1].tail or "") + body.text
        body.text = None
    body[0:0] = moved


def _broken(tags: re.Pattern[str], html: str) -> str:
    """The page with line breaks for these tags; one for many in a row, which cost time alone."""
    return _BREAKS.sub("<br>", tags.sub("<br>", html))


def _parse(html: str) -> HtmlElement | None:
    parser = lxml.html.HTMLParser(
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        huge_tree=True,  # the body limit bounds the size, `_too_deep` the depth
    )
    try:
        return lxml.html.document_fromstring(html.encode(), parser=parser)
    except (LxmlError, AssertionError, ValueError):
        return None


def _too_deep(tree: HtmlElement) -> bool:
    """Whether any element lies below the limit; XPath goes level by level, without a stack."""
    return bool(_BEYOND(tree))
