"""How `atlas explain` prints its story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starter.cli.framework.output import note, one_line, pairs, say, short, when

if TYPE_CHECKING:
    from atlas.domain.removal.page_facts import (
        AttemptMade,
        EvidenceSeen,
        PageFacts,
        SourceClaim,
        TextKept,
        VisitOfRun,
    )
    from starter.explanation import Explanation


def print_explanation(found: Explanation) -> None:
    """The cause in the first line, then what it was told from."""
    facts = found.facts
    say(one_line(found.verdict.cause))
    for each in found.notes:
        note(each)
    say("")
    pairs(
        {
            "url": facts.url,
            "lifecycle": facts.lifecycle,
            "leads to": facts.leads_to,
            "fetched": facts.fetched_at,
            "checked": facts.checked_at,
            "left": facts.tombstoned_at,
            "working on it": facts.working,
            "due": _due(facts),
            "host": _host(facts),
            **(_text(facts.text) if facts.text else {}),
        }
    )
    _section("sources", map(_claim, facts.sources))
    refusals = (
        f"{when(e.at)}  {e.source}: {e.rule} (run {short(e.run_id)})" for e in facts.refusals
    )
    _section("refused", refusals)
    _section("evidence of leaving", map(_evidence, facts.evidence))
    removals = (
        f"{when(e.held_at)}  {e.source}: {e.sign}, {e.decided or 'waits'} (run {short(e.run_id)})"
        for e in facts.removals
    )
    _section("removals held", removals)
    _section("runs", map(_visit, facts.visits))
    _section("requests", map(_attempt, facts.attempts))
    for each in found.verdict.todo:
        note(each)
    if facts.visits:
        last = facts.visits[0]
        trace = f", of trace {last.trace_id}" if last.trace_id else ""
        note(f"`atlas runs show {last.run_id}` shows its last run{trace}")
        if last.ui_url:
            note(f"Web UI: {last.ui_url}")


def _section(title: str, lines: Iterator[str]) -> None:
    shown = list(lines)
    if shown:
        say(f"\n{title}:")
    for line in shown:
        say(one_line(f"  {line}"))


def _due(facts: PageFacts) -> str:
    said = [each for each in (when(facts.next_due), facts.next_due_because) if each]
    for claim in facts.holders:
        at = f"next run {when(claim.due)}" if claim.due else "paused: no run begins"
        if not claim.pushed:
            said.append(f"source {claim.source}: {at}")
    if facts.host and facts.host.next_try_at:
        said.append(f"its host is {facts.host.state} until {when(facts.host.next_try_at)}")
    return "; ".join(said)


def _host(facts: PageFacts) -> str:
    host = facts.host
    if host is None:
        return ""
    error = f", {host.last_error}" if host.last_error else ""
    return f"{host.host}: {host.state}{error}"


def _text(text: TextKept) -> dict[str, object]:
    others = text.cluster_texts - 1
    generations = ", ".join(map(str, text.generations))
    active = "" if text.active_generation in text.generations else " (not in the active one)"
    return {
        "title": text.title,
        "version": f"{text.version}, since {when(text.valid_from)}"
        + (f" until {when(text.valid_to)}" if text.valid_to else ""),
        "text hash": text.text_hash,
        "truncated": text.truncated,
        "rules": ", ".join(f"{each.kind} {each.rule} ({each.matches})" for each in text.rules),
        "not followed": text.fell_back,
        "to be made by other rules": text.other_rules or None,
        "duplicate of": f"{text.duplicate_of} (rule: {text.duplicate_rule}, "
        f"similarity {text.similarity:.2f})"
        if text.duplicate_of and text.similarity is not None
        else None,
        "shown as": text.same_text_at,
        "near-duplicates": _cluster(text, others),
        "similar pages": text.similar,
        "index": f"generation {generations}{active}" if generations else "in no generation",
    }


def _cluster(text: TextKept, others: int) -> str:
    if others <= 0:
        return ""
    if text.cluster_similarity is None:
        return f"{others} more texts resemble this one"
    return f"{others} more texts; {text.cluster_similarity:.2f} like the one that all resemble"


def _claim(claim: SourceClaim) -> str:
    if claim.found is None:
        state = f"refuses it: {claim.refused_by}" if claim.refused_by else "would take it"
        return f"{claim.source}  {state}" + (", paused" if claim.paused else "")
    depth = f" {claim.depth} links deep" if claim.found == "link" else ""
    found = "put" if claim.pushed else claim.found
    said = [
        f"{found}{depth} by run {short(claim.run_id or '')}, {when(claim.found_at)}",
        f"deletion {claim.deletion}",
    ]
    if claim.refused_by:
        said.append(f"its rules would refuse it now: {claim.refused_by}")
    if claim.paused:
        said.append("paused")
    return f"{claim.source}  {'; '.join(said)}"


def _evidence(seen: EvidenceSeen) -> str:
    needed = "never leaves for it" if seen.needed is None else f"of {seen.needed}"
    last = f", last {when(seen.last)}" if seen.last else ""
    return f"{seen.kind}: {seen.looks} {needed} ({seen.detail}){last}"


def _visit(visit: VisitOfRun) -> str:
    ended = visit.outcome or visit.stage
    why = f" ({visit.code}{': ' + visit.message if visit.message else ''})" if visit.code else ""
    run = f"run {short(visit.run_id)} of {visit.source}" if visit.source else f"run {visit.run_id}"
    return f"{when(visit.started_at)}  {ended}{why}; {run}: {visit.run_outcome or 'in progress'}"


def _attempt(made: AttemptMade) -> str:
    given = made.snapshot and not made.code
    got = str(made.status) if made.status else "put" if given else "no answer"
    parts = [
        f"{got}{f' ({made.code})' if made.code else ''}",
        "by a browser" if made.rendered else "",
        f"body {made.snapshot[:12]}" if made.snapshot else "",
        f"ETag {made.etag}" if made.etag else "",
        f"Last-Modified {made.last_modified}" if made.last_modified else "",
        f"led to {made.final_url}" if made.final_url and _elsewhere(made) else "",
    ]
    return f"{when(made.at)}  {', '.join(each for each in parts if each)}"


def _elsewhere(made: AttemptMade) -> bool:
    return (made.code or "").startswith("redirect")
