"""Trying rules on a body, in an extraction child; and reading what it answers, with distrust."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from msgspec.msgpack import Decoder, encode
from msgspec.structs import astuple

from atlas.domain.extraction.extraction_rules import (
    MAX_FELL_BACK,
    MAX_RULES,
    RuleKind,
    RuleMatch,
)
from atlas.domain.extraction.rule_trial import RuleTrial, TriedText
from atlas.domain.prepared import PrepareJob
from atlas.domain.texts import Extracted, text_hash
from atlas.domain.wire_fields import Number, Stamp, WireFields, decode, instant, storable


class _WireTried(WireFields):
    title: str
    author: str | None
    published: Stamp
    lang: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{0,35}\Z")]
    text: str


class _WireMatch(WireFields):
    kind: RuleKind
    rule: Annotated[str, Meta(max_length=1_000)]
    matches: Number
    first: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=5)]


class _WireTrial(WireFields):
    without: _WireTried
    by_rules: _WireTried
    matches: Annotated[tuple[_WireMatch, ...], Meta(max_length=4 * MAX_RULES)]
    fell_back: Annotated[str, Meta(max_length=MAX_FELL_BACK)] | None
    compared: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")] | None


_TRIAL = Decoder(_WireTrial)


def try_rules(job: PrepareJob) -> bytes:
    """Extract a body without and with the rules of the job. Raises PageError as `extract` does."""
    from atlas.text.extract import extract, matches_in  # in the child only: every library

    read = (job.body, job.content_type, job.charset, job.url)
    without = extract(*read, title=job.title)
    by_rules = extract(*read, job.rules, job.title)
    found = matches_in(*read[:3], job.rules, by_rules)
    ruled = by_rules.ruled
    return encode(
        (
            _wire(without),
            _wire(by_rules),
            [
                (
                    each.kind,
                    storable(each.rule),
                    each.matches,
                    [storable(words)[:200] for words in each.first],
                )
                for each in found
            ],
            ruled.fell_back if ruled else None,
            ruled.compared if ruled else None,
        )
    )


def read_trial(body: bytes) -> RuleTrial:
    """What `try_rules` wrote. Raises MalformedAnswer."""
    found = decode(_TRIAL, body)
    return RuleTrial(
        without=_tried(found.without),
        by_rules=_tried(found.by_rules),
        matches=tuple(RuleMatch(*astuple(each)) for each in found.matches),
        fell_back=found.fell_back,
        compared=found.compared,
    )


def _wire(found: Extracted) -> tuple[str, str | None, str, str, str]:
    published = found.published.isoformat() if found.published else ""
    return (found.title, found.author, published, found.lang, found.text)


def _tried(found: _WireTried) -> TriedText:
    return TriedText(
        title=found.title,
        author=found.author,
        published=instant(found.published),
        lang=found.lang or None,
        text=found.text,
        text_hash=text_hash(found.title, found.text),
    )
