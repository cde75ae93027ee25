"""API manuals as their generators write them: one template, long lists that most pages share, and
few words that are a page's own. Made from a seed; no two pages say the same."""

from __future__ import annotations

import random
from dataclasses import dataclass

HOST = "https://docs.example.org"
_SYLLABLES = (
    "al be cor de el fa gi ho in ju ka lo me nu or pa qui ru se ti ul ve wi xo ya zu".split()
)
_KINDS = ("Struct", "Enum", "Trait", "Function", "Constant", "Macro", "Module")
_SENTENCES = (
    "Returns {a} of {b} when the {c} is not empty, and an error otherwise.",
    "Panics if {a} is greater than the length of {b}.",
    "The {c} is borrowed until {a} goes out of scope.",
    "Use {a} instead of {b} when {c} may be shared between threads.",
    "This is a nightly-only experimental interface of {c}.",
    "Converts {a} into {b} without a copy of {c}.",
)


@dataclass(frozen=True, slots=True)
class ManualPage:
    """One page: what a reader would miss if another one were shown instead."""

    url: str
    title: str
    heading: str
    text: str


def manual(count: int, seed: int) -> list[ManualPage]:
    """So many pages of one manual."""
    rng = random.Random(seed)
    words = sorted({_word(rng) for _ in range(4 * count + 200)})
    rng.shuffle(words)
    implied = [_implied(rng, words) for _ in range(12)]
    pages = []
    for number in range(count):
        name = f"{words[number]}{rng.choice(('', '8', '16', '32', '64'))}"
        module = f"core::{words[-1 - number % 17]}"
        kind = rng.choice(_KINDS)
        pages.append(_page(rng, words, kind, module, f"{name}_{number}", implied))
    return pages


def _page(
    rng: random.Random, words: list[str], kind: str, module: str, name: str, implied: list[str]
) -> ManualPage:
    own = [
        rng.choice(_SENTENCES).format(a=name, b=rng.choice(words), c=rng.choice(words))
        for _ in range(rng.randint(1, 6))
    ]
    # What every page of its kind inherits: four fifths of a page and more.
    shared = rng.sample(implied, rng.choice((0, 4, 8, 12)))
    heading = f"{kind} {module}::{name}"
    lines = [
        heading,
        f"pub {kind.lower()} {name}<T> where T: Clone + Send",
        *own,
        "Auto Trait Implementations",
        *(line.replace("Self", name) for line in shared),
    ]
    path = f"{module.replace('::', '/')}/{kind.lower()}.{name}.html"
    return ManualPage(f"{HOST}/{path}", f"{name} in {module} - Manual", heading, "\n".join(lines))


def _implied(rng: random.Random, words: list[str]) -> str:
    trait = rng.choice(words).title()
    body = " ".join(
        rng.choice(_SENTENCES).format(a="Self", b=trait, c=rng.choice(words)) for _ in range(4)
    )
    return f"impl<T> {trait}<T> for Self where T: ?Sized\n{body}"


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))
