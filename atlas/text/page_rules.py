"""A source's rules applied to one page: which elements are its text, which are not, and in which a
change does not count.

Every choice is made on a copy of the tree: head, links and the verdict on the body are read from
the page as it came. All rules select on the whole page, before anything of it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar, cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from atlas.domain.addresses.patterns import Linear
from atlas.domain.extraction.css_selectors import compares_siblings, xpath_of
from atlas.domain.extraction.extraction_rules import (
    DeclaredRule,
    ExtractionRules,
    MetadataMapping,
    RuledText,
    RuleMatch,
    mapping_of,
    pattern_in,
)
from atlas.domain.texts import fold_blank, strip_unstorable, text_hash
from atlas.text.blocks.anchors import Anchors
from atlas.text.blocks.blocks import Block, blocks_of
from atlas.text.blocks.markdown import to_text
from atlas.text.languages.date_words import parse_date
from atlas.text.main_text.app_shell import AppShell
from atlas.text.main_text.main_blocks import main_blocks, seen_blocks
from atlas.text.metadata.head import Head

T = TypeVar("T")

_MOST_MATCHES = 100_000
"""Places of a text that are counted."""
_MOST_VALUES = 100
"""Elements that are asked for a title, an author …"""
_MOST_CUT = 2_000
"""Elements that are cut out one by one."""
_FIRST = 3
"""Matches of a rule that are quoted."""
_QUOTED = 80
"""Characters of each."""
_MAX_VALUE = 1_000
"""Characters of a title or author."""
_MOST_STEPS = 50_000_000
"""From one sibling to the next: about a second."""
_TOO_WIDE = "there are too many siblings on this page for it"
_NOTHING_TO_COMPARE = "nothing would be left to compare"
_LINKS = ("a", "area")
_WHOLE = ("html", "body")


@dataclass
class PageRules:
    """The rules of one source at work on one page (`tree`, `head`)."""

    rules: ExtractionRules
    tree: HtmlElement
    head: Head
    anchors: Anchors = field(default_factory=dict)
    """Those of the page; once its blocks are chosen, those of the elements that they have."""
    shell: AppShell | None = None
    """What shows that the page is empty until scripts fill it."""
    fell_back: list[str] = field(default_factory=list)
    """Rules that were not followed, and why, in words."""

    def __post_init__(self) -> None:
        self._content = self._affordable("content", self.rules.content)
        self._remove = self._affordable("remove", self.rules.remove)
        self._ignored = self._affordable("ignore", self.rules.ignored_selectors)
        self._anchors = self.anchors

    def _affordable(self, kind: str, rules: Sequence[str]) -> tuple[str, ...]:
        if wide := _too_wide(self.tree, rules):
            self._give_up(kind, wide, _TOO_WIDE)
        return tuple(rule for rule in rules if rule not in wide)

    def blocks(self) -> list[Block]:
        """The blocks that are the page's text. A rule that leaves nothing is not followed."""
        found = self._chosen()
        if not found and self._content and self._remove:
            removed, self._remove = self._remove, ()
            if found := self._chosen():
                self._give_up("remove", removed, "nothing of the content would be left")
                return found
            self._remove = removed
        if not found and self._content:
            some = any(True for _ in _selected(self.tree, self._content))
            why = "nothing of what it selects is visible" if some else "it selects nothing"
            self._give_up("content", self._content, why)
            self._content = ()
            found = self._chosen()
        if not found and self._remove:
            self._give_up("remove", self._remove, "nothing would be left")
            self._remove = ()
            found = self._chosen()
        return found

    def compared(self, text: str) -> str:
        """The part of the shown text in which a change counts."""
        ignored = self._ignored
        if ignored and any(True for _ in _selected(self.tree, ignored)):
            if others := self._chosen(ignored):
                text = to_text(others).text
            else:
                self._give_up("ignore", ignored, _NOTHING_TO_COMPARE)
        left = without(self.rules, text)
        if left.strip():
            return left
        self._give_up("ignore", self.rules.ignore, _NOTHING_TO_COMPARE)
        return text

    def seen_links(self, resolve: Callable[[str], str | None]) -> set[str]:
        """The addresses of links that stand where a change counts: in the text, by the rules."""
        apart = (*self._remove, *self._ignored)
        hidden = {link for each in _selected(self.tree, apart) for link in each.iter(*_LINKS)}
        if self._content:
            places: Iterable[HtmlElement] = _outermost(_selected(self.tree, self._content))
        else:
            places = (self.tree,)
        links = (link for place in places for link in place.iter(*_LINKS) if link not in hidden)
        found = (resolve((link.get("href") or "").strip()) for link in links)
        return {url for url in found if url is not None}

    def value(self, name: str) -> str | None:
        """What the page says where a `metadata` rule points to; the first that says anything."""
        for rule in map(mapping_of, self.rules.metadata):
            if rule.field == name:
                for value in islice(_values(self.tree, rule), _MOST_VALUES):
                    if found := fold_blank(strip_unstorable(value))[:_MAX_VALUE]:
                        return found
        return None

    def published(self) -> datetime | None:
        """The date that a `metadata` rule points to; None: there is no such rule, or no date."""
        date = self.value("published")
        return parse_date(date) if date else None

    def _chosen(self, ignored: Sequence[str] = ()) -> list[Block]:
        """The text's blocks, without what `remove` and `ignored` select."""
        copy = deepcopy(self.tree)
        if not ignored:
            both = zip(self.tree.iter(), copy.iter(), strict=True)
            known = self._anchors
            self.anchors = {twin: known[element] for element, twin in both if element in known}
        kept = list(_outermost(_selected(copy, self._content)))
        removed = list(_selected(copy, self._remove))
        _cut_out(list(_selected(copy, ignored)))
        for element in removed:
            _empty(element)
        if self._content:
            inside = [element for element in kept if _is_in(element, copy)]
            return seen_blocks([block for each in inside for block in blocks_of(each)])
        return main_blocks(copy, self.head, shell=self.shell)

    def _give_up(self, kind: str, rules: Sequence[str], why: str) -> None:
        self.fell_back.append(f"{kind} {', '.join(rules)}: {why}"[:400])


def matches(
    rules: ExtractionRules, tree: HtmlElement | None, title: str, text: str
) -> Iterator[RuleMatch]:
    """What each rule found on a page; CSS selectors find nothing where there is no tree."""
    for rule in rules.declared:
        pattern = pattern_in(rule.rule) if rule.kind == "ignore" else None
        if pattern is not None:
            yield _match(rule, islice(_places(pattern, title, text), _MOST_MATCHES), str)
        elif tree is None:
            yield RuleMatch(rule.kind, rule.rule, 0, ())
        elif rule.kind == "metadata":
            values = islice(_values(tree, mapping_of(rule.rule)), _MOST_VALUES)
            yield _match(rule, (value for value in values if value.strip()), str)
        else:
            yield _match(rule, _selected(tree, (rule.rule,)), _words_of)


def ruled_without_tree(rules: ExtractionRules, title: str, text: str) -> RuledText:
    """How the rules apply to a text that has no elements: only the patterns of `ignore` do."""
    counts = tuple(each.matches for each in matches(rules, None, title, text))
    left = without(rules, text)
    if left.strip():
        return RuledText(counts, None, compared_hash(rules, title, left))
    why = f"ignore {', '.join(rules.ignore)}: {_NOTHING_TO_COMPARE}"[:400]
    return RuledText(counts, why, compared_hash(rules, title, text))


def without(rules: ExtractionRules, text: str) -> str:
    """The text without what the patterns of `ignore` match."""
    for pattern in rules.ignored_patterns:
        text = Linear(pattern).without(text)
    return text


def compared_hash(rules: ExtractionRules, title: str, compared: str) -> str | None:
    """Hash of title and text without what is ignored; None: nothing is."""
    if not rules.ignore:
        return None
    return text_hash(without(rules, title), compared)


def _places(pattern: str, title: str, text: str) -> Iterator[str]:
    linear = Linear(pattern)
    yield from linear.matches(title)
    yield from linear.matches(text)


def _match(rule: DeclaredRule, found: Iterable[T], words: Callable[[T], str]) -> RuleMatch:
    first: list[str] = []
    count = 0
    for each in found:
        count += 1
        if len(first) < _FIRST and (said := fold_blank(words(each)[: 10 * _QUOTED])):
            first.append(said if len(said) <= _QUOTED else said[:_QUOTED] + "…")
    return RuleMatch(rule.kind, rule.rule, count, tuple(first))


def _values(tree: HtmlElement, mapping: MetadataMapping) -> Iterator[str]:
    for element in _selected(tree, (mapping.selector,)):
        if mapping.attribute is None:
            yield _words_of(element)
        else:
            yield element.get(mapping.attribute.lower()) or ""


def _words_of(element: HtmlElement) -> str:
    return "".join(element.itertext())


def _too_wide(tree: HtmlElement, selectors: Sequence[str]) -> list[str]:
    """Those of the selectors that would take minutes on this page."""
    costly = [selector for selector in selectors if compares_siblings(selector)]
    if not costly:
        return []
    steps = 0
    for element in tree.iter():
        steps += len(element) ** 2
        if steps > _MOST_STEPS:
            return costly
    return []


def _selected(tree: HtmlElement, selectors: Sequence[str]) -> Iterator[HtmlElement]:
    wide = _too_wide(tree, selectors)
    for selector in selectors:
        if selector in wide:
            continue
        found = XPath(xpath_of(selector))(tree)
        yield from cast("list[HtmlElement]", found)


def _outermost(elements: Iterable[HtmlElement]) -> Iterator[HtmlElement]:
    """In document order, without those that lie in another of them."""
    chosen = set(elements)
    if not chosen:
        return
    root = next(iter(chosen)).getroottree().getroot()
    covered: HtmlElement | None = None
    for element in root.iter():
        if covered is not None and _is_in(element, covered):
            continue
        covered = None
        if element in chosen:
            covered = element
            yield element


def _is_in(element: HtmlElement, ancestor: HtmlElement) -> bool:
    return element is ancestor or any(each is ancestor for each in element.iterancestors())


def _empty(element: HtmlElement) -> None:
    """Leave out all that is in an element. The element itself stays, so that the words before and
    after it do not become one."""
    if element.tag in _WHOLE:
        for child in list(element):
            element.remove(child)
        element.text = None
    else:
        element.clear(keep_tail=True)


def _cut_out(elements: Sequence[HtmlElement]) -> None:
    """Leave elements out as if they had never been there: a page that lacks one, and a page that
    has it, are to become the same."""
    for element in elements:
        # Joining the text after each element to the text before it takes time in the square of
        # their number.
        if element.tag in _WHOLE or len(elements) > _MOST_CUT:
            _empty(element)
        elif element.getparent() is not None:
            element.drop_tree()
