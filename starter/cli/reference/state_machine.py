"""`docs/state-machine.md`: the lifecycle of a page and the rules of removal, from the code."""

from __future__ import annotations

from collections.abc import Iterator

from atlas.domain.removal import removal_rules
from atlas.domain.removal.lifecycle import FINDABLE, MEANINGS, Evidence, Lifecycle, after
from atlas.domain.removal.removal_rules import RULES, RemovalSign

_BEGIN = """\
<!-- Written by `make docs` from the code; change it there. -->
# The state machine of a page

A page moves between these states and no others (`atlas/domain/removal/lifecycle.py`; the stores \
build their statements from the same table):

"""

_SIGNS = """
A document is found by a search while its page is {findable}.

## When a page may leave
Each kind of evidence is a sign, and one table says how many looks in a row it needs \
(`atlas/domain/removal/removal_rules.py`). `careful`, `prompt` and `keep` are the [rule of the \
source](sources.md#pages-that-vanish); of several sources that hold a page the most careful one \
decides.

"""

_SPACING = """
## Which looks count
"""

_BRAKE = """
## The brake
Before anything leaves at the end of a run, everything that shows one of these signs is counted, \
together with the pages whose new text is [suspicious](sources.md#a-bad-day-of-the-site) and those \
that redirect elsewhere without having moved. If that is over {share:.0%} of the live pages of the \
source and at least {floor}, or over {pages} pages, and some would leave, none does: the run ends \
[`held`](runs.md#held), and `atlas deletions` lists what waits for a person. \
[Withdrawals](push.md#what-leaves) count together with those of the 24 hours before, unless a \
person confirmed or approved them.

```mermaid
stateDiagram-v2
    [*] --> counted: the run ends
    counted --> gone: enough looks, few pages
    counted --> waits: enough looks, too many pages
    counted --> stays: not enough looks
    waits --> gone: atlas deletions approve
    waits --> kept: atlas deletions reject
    waits --> stays: the page answers (expired)
    waits --> gone: few pages in a later run (removed)
    kept --> stays: the page answers, and evidence may begin again
    gone --> [*]
```
"""


def state_machine_page() -> str:
    """The text of the page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _BEGIN
    yield "```mermaid\nstateDiagram-v2\n    [*] --> discovered: a listing, a link or a person\n"
    for state in Lifecycle:
        targets: dict[Lifecycle, list[str]] = {}
        for evidence in Evidence:
            target = after(state, evidence)
            if target is not state and evidence is not Evidence.ERASED:
                targets.setdefault(target, []).append(evidence.value)
        for target, names in targets.items():
            yield f"    {state.value} --> {target.value}: {', '.join(names)}\n"
    yield "```\n\n`erased` leads from every state to purged.\n"
    yield "\n| state | means |\n|---|---|\n"
    for state in Lifecycle:
        yield f"| {state.value} | {MEANINGS[state]} |\n"
    yield "\n| evidence | means |\n|---|---|\n"
    for evidence in Evidence:
        yield f"| {evidence.value} | {MEANINGS[evidence]} |\n"
    yield _SIGNS.format(
        findable=" or ".join(state.value for state in Lifecycle if state in FINDABLE)
    )
    yield "| sign | a look that counts saw | careful | prompt | keep | begins anew after | then |\n"
    yield "|---|---|---|---|---|---|---|\n"
    for sign in RemovalSign:
        rule = RULES[sign]
        needed = " | ".join(_looks(rule.needed(policy)) for policy in removal_rules.POLICIES)
        yield f"| {sign.value} | {rule.seen} | {needed} | {rule.resets} | {rule.then} |\n"
    yield f"{_SPACING}{removal_rules.COUNTING}\n"
    yield _BRAKE.format(
        share=removal_rules.BRAKE_SHARE,
        floor=removal_rules.BRAKE_FLOOR,
        pages=removal_rules.BRAKE_PAGES,
    )


def _looks(needed: int | None) -> str:
    return "never" if needed is None else "1 look" if needed == 1 else f"{needed} looks"
