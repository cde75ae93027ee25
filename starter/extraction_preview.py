"""Rules of extraction tried before they are declared: on one page, or on a sample of a source's
stored bodies. Nothing is written to the corpus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from atlas.domain.addresses.urls import is_bucket_url
from atlas.domain.blob import BlobError
from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import (
    NO_RULES,
    DeclaredRule,
    ExtractionRules,
    RuleMatch,
    unmatched,
)
from atlas.domain.extraction.rule_trial import RuleTrial
from atlas.domain.prepared import PrepareJob
from atlas.domain.sources import Leading, SourceSpec
from atlas.domain.text_diff import DiffPart, word_diff, words_in
from atlas.stores.postgres.crawl.bodies import stored_bodies
from atlas.stores.postgres.crawl.bodies.stored_bodies import StoredBody
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.sources import rules_of_pages
from starter.connection import Parts
from starter.errors import InvalidRequest, Refused
from starter.page_urls import canonical_url

if TYPE_CHECKING:
    from atlas.stores.blobs import Blobs
    from atlas.worker.trial_extraction import TryRules

MOST_SAMPLED = 200
"""Pages of a preview at most."""


@dataclass(frozen=True, slots=True)
class TriedRules:
    """Rules tried on one page."""

    url: str
    """The canonical URL of the page."""
    source: str | None
    """Whose rules they are, but for those that were given; None: no source's."""
    body: Literal["stored", "fetched"]
    """Whether the stored body was read, or one that was fetched for this."""
    fetched_at: datetime | None
    """When the stored body was received."""
    rules: ExtractionRules
    """All rules that were tried."""
    trial: RuleTrial = field(metadata={"json": ""})
    removed: int
    """Words that only the text without rules has."""
    added: int
    """Words that only the text by the rules has."""
    parts: list[DiffPart]
    """From the text without rules to that by the rules, in order."""


@dataclass(frozen=True, slots=True)
class PreviewedPage:
    """What rules would make of one page's text."""

    url: str
    """The canonical URL of the page."""
    result: Literal["changed", "unchanged", "failed"]
    """`changed`: a new version would begin."""
    title: str | None
    """By these rules; None: extraction failed."""
    removed: int
    """Words that only the live text has."""
    added: int
    """Words that only the new one has."""
    fell_back: str | None
    """Which rules would not be followed because nothing would be left."""
    error: str | None
    """Why extraction failed."""
    matches: tuple[RuleMatch, ...] = ()
    """What each rule found."""
    parts: list[DiffPart] = field(default_factory=list)
    """From the live text to the new one, in order."""


@dataclass(frozen=True, slots=True)
class PreviewedRules:
    """What rules would make of a source's pages, judged by a sample of them."""

    source: str
    rules: ExtractionRules
    """Those that were tried."""
    pages: int
    """Pages that have a stored body and a text that other rules made."""
    looked_at: int
    """Of them, those in the sample."""
    changed: int
    """Of the sample: pages that would get a new version."""
    failed: int
    """Of the sample: pages that could not be extracted; they keep their text."""
    fell_back: int
    """Of the sample: pages on which a rule would not be followed because nothing would be left."""
    unmatched: list[DeclaredRule]
    """Rules that found nothing on any page of the sample."""
    sample: list[PreviewedPage]
    """By URL."""


async def tried(
    parts: Parts, asked: str, spec: SourceSpec | None, given: Mapping[str, Any], *, fetch: bool
) -> TriedRules:
    """Try rules on a page: those `given`, else those of `spec`, else those the page has. Its
    stored body is read, unless there is none or it is to be fetched. Raises `InvalidRequest`,
    `Refused`."""
    from atlas.worker.trial_extraction import trying_rules

    url = canonical_url(asked)
    stored, held = await _stored(parts, url)
    rules = rules_with(spec.extraction if spec else held, given)
    if stored is None or fetch:
        job, stored = await _fetched(parts, url, spec, rules), None
    else:
        async with parts.blobs() as blobs:
            job = _job(stored, await blobs.get(stored.snapshot), rules)
    try:
        async with trying_rules(parts.settings) as try_rules:
            trial = await try_rules(job)
    except PageError as error:
        raise Refused(f"{url} cannot be extracted: {error.code}: {error.message}") from None
    changes = await asyncio.to_thread(word_diff, trial.without.text, trial.by_rules.text)
    return TriedRules(
        url=url,
        source=spec.name if spec else None,
        body="fetched" if stored is None else "stored",
        fetched_at=stored.fetched_at if stored else None,
        rules=rules,
        trial=trial,
        removed=words_in(changes, "removed"),
        added=words_in(changes, "added"),
        parts=changes,
    )


async def previewed(parts: Parts, spec: SourceSpec, sample: int) -> PreviewedRules:
    """What the rules of `spec`, declared or not, would make of some pages of the source of that
    name. Raises `InvalidRequest`, `Refused`."""
    from atlas.worker.trial_extraction import trying_rules

    if not 1 <= sample <= MOST_SAMPLED:
        raise InvalidRequest(f"sample: {sample} refused: give 1 to {MOST_SAMPLED}")
    digest = spec.extraction.digest
    async with parts.database() as connection:
        pages = await stored_bodies.concerned(connection, spec.name, digest)
        chosen = await stored_bodies.sample(connection, spec.name, digest, sample)
    async with parts.blobs() as blobs, trying_rules(parts.settings) as try_rules:
        found = [await _previewed(body, spec.extraction, blobs, try_rules) for body in chosen]
    return PreviewedRules(
        source=spec.name,
        rules=spec.extraction,
        pages=pages,
        looked_at=len(found),
        changed=sum(page.result == "changed" for page in found),
        failed=sum(page.result == "failed" for page in found),
        fell_back=sum(page.fell_back is not None for page in found),
        unmatched=_never_matched(spec.extraction, found),
        sample=found,
    )


def rules_with(rules: ExtractionRules, given: Mapping[str, Any]) -> ExtractionRules:
    """The rules with those that were given in place of their own."""
    changes: dict[str, Any] = {
        kind: value if value is None or isinstance(value, str) else tuple(value)
        for kind, value in given.items()
    }
    return replace(rules, **changes)


async def _stored(parts: Parts, url: str) -> tuple[StoredBody | None, ExtractionRules]:
    """The stored body of a page, and the rules it has."""
    async with parts.database() as connection:
        if await purged_urls.among(connection, [url]):
            raise InvalidRequest(f"url: {url} was erased, and is kept away")
        body = await stored_bodies.of_url(connection, url)
        digest = body.rules if body else None
        held = await rules_of_pages.by_digest(connection, [digest])
    return body, held[digest] if digest else NO_RULES


async def _fetched(
    parts: Parts, url: str, spec: SourceSpec | None, rules: ExtractionRules
) -> PrepareJob:
    if is_bucket_url(url):
        raise Refused(f"{url}: no body of it is stored; a sync of its source reads the file")
    from starter.source_detection import fetched_page

    try:
        found = await fetched_page(parts, url, spec, Leading(spec).to(url) if spec else ())
    except PageError as error:
        raise Refused(f"{url} cannot be fetched: {error.code}: {error.message}") from None
    kind, _, charset = found.content_type.partition("; charset=")
    return PrepareJob(found.body, kind or None, charset or None, found.url, rules)


async def _previewed(
    body: StoredBody, rules: ExtractionRules, blobs: Blobs, try_rules: TryRules
) -> PreviewedPage:
    try:
        trial = await try_rules(_job(body, await blobs.get(body.snapshot), rules))
    except (PageError, BlobError) as error:
        return PreviewedPage(body.url, "failed", None, 0, 0, None, str(error)[:300])
    new = trial.by_rules
    changes = await asyncio.to_thread(word_diff, body.text or "", new.text)
    return PreviewedPage(
        url=body.url,
        result="unchanged" if new.text_hash == body.text_hash else "changed",
        title=new.title,
        removed=words_in(changes, "removed"),
        added=words_in(changes, "added"),
        fell_back=trial.fell_back,
        error=None,
        matches=trial.matches,
        parts=changes,
    )


def _job(body: StoredBody, raw: bytes, rules: ExtractionRules) -> PrepareJob:
    return PrepareJob(raw, body.content_type, body.charset, body.url, rules, body.given_title)


def _never_matched(rules: ExtractionRules, found: Sequence[PreviewedPage]) -> list[DeclaredRule]:
    seen = [[match.matches for match in page.matches] for page in found if page.matches]
    if not seen:
        return []
    return unmatched(rules, [sum(counts) for counts in zip(*seen, strict=True)])
