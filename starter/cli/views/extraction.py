"""How commands print what rules of extraction do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from starter.cli.framework.output import emit, note, one_line, pairs, say, when
from starter.cli.views.diffs import print_parts

if TYPE_CHECKING:
    from atlas.domain.extraction.extraction_rules import RuleMatch
    from starter.extraction_preview import PreviewedPage, PreviewedRules, TriedRules


def print_trial(found: TriedRules) -> None:
    """What each rule found, then the text without rules and by them as one difference."""
    say(found.url)
    trial = found.trial
    after, before = trial.by_rules, trial.without
    pairs(
        {
            "body": f"stored, of {when(found.fetched_at)}" if found.fetched_at else "fetched now",
            "rules of": found.source,
            "title": _changed(before.title, after.title),
            "author": after.author,
            "published": after.published,
            "language": after.lang,
            "not followed": trial.fell_back,
        }
    )
    _print_matches(trial.matches)
    say(f"\n{_words(found.removed, found.added)}")
    say("")
    print_parts(found.parts)
    if not found.rules:
        note("no rules: give some, such as --remove '.ad', or --source NAME")


def show_preview(found: PreviewedRules, output: str) -> None:
    """The preview, for people or as JSON."""
    if output != "text":
        emit("rules_preview", found, output=output)
    else:
        _print_preview(found)


def _print_preview(found: PreviewedRules) -> None:
    """What would change, page by page, and what a person should know before doing it."""
    say(
        f"{found.source}: {found.pages} pages have a text by other rules; of {found.looked_at} "
        f"looked at, {found.changed} would change"
    )
    for page in found.sample:
        _print_page(page)
    if found.failed:
        note(f"{found.failed} could not be extracted; they keep their text")
    if found.fell_back:
        note(
            f"on {found.fell_back} of {found.looked_at} a rule would not be followed, because "
            "nothing would be left; they have their ordinary text"
        )
    for rule in found.unmatched:
        note(one_line(f"{rule.kind} {rule.rule}: found nothing on any of them"))


def _print_page(page: PreviewedPage) -> None:
    why = page.error or _words(page.removed, page.added)
    say(one_line(f"\n{page.url}: {page.result}, {why}".lstrip()))
    if page.fell_back:
        say(one_line(f"not followed: {page.fell_back}"))
    if page.removed or page.added:
        print_parts(page.parts)


def _print_matches(matches: Iterable[RuleMatch]) -> None:
    for match in matches:
        found = f"{match.matches} found" if match.matches else "nothing found"
        quoted = "".join(f" “{words}”" for words in match.first)
        say(one_line(f"{match.kind} {match.rule}: {found}{':' if quoted else ''}{quoted}"))


def _changed(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _words(removed: int, added: int) -> str:
    if not removed and not added:
        return "the same words"
    return f"{removed} words removed, {added} added"
