"""The rules by which a page's text is extracted, as a source declares them: elements that are the
text, elements that are not, what makes no new version, where to find title, author, date and
language, and in which language all its pages are.

The rules belong to a page and not to a run: of several sources that hold a page, the one that was
declared first and has such rules decides, whichever source's run reads it. So a page is read alike
by all, and the digest of its rules says whether its text is up to date.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from atlas.domain.addresses.patterns import check_pattern
from atlas.domain.extraction.css_selectors import check_selector

MetadataField = Literal["title", "author", "published", "language"]
RuleKind = Literal["content", "remove", "ignore", "metadata"]

MAX_RULES = 30
"""Rules of one kind."""
MAX_FELL_BACK = 500
"""Characters that say which rules were not followed."""

_ATTRIBUTE = re.compile(r"@([A-Za-z_][\w:.-]{0,60})$")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FIELDS = get_args(MetadataField)
_MAPPING_SAMPLES = "write one such as 'author=.byline' or 'published=time.posted@datetime'"


@dataclass(frozen=True, slots=True)
class MetadataMapping:
    """Where a page says one thing of itself: an element's text, or one of its attributes."""

    field: MetadataField
    selector: str
    attribute: str | None


@dataclass(frozen=True, slots=True)
class DeclaredRule:
    """One rule as it was written."""

    kind: RuleKind
    """`content`, `remove`, `ignore` or `metadata`."""
    rule: str
    """As it is declared."""


@dataclass(frozen=True, slots=True)
class ExtractionRules:
    """The rules that a page's text is extracted by; each is written as in `SourceSpec`."""

    content: tuple[str, ...] = ()
    """Only these elements are the text."""
    remove: tuple[str, ...] = ()
    """These elements are not."""
    ignore: tuple[str, ...] = ()
    """A change only there makes no new version."""
    metadata: tuple[str, ...] = ()
    """Where to find title, author, published or language."""
    lang: str | None = None
    """The language of every page, an ISO 639 code; None: each page is looked at."""

    def __bool__(self) -> bool:
        return self.selects or self.lang is not None

    @property
    def selects(self) -> bool:
        """Whether any rule has to be looked for on the page."""
        return bool(self.content or self.remove or self.ignore or self.metadata)

    @property
    def digest(self) -> bytes | None:
        """SHA-256 by which equal rules are known; None: there are none."""
        return hashlib.sha256(self.as_json().encode()).digest() if self else None

    @property
    def declared(self) -> tuple[DeclaredRule, ...]:
        """All of them, in the order in which what they match is counted."""
        return tuple(
            DeclaredRule(kind, rule) for kind in get_args(RuleKind) for rule in getattr(self, kind)
        )

    @property
    def ignored_selectors(self) -> tuple[str, ...]:
        """Those of `ignore` that are CSS selectors."""
        return tuple(rule for rule in self.ignore if pattern_in(rule) is None)

    @property
    def ignored_patterns(self) -> tuple[str, ...]:
        """Those of `ignore` that are regular expressions, without their slashes."""
        return tuple(found for rule in self.ignore if (found := pattern_in(rule)) is not None)

    def as_json(self) -> str:
        """As stored: equal rules are written alike, those without a language as before there was
        one, or their digest would be another and their pages would be extracted again."""
        values = asdict(self)
        if self.lang is None:
            del values["lang"]
        return json.dumps(values, ensure_ascii=False, sort_keys=True)


NO_RULES = ExtractionRules()


def rules_from_json(text: str) -> ExtractionRules:
    """The rules that `as_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    lang = values.pop("lang", None)
    return ExtractionRules(**{kind: tuple(rules) for kind, rules in values.items()}, lang=lang)


def pattern_in(rule: str) -> str | None:
    """The regular expression of an `ignore` rule that is written between slashes."""
    return rule[1:-1] if len(rule) > 2 and rule[0] == rule[-1] == "/" else None


def mapping_of(rule: str) -> MetadataMapping:
    """A `metadata` rule, read. Raises ValueError naming field, value and fix."""
    name, separator, where = rule.partition("=")
    name, where = name.strip(), where.strip()
    if not separator or not where:
        raise ValueError(f"metadata: {rule!r} names no element: {_MAPPING_SAMPLES}")
    if name not in _FIELDS:
        raise ValueError(
            f"metadata: {name!r} in {rule!r} refused: give one of {', '.join(_FIELDS)}"
        )
    found = _ATTRIBUTE.search(where)
    selector = where[: found.start()] if found else where
    return MetadataMapping(name, selector, found[1] if found else None)  # type: ignore[arg-type]


def faults(rules: ExtractionRules) -> Iterator[str]:
    """What is wrong with rules, each fault with field, value and fix."""
    for kind in get_args(RuleKind):
        given: Sequence[str] = getattr(rules, kind)
        if len(given) > MAX_RULES:
            yield f"{kind}: {len(given)} given; {MAX_RULES} at most: join some with a comma"
        for rule in given:
            try:
                _check(kind, rule)
            except ValueError as error:
                yield str(error)

    if rules.lang is not None and _LANGUAGE.fullmatch(rules.lang) is None:
        yield f"lang: {rules.lang!r} refused: give an ISO 639 code in lower case, such as en or zh"


def _check(kind: str, rule: str) -> None:
    if kind == "metadata":
        check_selector(kind, mapping_of(rule).selector)
    elif kind == "ignore" and (pattern := pattern_in(rule)) is not None:
        check_pattern(kind, pattern)
    else:
        check_selector(kind, rule)


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """What one rule found on a page."""

    kind: RuleKind
    """`content`, `remove`, `ignore` or `metadata`."""
    rule: str
    """As it is declared."""
    matches: int
    """Elements that it selects, or places of the text; 0: nothing."""
    first: tuple[str, ...]
    """The first words of some of them."""


@dataclass(frozen=True, slots=True)
class RuledText:
    """How a page's text was made by its source's rules, to be kept with it."""

    counts: tuple[int, ...]
    """What each rule matched, in the order of `ExtractionRules.declared`."""
    fell_back: str | None
    """Which rules were not followed because nothing would be left, in words; None: all were."""
    compared: str | None
    """Hash of what counts as a change: title and text without what is ignored. None: all counts."""


def unmatched(rules: ExtractionRules, counts: Sequence[int]) -> list[DeclaredRule]:
    """The rules that found nothing."""
    return [rule for rule, count in zip(rules.declared, counts, strict=False) if not count]


def read_rules(value: Any) -> ExtractionRules:
    """The rules of a row: of JSON, or none."""
    return rules_from_json(value) if value else NO_RULES
