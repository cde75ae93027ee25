"""Elements and comments that a page opens and never closes, read as a browser without scripts does.

One `<noscript>` or `<svg>` without its end may hold the rest of a page. A browser shows that rest
(HTML Standard, 13.2.6.4.7 "in body" with scripting disabled; 13.2.6.5: most HTML elements end an
`<svg>`), so the start tag goes, or the end tag is put in. What a browser hides as well, such as the
rest after an unclosed comment or `<template>`, stays out, but is named: a document without it says
so, and a page that has nothing else fails with the reason.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.text.markup.crossed_ends import as_the_standard_reads, crosses

# Their content is characters up to their own end tag (13.2.5.1, RCDATA and raw text).
_RAW = "script|style|title|textarea|xmp|iframe|noembed|noframes"
# Those of them whose characters are read: a browser shows the first two.
_RAW_SHOWN = frozenset(("textarea", "xmp", "noembed", "noframes"))
_FOREIGN = frozenset(("svg", "math"))
# What within them is read as HTML again (13.2.6, integration points).
_LEADS_BACK = {
    "svg": ("foreignobject", "desc"),
    "math": ("annotation-xml", "mi", "mo", "mn", "ms", "mtext"),
}
_NEVER_SHOWN = frozenset(("template", "canvas", "video", "audio", "datalist"))
_TAGS = (
    rf"<!--|<plaintext[\s/>]|<(?P<raw>{_RAW})(?=[\s/>])[^>]*+(?:>|\Z)"
    rf"|<(?P<end>/?)(?P<nested>noscript|{'|'.join((*_FOREIGN, *_NEVER_SHOWN))})(?=[\s/>])"
    r"[^>]*+(?:>|\Z)"
)
# Within an <svg> or <math>: what ends it (13.2.6.5), and what leads back into HTML.
_WITHIN = (
    r"|<(?P<html>b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|embed|h[1-6]|head|hr|i|img|li"
    r"|listing|menu|meta|nobr|ol|p|pre|ruby|s|small|span|strong|strike|sub|sup|table|tt|u|ul|var"
    r"|/br|/p)"
    r"(?=[\s/>])"
    r"|<(?P<back>/?)(?P<into>foreignobject|desc|annotation-xml|m[inos]|mtext)(?=[\s/>])"
    r"[^>]*+(?:>|\Z)"
)
_IN_HTML = re.compile(_TAGS, re.IGNORECASE)
_IN_FOREIGN = re.compile(_TAGS + _WITHIN, re.IGNORECASE)
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW.split("|")}
_COMMENT_END = re.compile(r"--!?>")
_TEXT_MARKUP = re.compile(r"<(?:p|h[1-6]|div|li|td|dd|article|section|main)[\s/>]", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_BEFORE_VALUE = re.compile(r"</?[a-z][^>]*=\s*", re.IGNORECASE)
_NEXT_TEXT = XPath("string(following::text()[normalize-space()][1])")


class Closed(NamedTuple):
    """A page with the ends put in that a browser sees. `hidden` names what a browser hides because
    a comment or an element of characters is never closed; `unseen` are elements never closed that
    show nothing of what they hold; `quoted` is what seems to stand in an attribute."""

    html: str
    hidden: str | None
    unseen: frozenset[str]
    quoted: str

    @property
    def seen_apart(self) -> tuple[object, ...]:
        """What was found out of the source beside the page that is parsed."""
        return self.hidden, sorted(self.unseen), self.quoted


def close(html: str) -> Closed:
    """Put in the ends that a browser without scripts sees, in one pass over the page."""
    scan = _Scan(html)
    if scan.crossed:
        html = as_the_standard_reads(html)
        scan = _Scan(html)
    cuts = sorted(scan.ends + [(start, end, "") for name, start, end in scan.open if not name])
    unseen = frozenset(name for name, _, _ in scan.open if name)
    parts, place = [], 0
    for start, end, instead in cuts:
        parts += [html[place:start], instead]
        place = end
    whole = "".join([*parts, html[place:]]) if cuts else html
    return Closed(whole, scan.hidden, unseen, _quoted(html))


def hidden_in(tree: HtmlElement, closed: Closed) -> str | None:
    """What of a page never shows because something is never closed, in words; None: nothing."""
    if closed.hidden is not None:
        return closed.hidden
    for name in sorted(closed.unseen):
        last = next(reversed(list(tree.iter(name))), None)
        # One that an end tag around it closed has text behind it.
        if last is not None and str(last.text_content()).strip() and not _NEXT_TEXT(last):
            return _named(f"<{name}>")
    end = _TAG.sub(" ", closed.quoted).split()[-8:]
    if end and " ".join(end) not in " ".join(str(tree.text_content()).split()):
        return _named("a quoted attribute")
    return None


def _quoted(html: str) -> str:
    """The rest of a page behind the last quote of a kind, if that begins the value of an attribute:
    the page ends within a tag (13.2.5.36, EOF)."""
    for quote in "\"'":
        at = html.rfind(quote)
        tag = html[max(html.rfind("<", 0, at), 0) : max(at, 0)]
        if _BEFORE_VALUE.fullmatch(tag) and _TEXT_MARKUP.search(html, at):
            return html[at + 1 :]
    return ""


def _named(what: str) -> str:
    return f"what follows {what} that is never closed"


class _Scan:
    """What is open at each place of a page, by the tags that matter to it."""

    def __init__(self, html: str) -> None:
        self.hidden: str | None = None
        self.ends: list[tuple[int, int, str]] = []
        self.open: list[tuple[str, int, int]] = []
        """Name, start and end of each start tag that is still open; no name: noscript's."""
        self.crossed = False
        """Whether what an element holds that may hide it is not closed in order."""
        self._html = html
        # svg, math, and what leads back into HTML within them, with the namespace; "" is HTML's.
        self._foreign: list[tuple[str, str]] = []
        self._within: Counter[str] = Counter()  # the same, counted: it may be very deep
        for found in self._tags():
            self._take(found)
        if self.open and not self.crossed:
            self.crossed = crosses(html, self.open[0][2], len(html))

    @property
    def _in_foreign(self) -> bool:
        return bool(self._namespace)

    @property
    def _namespace(self) -> str:
        return self._foreign[-1][1] if self._foreign else ""

    def _tags(self) -> Iterator[re.Match[str]]:
        place: int | None = 0
        while place is not None:
            found = (_IN_FOREIGN if self._foreign else _IN_HTML).search(self._html, place)
            if found is None:
                return
            yield found
            place = self._after(found)

    def _after(self, found: re.Match[str]) -> int | None:
        """Where the scan goes on; None: the rest of the page is inside."""
        if found["raw"]:
            return self._after_raw(found)
        if found[0] == "<!--":
            # `<!-->` and `<!--->` are whole comments (13.2.5.43).
            end = _COMMENT_END.search(self._html, found.start() + 2)
            if end is None:
                self._hide("a comment", found.end())
            return end.end() if end else None
        return None if found[0][:10].lower() == "<plaintext" else found.end()

    def _after_raw(self, found: re.Match[str]) -> int | None:
        name = found["raw"].lower()
        if self._in_foreign:
            return found.end()  # an element like any there (13.2.6.5): its content is markup
        if found[0].endswith("/>"):
            return found.end()  # empty: libxml2 reads HTML as XHTML here, a browser only in SVG
        end = _ENDS[name].search(self._html, found.end())
        if end is None and name not in _RAW_SHOWN:
            self._hide(f"<{name}>", found.end())
        return end.end() if end else None

    def _take(self, found: re.Match[str]) -> None:
        groups = found.groupdict()
        name = (found["nested"] or "").lower()
        if found["raw"] and self._in_foreign:
            self.ends.append((*found.span(), ""))  # or the parser would read characters to its end
        elif name in _FOREIGN:
            self._cross(name, back=bool(found["end"]), empty=found[0].endswith("/>"))
        elif name and not found[0].endswith("/>"):
            self._nest("" if name == "noscript" else name, found)
        elif groups.get("into"):
            self._cross(groups["into"].lower(), back=bool(found["back"]), empty=False)
        elif groups.get("html"):
            self._break_out(found.start())

    def _nest(self, name: str, found: re.Match[str]) -> None:
        if not found["end"]:
            self.open.append((name, found.start(), found.end()))
        elif self.open and self.open[-1][0] == name:
            _, _, start = self.open.pop()
            if not self.open and not self.crossed:  # what stands within is looked at once
                self.crossed = crosses(self._html, start, found.start())

    def _cross(self, name: str, *, back: bool, empty: bool) -> None:
        if not back and not empty:
            if name in _FOREIGN:
                namespace = self._namespace or name  # an <svg> in <math> is MathML (13.2.6.5)
            elif name in _LEADS_BACK.get(self._namespace, ()):
                namespace = ""
            else:
                return  # an element like any, as <foreignobject> in <math>
            self._foreign.append((name, namespace))
            self._within[name] += 1
        elif back and self._within[name]:
            while self._leave() != name:
                pass

    def _leave(self) -> str:
        name, _ = self._foreign.pop()
        self._within[name] -= 1
        return name

    def _break_out(self, at: int) -> None:
        while self._in_foreign:
            self.ends.append((at, at, f"</{self._leave()}>"))

    def _hide(self, what: str, start: int) -> None:
        rest = self._html[start:]
        if _TEXT_MARKUP.search(rest) and _TAG.sub("", rest).strip():
            self.hidden = _named(what)
