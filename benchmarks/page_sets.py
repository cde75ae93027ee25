"""Real pages whose text is known, and how near an extracted text comes to it.

Two sets (`datasets.py` says where they are): `extraction` are articles, `mixed` are pages of seven
kinds. Pages are put apart by host wherever something is learnt from some and tried on others, since
two pages of one host share their template.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import fmean
from urllib.parse import urlsplit

from benchmarks.datasets import DATA

FOLDS = 5
SET_MIX = {
    "article": 793, "service": 165, "product": 119, "collection": 117, "forum": 113, "listing": 99,
    "documentation": 91,
}  # fmt: skip
"""Pages of each kind in the whole development set of WCXB (arXiv:2605.21097), of which `mixed` is a
part, with more of the hard kinds."""
_SHORT_LABEL = 3  # letters up to which the last but one label of a host is a registry's: `co.uk`


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page, the text that a person chose of it, and snippets that it has and that it lacks."""

    key: str
    kind: str
    url: str
    html: str
    wanted: str
    kept: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def fold(self) -> int:
        """Which part of the set its host is in, 0 to `FOLDS` - 1."""
        return int(sha256(_site(self.url).encode()).hexdigest(), 16) % FOLDS


@dataclass(frozen=True, slots=True)
class PageScore:
    """How near one text came: F1; wanted snippets found and missing, unwanted ones found."""

    key: str
    kind: str
    f1: float
    found: int = 0
    missing: int = 0
    unwanted: int = 0
    avoided: int = 0


def articles() -> list[KnownPage]:
    """The article set; empty if it is not there."""
    return [
        KnownPage(key, "article set", truth["url"], html, truth["articleBody"])
        for key, truth, html in _pages("extraction")
    ]


def mixed() -> list[KnownPage]:
    """The pages of seven kinds; empty if they are not there."""
    return [
        KnownPage(
            key,
            truth["page_type"],
            truth["url"],
            html,
            truth["main_content"],
            tuple(truth["with"]),
            tuple(truth["without"]),
        )
        for key, truth, html in _pages("mixed")
    ]


def score(page: KnownPage, text: str) -> PageScore:
    """Articles by their runs of four words, other pages by their words, as their sets say."""
    if page.kind == "article set":
        return PageScore(page.key, page.kind, f1(Counter(shingles(text)), shingles(page.wanted)))
    shown = _folded(text)
    found = sum(_folded(each) in shown for each in page.kept)
    unwanted = sum(_folded(each) in shown for each in page.left_out)
    return PageScore(
        page.key,
        page.kind,
        f1(words(text), words(page.wanted)),
        found,
        len(page.kept) - found,
        unwanted,
        len(page.left_out) - unwanted,
    )


def mean_f1(scores: Sequence[PageScore], kind: str | None = None) -> float:
    """Over all pages, or those of one kind."""
    return fmean(each.f1 for each in scores if kind in (None, each.kind))


def f1_in_set_mix(scores: Sequence[PageScore]) -> float | None:
    """The mean over the pages of `mixed`, as `in_set_mix` weighs them."""
    return in_set_mix({kind: mean_f1(scores, kind) for kind in {each.kind for each in scores}})


def in_set_mix(by_kind: Mapping[str, float]) -> float | None:
    """The mean of a figure if there were as many pages of each kind as in the whole set; None if
    there is none of some kind."""
    if not by_kind.keys() >= SET_MIX.keys():
        return None
    total = sum(many * by_kind[kind] for kind, many in SET_MIX.items())
    return total / sum(SET_MIX.values())


def snippet_f1(scores: Sequence[PageScore]) -> float:
    """Harmonic mean of the wanted snippets that are found, and of those found that are wanted."""
    found = sum(each.found for each in scores)
    wrong = sum(each.missing + each.unwanted for each in scores)
    return 2 * found / max(2 * found + wrong, 1)


def shingles(text: str) -> set[tuple[str, ...]]:
    """The distinct runs of four words."""
    found = re.findall(r"\w+", text)
    return {tuple(found[i : i + 4]) for i in range(max(1, len(found) - 3))} if found else set()


def words(text: str) -> Counter[str]:
    """Every word, as often as it stands there."""
    return Counter(re.findall(r"\w+", text.lower()))


def f1(found: Counter[Hashable], wanted: Counter[Hashable] | set[Hashable]) -> float:
    """Harmonic mean of precision and recall."""
    other = Counter(wanted)
    return 2 * (found & other).total() / max(found.total() + other.total(), 1)


def _pages(name: str) -> list[tuple[str, dict[str, str], str]]:
    folder = DATA / name
    if not folder.is_dir():
        return []
    truths = json.loads((folder / "ground-truth.json").read_text())
    return [
        (key, truth, _text(gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())))
        for key, truth in truths.items()
    ]


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _folded(text: str) -> str:
    return " ".join(text.split())


def _site(url: str) -> str:
    labels = (urlsplit(url).hostname or "").split(".")
    own = 2 if len(labels) > 1 and len(labels[-2]) > _SHORT_LABEL else 3
    return ".".join(labels[-own:])
