"""Verdicts on addresses that no source holds: who met and refused them, and who would take them."""

from __future__ import annotations

from atlas.domain.addresses.refused_addresses import NO_DOCUMENT, NO_PAGE, RUN_LIMIT
from atlas.domain.media_kinds import KINDS_NAMED
from atlas.domain.removal.page_facts import PageFacts, RefusedBefore, SourceClaim
from atlas.domain.removal.page_verdict import NAMED, PageVerdict, moment_of, sources_named


def refused(facts: PageFacts) -> PageVerdict | None:
    """A run met it and the rules refused it."""
    if facts.holders or not facts.refusals:
        return None
    met = facts.refusals[0]
    code, why = _by_rule(met)
    seen = f"the run of {moment_of(met.at)} met it"
    claim = next((each for each in facts.sources if each.source == met.source), None)
    cause = f"not taken: source '{met.source}' {why} ({seen})"
    if claim is not None and claim.refused_by is None and code == "out_of_scope":
        after = f"its rules have changed since and let it in: `atlas sync {met.source}`"
        return PageVerdict(code, cause, (after,))
    return PageVerdict(code, cause, (_edit(met.source, met.rule),))


def _by_rule(met: RefusedBefore) -> tuple[str, str]:
    if met.rule.startswith("trap_"):
        return met.rule, f"takes it for part of a crawler trap ({met.rule})"
    if met.rule.startswith(("max_pages", "max_depth")):
        return "over_limit", f"reached its limit `{met.rule}`"
    if met.rule == RUN_LIMIT:
        return "over_limit", "had no pages, bytes or minutes left in that run"
    if met.rule == NO_PAGE:
        return "not_a_page", "follows no link whose name is that of an image, script, archive …"
    if met.rule == NO_DOCUMENT:
        return "not_a_document", f"reads {KINDS_NAMED}, by the names of files"
    return "out_of_scope", f"refuses it by its rule `{met.rule}`"


def _edit(source: str, rule: str) -> str:
    name = rule.partition(" ")[0].replace("_", "-")
    if rule.startswith("trap_"):
        return f"`atlas sources edit {source} --traps follow` follows all links"
    if name in ("prefix", "include", "exclude", "max-pages", "max-depth"):
        return f"`atlas sources edit {source} --{name} …` changes the rule"
    if rule == RUN_LIMIT:
        return f"`atlas sync {source}` without limits goes on"
    return "declare its address by itself: `atlas sources add NAME URL --kind urls`"


def trapped(facts: PageFacts) -> PageVerdict | None:
    """Its address alone keeps it out."""
    if facts.holders or facts.trap is None or not (crawls := _admitting(facts)):
        return None
    named = crawls[0].source
    cause = f"never followed: its address alone shows a crawler trap ({facts.trap})"
    return PageVerdict(facts.trap, cause, (_edit(named, facts.trap),))


def stranger(facts: PageFacts, out_of_reach: str | None) -> PageVerdict:
    """No source holds it, and none is recorded to have met it."""
    if out_of_reach:
        return PageVerdict("out_of_reach", f"no source holds it, and none could: {out_of_reach}")
    admitting = _admitting(facts)
    if admitting:
        return _never_seen(admitting)
    if facts.sources:
        refusing = ", ".join(
            f"'{claim.source}' by `{claim.refused_by}`" for claim in facts.sources[:NAMED]
        )
        first = facts.sources[0]
        cause = f"no source takes it: those at its host refuse it ({refusing})"
        return PageVerdict("out_of_scope", cause, (_edit(first.source, first.refused_by or ""),))
    todo = (f"`atlas sources add NAME {facts.url}` declares one", f"`atlas fetch {facts.url}`")
    seen = "" if facts.lifecycle is None else ", though it was fetched or linked to"
    return PageVerdict(
        "unknown", f"no source holds it, and none is declared at its host{seen}", todo
    )


def _never_seen(admitting: list[SourceClaim]) -> PageVerdict:
    named = sources_named(claim.source for claim in admitting)
    one = len(admitting) == 1
    first = admitting[0]
    if all(claim.pushed for claim in admitting):
        cause = f"never put: {named} would take it, but nobody has put a document there"
        return PageVerdict("never_seen", cause, ("`atlas docs put URL --file PATH`",))
    if all(claim.paused for claim in admitting):
        cause = f"never seen: {named} would take it, but {'is' if one else 'are'} paused"
        return PageVerdict("source_paused", cause, (f"`atlas sources resume {first.source}`",))
    if all(claim.last_run is None for claim in admitting):
        cause = f"never seen: {named} would take it, but {'has' if one else 'have'} not run yet"
        return PageVerdict("never_seen", cause, (f"`atlas sync {first.source}`",))
    cause = (
        f"never seen: the rules of {named} would take it, but no listing or page that "
        f"{'it' if one else 'they'} read names it"
    )
    todo = ("declare it by itself: `atlas sources add NAME URL --kind urls`",)
    return PageVerdict("never_seen", cause, todo)


def _admitting(facts: PageFacts) -> list[SourceClaim]:
    return [claim for claim in facts.sources if claim.refused_by is None]
