"""Why a page is, or is not, in the corpus as it is: one cause, derived from the facts. Pure rules.

Each rule looks at the facts and gives its verdict or None; the first verdict counts. So what is
nearest to the page's present state is asked first, and what only might have been last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from atlas.domain.errors import HELD, NOINDEX
from atlas.domain.removal.page_facts import AttemptMade, PageFacts, VisitOfRun
from atlas.domain.removal.page_verdict import (
    PageVerdict,
    against,
    besides,
    day,
    decision,
    kind_code,
    looks_of,
    moment_of,
    sources_named,
    worded,
)
from atlas.domain.removal.removal_rules import RULES, RemovalSign
from atlas.domain.removal.unheld_addresses import refused, stranger, trapped


def verdict_on(facts: PageFacts, *, out_of_reach: str | None = None) -> PageVerdict:
    """The verdict. `out_of_reach`: why the address may not be connected to at all, as the settings
    and its sources say."""
    for rule in _RULES:
        if found := rule(facts):
            return found
    return stranger(facts, out_of_reach)


# Pages that left


def _erased(facts: PageFacts) -> PageVerdict | None:
    if facts.erased_at is None:
        return None
    cause = f"erased on {day(facts.erased_at)} ({facts.erased_for}), and kept away since"
    return PageVerdict("erased", cause)


def _purged(facts: PageFacts) -> PageVerdict | None:
    if facts.lifecycle != "purged":
        return None
    when = f" on {day(facts.purged_at)}" if facts.purged_at else ", with its source"
    return PageVerdict("purged", f"deleted: its documents were removed for good{when}")


def _left(facts: PageFacts) -> PageVerdict | None:
    if facts.lifecycle != "tombstoned":
        return None
    when = f" on {day(facts.tombstoned_at)}" if facts.tombstoned_at else ""
    code, why = _why_it_left(facts)
    todo = [f"`atlas docs restore {facts.url}` brings its last text back"]
    if not facts.holders:
        todo.append("no source holds it: if its listing or a page names it again, it comes back")
    return PageVerdict(code, f"left the corpus{when}: {why}", tuple(todo))


_SIGNS = {
    "gone": RemovalSign.GONE,
    "moved": RemovalSign.MOVED,
    NOINDEX: RemovalSign.NOINDEX,
    "withdrawn": RemovalSign.WITHDRAWN,
}


def _why_it_left(facts: PageFacts) -> tuple[str, str]:
    absent = "the complete listings of its source no longer named it"
    for seen in facts.evidence:
        if seen.kind == "absent":
            continue
        if not facts.holders and seen.looks < (RULES[_SIGNS[seen.kind]].careful or 0):
            return "absent", f"{absent}, and a visit confirmed that: {worded(seen)}"
        return kind_code(seen), f"{worded(seen)}, {looks_of(seen)}"
    if not facts.holders:
        return "absent", absent
    return "removed", "the evidence for it is no longer kept"


def _quarantined(facts: PageFacts) -> PageVerdict | None:
    if facts.quarantined_for is None and facts.lifecycle != "quarantined":
        return None
    why = facts.quarantined_for or "extraction failed too often"
    stays = "; its last text stays live" if _is_live(facts) else ""
    cause = f"quarantined: its body could not be processed ({why}){stays}"
    return PageVerdict("quarantined", cause, (f"`atlas process --url {facts.url} --force`",))


# Pages under way or held


def _under_way(facts: PageFacts) -> PageVerdict | None:
    visit = facts.visits[0] if facts.visits else None
    if visit is None or visit.outcome is not None or visit.ended_at is not None:
        return None
    state = "live, and " if _is_live(facts) else "not in the corpus yet: "
    doing = {
        "listed": "waits to be fetched",
        "fetched": "is fetched and waits to be processed",
        "rendering": "is fetched and waits for a browser",
    }
    stage = doing.get(visit.stage, "is processed and waits to be settled")
    run = f"the run {visit.run_id[:18]} of source '{visit.source}'"
    return PageVerdict("in_progress", f"{state}in progress: it {stage} in {run}")


def _removal_held(facts: PageFacts) -> PageVerdict | None:
    waiting = [each for each in facts.removals if each.decided is None]
    if not waiting or not _is_live(facts):
        return None
    held = waiting[0]
    cause = (
        f"still in the corpus: its removal ({held.sign}) is held since {day(held.held_at)}, "
        f"because too many pages of source '{held.source}' would have left at once"
    )
    decide = f"`atlas deletions approve {held.source} {facts.url}`, or reject"
    todo = (decide, f"`atlas deletions list --source {held.source}` shows all that wait")
    return PageVerdict("removal_held", cause, todo)


def _suspect(facts: PageFacts) -> PageVerdict | None:
    if facts.lifecycle != "suspect" or not facts.evidence:
        return None
    seen = facts.evidence[0]
    visit = _decisive(facts.visits)
    if seen.kind == "absent" and visit is not None and visit.code in HELD:
        return None  # it is suspect for its body, and that its source misses it comes after that
    cause = f"still in the corpus, but leaving: {worded(seen)}, {looks_of(seen)}"
    return PageVerdict(kind_code(seen), cause + decision(facts))


def _hidden_by_noindex(facts: PageFacts) -> PageVerdict | None:
    visit = _decisive(facts.visits)
    asks = any(seen.kind == NOINDEX for seen in facts.evidence)
    if not asks and (visit is None or visit.code != NOINDEX):
        return None
    looks = next((f", {looks_of(seen)}" for seen in facts.evidence if seen.kind == NOINDEX), "")
    if _is_live(facts):
        return PageVerdict(NOINDEX, f"live with its old text: it asks to be left out now{looks}")
    return PageVerdict(NOINDEX, "not in the corpus: it asks to be left out of the index (noindex)")


def _redirects(facts: PageFacts) -> PageVerdict | None:
    visit = _decisive(facts.visits)
    code = visit.code or "" if visit else "redirected" if facts.leads_to else ""
    if not code.startswith("redirected"):
        return None  # where it led once says nothing of what it answers now
    attempt = _latest(facts.attempts, lambda each: each.final_url not in (None, facts.url))
    target = facts.leads_to or (attempt.final_url if attempt else None) or "another address"
    own = f", which is {facts.leads_to_lifecycle}" if facts.leads_to_lifecycle else ""
    if code == "redirected_out_of_scope":
        own = ", which the source's rules do not let in"
    looks = next((f"; {looks_of(seen)}" for seen in facts.evidence if seen.kind == "moved"), "")
    state = "live with its last text, but it" if _is_live(facts) else "not in the corpus: it"
    todo = (f"`atlas explain {target}`",) if target.startswith("http") else ()
    return PageVerdict(code, f"{state} redirects to {target}{own}{looks}", todo)


# What the last run that looked made of it


def _failed(facts: PageFacts) -> PageVerdict | None:
    visit = _decisive(facts.visits)
    if visit is None or visit.outcome != "failed":
        return None
    code = visit.code or "failed"
    said = f": {visit.message}" if visit.message else ""
    if _is_live(facts):
        cause = f"live with its last text: the last check failed ({code}{said})"
    else:
        cause = f"not in the corpus: it could not be fetched or read ({code}{said})"
    return PageVerdict(code, cause, against(code, visit.source, facts))


def _body_held(facts: PageFacts) -> PageVerdict | None:
    visit = _decisive(facts.visits)
    if visit is None or visit.code not in HELD:
        return None
    state = "live with its old text" if _is_live(facts) else "not in the corpus"
    cause = f"{state}: its new body was held ({visit.code}: {visit.message}){besides(facts)}"
    return PageVerdict(visit.code or "held", cause)


def _not_listed(facts: PageFacts) -> PageVerdict | None:
    """Live, and its sources have not come to it since: what they list could not be read."""
    if not _is_live(facts) or not facts.holders:
        return None
    if not all(claim.not_listed for claim in facts.holders):
        return None
    claim = facts.holders[0]
    cause = (
        f"live with its last text: the last run of source '{claim.source}' did not come to it: "
        f"{claim.not_listed}{besides(facts)}"
    )
    return PageVerdict("not_listed", cause, (f"`atlas sync {claim.source}` reads it again",))


def _settled(facts: PageFacts) -> PageVerdict | None:
    visit = _decisive(facts.visits)
    if visit is None or not _is_live(facts) or visit.outcome not in _TAKEN:
        return None
    when = f"the run of {moment_of(visit.started_at)}"
    if visit.restored:
        cause = f"live: an earlier version was brought back by {when}{besides(facts)}"
        return PageVerdict("restored", cause, (f"`atlas docs history {facts.url}`",))
    if visit.outcome != "unchanged":
        done = "added by" if visit.outcome == "added" else "its text was updated by"
        return PageVerdict(visit.outcome or "", f"live: {done} {when}{besides(facts)}")
    why = _unchanged(facts, visit)
    return PageVerdict("unchanged", f"live: {when} left it unchanged ({why}){besides(facts)}")


_TAKEN = ("added", "updated", "unchanged")


def _unchanged(facts: PageFacts, visit: VisitOfRun) -> str:
    own = [each for each in facts.attempts if each.run_id == visit.run_id]
    if not own:
        return "from the stored body, without a request"
    last = own[0]
    if last.status is None:
        return "the same body or the same text was put there again"
    if last.status == 304:
        return "304 Not Modified"
    older = [each for each in facts.attempts if each.snapshot and each.at < last.at]
    same = bool(older) and older[0].snapshot == last.snapshot
    if same or last.snapshot is None:
        return f"{last.status} with the same body, by its hash"
    return f"{last.status} with another body, but the same text"


def _merely_live(facts: PageFacts) -> PageVerdict | None:
    """Live, and no run that is still recorded says more."""
    if not _is_live(facts):
        return None
    since = f" since {day(facts.text.valid_from)}" if facts.text else ""
    passed = _passed_over(facts)
    if not facts.holders:
        cause = f"live{since}, but no source holds it any more: nothing checks it again"
        todo = ("declare a source for it, or `atlas sources remove NAME --purge` removes pages",)
        return PageVerdict("unheld", cause, todo)
    return PageVerdict("live", f"live{since}{passed}{besides(facts)}")


def _listing(facts: PageFacts) -> PageVerdict | None:
    listed = [claim.source for claim in facts.sources if claim.lists]
    if facts.holders or not listed:
        return None
    learns = "learns its" if len(listed) == 1 else "learn their"
    cause = f"no page, but the feed or sitemap from which {sources_named(listed)} {learns} pages"
    return PageVerdict("listing", cause)


def _not_taken(facts: PageFacts) -> PageVerdict | None:
    """Known, held, and no run took it."""
    if facts.lifecycle is None or not facts.holders:
        return None
    claim = facts.holders[0]
    how = f"source '{claim.source}' {_FOUND[claim.found or 'listed']}"
    if facts.visits:
        last = facts.visits[0]
        if (last.code or "").startswith("trap_"):
            return None
        if last.outcome in _TAKEN:
            cause = "not in the corpus yet: its body was fetched, and is processed by a later run"
            return PageVerdict("not_processed", cause, (f"`atlas sync {claim.source}`",))
        left_out = f"the last run left it out ({last.code or last.outcome})"
        why = _SKIPPED.get(last.code or "", left_out)
        return PageVerdict(last.code or "skipped", f"not in the corpus yet: {how}, but {why}")
    if claim.paused:
        cause = f"not in the corpus yet: {how}, but the source is paused"
        return PageVerdict("source_paused", cause, (f"`atlas sources resume {claim.source}`",))
    todo = (f"`atlas sync {claim.source}`",)
    return PageVerdict("not_fetched", f"not in the corpus yet: {how}, but none fetched it", todo)


_FOUND = {
    "listed": "lists it",
    "link": "found a link to it",
    "redirect": "was led to it by a redirect",
}
_SKIPPED = {
    "budget": "the run had spent its pages or bytes before its turn",
    "deadline": "the time of the run was over before its turn",
    "not_fetched": "the run was not to fetch, and no body of it is stored",
    "fresh": "another run had fetched it already",
    "held": "another run was working on it",
    "run_ended": "the run ended before its turn",
}


def _passed_over(facts: PageFacts) -> str:
    """Why the last run did not look at it."""
    if not facts.visits:
        return ""
    why = _SKIPPED.get(facts.visits[0].code or "")
    return f"; not checked in the last run: {why}" if why else ""


_RULES: tuple[Callable[[PageFacts], PageVerdict | None], ...] = (
    _erased,
    _purged,
    _left,
    _under_way,
    _quarantined,
    _removal_held,
    _suspect,
    _hidden_by_noindex,
    _redirects,
    _failed,
    _body_held,
    _not_listed,
    _settled,
    _merely_live,
    _listing,
    _not_taken,
    refused,
    trapped,
)


# The facts


def _is_live(facts: PageFacts) -> bool:
    return facts.lifecycle in ("live", "suspect")


def _decisive(visits: Iterable[VisitOfRun]) -> VisitOfRun | None:
    """The last visit that found something out about the page, not one that passed it over."""
    return next((each for each in visits if each.outcome and each.code not in _SKIPPED), None)


def _latest(
    attempts: Iterable[AttemptMade], which: Callable[[AttemptMade], bool]
) -> AttemptMade | None:
    return next((each for each in attempts if which(each)), None)
