"""The verdict on a page, and its words: what was seen, how often, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.addresses.urls import is_bucket_url
from atlas.domain.removal.page_facts import EvidenceSeen, PageFacts


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """Why the page is, or is not, in the corpus as it is."""

    code: str
    """One word for programs: `unchanged`, `updated`, `http_404`, `robots_disallowed`,
    `out_of_scope`, `never_seen` …"""
    cause: str
    """The cause, in a sentence."""
    todo: tuple[str, ...] = ()
    """What can be done about it, if anything."""


NAMED = 3
"""Sources named in one sentence."""


def besides(facts: PageFacts) -> str:
    """Of a live page: that its source no longer takes or names it, and where search shows another
    instead."""
    said = [_misses(seen) for seen in facts.evidence if seen.kind == "absent"]
    if said:
        said[-1] += decision(facts)
    if facts.holders and all(claim.refused_by for claim in facts.holders):
        claim = facts.holders[0]
        said.append(f"source '{claim.source}' would refuse it now by `{claim.refused_by}`")
    return "".join(f"; {each}" for each in said) + _hidden(facts)


def sources_named(names: Iterable[str]) -> str:
    """`source 'a'`; `sources 'a' and 'b'`; of many the first few, and how many more there are."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) == 1:
        return f"source {quoted[0]}"
    if len(quoted) > NAMED:
        quoted = [*quoted[:NAMED], f"{len(quoted) - NAMED} more"]
    return f"sources {', '.join(quoted[:-1])} and {quoted[-1]}"


def decision(facts: PageFacts) -> str:
    """That a person keeps it in spite of evidence that lasts, if so."""
    rejected = any(each.decided == "rejected" for each in facts.removals)
    return "; a person rejected its removal" if rejected else ""


def _misses(seen: EvidenceSeen) -> str:
    stays = "; it stays as long as it answers" if _often(seen) else ""
    return f"{worded(seen)}, {looks_of(seen)}{stays}"


def _often(seen: EvidenceSeen) -> bool:
    return seen.needed is not None and seen.looks >= seen.needed


def _hidden(facts: PageFacts) -> str:
    text = facts.text
    if text is None:
        return ""
    if text.duplicate_of:
        return f"; hidden behind {text.duplicate_of}, of which it is a duplicate"
    if text.same_text_at:
        return f"; search shows its text at {text.same_text_at}"
    return ""


def kind_code(seen: EvidenceSeen) -> str:
    """The code of a verdict that rests on this evidence."""
    return f"http_{seen.detail[-3:]}" if seen.kind == "gone" else seen.kind


def worded(seen: EvidenceSeen) -> str:
    """What was seen."""
    said = {
        "gone": f"it answers {seen.detail.removeprefix('HTTP ')}",
        "moved": f"it redirects for good to {seen.detail}",
        "noindex": "it asks to be left out of the index (noindex)",
        "withdrawn": "it was withdrawn by `atlas docs withdraw`",
        "absent": f"the listing of source '{seen.detail}' no longer names it",
    }
    return said[seen.kind]


def looks_of(seen: EvidenceSeen) -> str:
    """How often it was seen, and how often a removal needs it."""
    if seen.needed is None:
        times = "once" if seen.looks == 1 else f"{seen.looks} times"
        return f"seen {times}; its sources keep all pages"
    if seen.looks > seen.needed:
        return f"seen {seen.looks} times, and a removal needs {seen.needed}"
    return f"seen {seen.looks} of the {seen.needed} times that a removal needs"


def against(code: str, source: str, facts: PageFacts) -> tuple[str, ...]:
    """What can be done about a failure with this code in a run of `source` ("": of none)."""
    if code == "robots_disallowed":
        return ("its owner does not want it fetched; on hosts of your own: `--robots ignore`",)
    if code in ("address_refused", "port_refused"):
        return (f"`atlas sources edit {source} --allow HOST:PORT`, if it is meant to be reached",)
    if code == "needs_ocr":
        return ("put a copy with a text layer in its place: `ocrmypdf scan.pdf text.pdf`",)
    if code == "encrypted":
        return ("put a copy without a password in its place",)
    if code == "no_browser":
        return ("set ATLAS_BROWSER for a worker, so that it serves atlas-rendering",)
    if code == "needs_browser":
        return _with_browser(source, facts)
    return ()


def _with_browser(source: str, facts: PageFacts) -> tuple[str, ...]:
    fetching = [each.source for each in facts.holders if not each.pushed]
    if is_bucket_url(facts.url) or (facts.holders and not fetching):
        return ("put the HTML that a browser shows in its place; Atlas renders what it fetches",)
    if not fetching:
        render = (
            f"`atlas fetch {facts.url} --render when_needed`, if a worker has a browser, and then "
            f"`atlas process --url {facts.url}`"
        )
    else:
        named = source if source in fetching else fetching[0]
        render = f"`atlas sources edit {named} --render when_needed`, if a worker has a browser"
    return render, "the site's feed or API may have its text, or `atlas docs put URL --file PATH`"


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "an unknown day"


def moment_of(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
