"""Documents that Atlas does not fetch: what comes with them, and which source may have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from atlas.domain.addresses.scope import Scope, scope_of

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec

SUPERSEDED = "superseded"
"""Code of a document that a later push for the same address made obsolete."""
WITHDRAWN = "withdrawn"
"""Code of a page of which the one that pushed it says that it is gone."""

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([\w.:+-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is given for one page: a body, or the word that it is gone."""

    url: str
    """Canonical."""
    snapshot: bytes | None
    """Hash of the body, which is in the blob store; None: the page is gone."""
    content_type: str | None = None
    charset: str | None = None
    title: str | None = None
    """Instead of the one that the body states."""
    last_modified: str | None = None
    """As a server would write it."""


@dataclass(frozen=True, slots=True)
class PushTarget:
    """The source that takes an address; or why none does, with the fix."""

    source: str = ""
    refused: str = ""


def media_and_charset(content_type: str | None) -> tuple[str | None, str | None]:
    """Media type in lower case, and charset, of what a Content-Type header may hold."""
    media = (content_type or "").partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type or "")
    return media or None, charset[1] if charset else None


def push_target(
    url: str,
    declared: Mapping[str, SourceSpec],
    *,
    named: str | None = None,
    holders: Iterable[str] = (),
) -> PushTarget:
    """Which of the sources takes a push for the canonical `url`: the one that is named or that
    holds the page, else the one with the longest URL above it. `holders`: the sources that hold the
    page now."""
    held_by = [declared[name] for name in holders if name in declared]
    fetched = [spec for spec in declared.values() if spec.kind != "push" and url in spec.urls]
    if fetching := sorted({each.name for each in held_by if each.kind != "push"}) or sorted(
        each.name for each in fetched
    ):
        return PushTarget(
            refused=f"{url} is fetched by source '{fetching[0]}', which would replace what is put "
            f"there: leave it out of that source (`atlas sources edit {fetching[0]} --exclude …`) "
            "and let it be removed, or put the document under another address"
        )
    pushed = {name: spec for name, spec in declared.items() if spec.kind == "push"}
    if named is not None:
        return _into(url, declared, named)
    holding = sorted(each.name for each in held_by)
    if holding:
        return _into(url, declared, holding[0])
    above = [
        (len(each), spec.name)
        for spec in pushed.values()
        for each in spec.urls
        if Scope(prefix=each).allows(url)
    ]
    if not above:
        return PushTarget(refused=_no_source(url, sorted(pushed)))
    return _into(url, declared, max(above)[1])


def _into(url: str, declared: Mapping[str, SourceSpec], name: str) -> PushTarget:
    spec = declared.get(name)
    if spec is None:
        return PushTarget(refused=_no_source(url, [], named=name))
    if spec.kind != "push":
        return PushTarget(
            refused=f"source '{name}' is of kind {spec.kind}, which Atlas collects itself; name a "
            "source of kind push, or declare one: `atlas sources add NAME URL --kind push`"
        )
    if spec.paused:
        return PushTarget(
            refused=f"source '{name}' is paused; `atlas sources resume {name}` lets it take "
            "documents"
        )
    if not any(Scope(prefix=each).allows(url) for each in spec.urls):
        return PushTarget(
            refused=f"{url} is not below a URL of source '{name}' ({', '.join(spec.urls[:3])}); "
            f"`atlas sources edit {name} --url …` gives it another"
        )
    if rule := scope_of(spec).refusal(url):
        return PushTarget(
            refused=f"source '{name}' refuses {url} by its rule `{rule}`; "
            f"`atlas sources edit {name}` changes it"
        )
    return PushTarget(source=name)


def _no_source(url: str, pushed: list[str], named: str | None = None) -> str:
    if named is not None:
        return (
            f"no source is named '{named}'; `atlas sources add {named} URL --kind push` declares "
            "one that documents can be put into"
        )
    known = f" (those of kind push: {', '.join(pushed[:10])})" if pushed else ""
    return (
        f"no source takes {url}{known}; `atlas sources add NAME URL --kind push` declares one for "
        "the addresses below a URL"
    )


def http_date(moment: datetime) -> str:
    """The moment as a Last-Modified header has it (RFC 9110, 5.6.7)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)
