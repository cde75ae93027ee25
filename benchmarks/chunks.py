"""Documents in chunks: how fast, and how many chunks an edit changes; beside two other splitters.

`python -m benchmarks chunks` reads 60 real pages (`datasets.py` says where they are), or documents
made here without them. The naive splitter fills chunks with lines from the first to the last;
semantic-text-splitter (Rust) takes part if it is installed.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from atlas.domain.chunking.document_chunks import DEFAULT_CHUNK_SIZE, document_chunks
from atlas.domain.extraction.outline import OutlineSection
from benchmarks.datasets import DATA

PAGES = 60
EDITS = 4  # of each kind in each document
_PARAGRAPH = re.compile(r"(?:^|\n\n)((?![#|`>\-\s]|\d+\.)[^\n]{60,1200})(?=\n\n|$)")


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """One document."""

    url: str
    text: str
    markdown: str
    outline: tuple[OutlineSection, ...]


Splitter = Callable[[SampleDocument], Sequence[str]]
"""What names each chunk of a document: an id, or the text itself."""


def ours(sample: SampleDocument) -> Sequence[str]:
    """Ids of the chunks."""
    found = document_chunks(sample.url, sample.text, sample.markdown, sample.outline)
    return [each.id for each in found]


def naive(sample: SampleDocument) -> Sequence[str]:
    """Lines, as many as fit."""
    found, under_way = [], ""
    for line in sample.markdown.splitlines(keepends=True):
        if under_way and len(under_way) + len(line) > DEFAULT_CHUNK_SIZE:
            found.append(under_way)
            under_way = ""
        under_way += line
    return [*found, under_way]


def semantic() -> Splitter | None:
    """semantic-text-splitter, if it is installed."""
    if importlib.util.find_spec("semantic_text_splitter") is None:
        return None
    from semantic_text_splitter import MarkdownSplitter

    splitter = MarkdownSplitter(DEFAULT_CHUNK_SIZE)
    return lambda sample: splitter.chunks(sample.markdown)


def real() -> Iterator[SampleDocument]:
    """Documents of real pages; none if the data is missing."""
    from atlas.domain.errors import PageError
    from atlas.text.extract import extract

    folder = DATA / "mixed"
    if not folder.is_dir():
        return
    gold = json.loads((folder / "ground-truth.json").read_text())
    for key in sorted(gold)[:: max(len(gold) // PAGES, 1)]:
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        try:
            found = extract(body, "text/html", None, gold[key]["url"])
        except PageError:
            continue
        yield SampleDocument(gold[key]["url"], found.text, found.markdown, found.outline)


def made() -> Iterator[SampleDocument]:
    """Sections of paragraphs of words that follow from their numbers."""
    for page in range(PAGES):
        rolls = random.Random(page)
        blocks = []
        for number in range(40):
            heading = f"# Part {number}\n\n" if rolls.random() < 0.1 else ""
            words = [
                hashlib.sha256(str(rolls.random()).encode()).hexdigest()[:6] for _ in range(60)
            ]
            sentences = [" ".join(words[at : at + 12]).capitalize() for at in range(0, 60, 12)]
            blocks.append(heading + ". ".join(sentences[: rolls.randint(1, 5)]) + ".")
        text = "\n\n".join(blocks)
        yield SampleDocument(f"https://made.example/{page}", text.replace("# ", ""), text, ())


def rate(split: Splitter, samples: Sequence[SampleDocument]) -> float:
    """Documents per second of CPU time, the best of three rounds."""
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        for sample in samples:
            split(sample)
        best = max(best, len(samples) / (time.process_time() - began))
    return best


def edited(
    sample: SampleDocument, kind: str, rolls: random.Random
) -> tuple[SampleDocument, SampleDocument] | None:
    """A document before and after an edit of one paragraph. Both are taken as Markdown alone, since
    an edit would move the outline."""
    paragraphs = list(_PARAGRAPH.finditer(sample.markdown))
    if not paragraphs:
        return None
    chosen = rolls.choice(paragraphs)
    words = chosen[1].split()
    if kind == "words added":
        at = rolls.randrange(len(words))
        new = " ".join([*words[:at], "and", "more", "besides", *words[at:]])
    else:
        rolls.shuffle(words)
        new = " ".join(words[: rolls.randint(1, len(words))])
        new = {"one added": f"{chosen[1]}\n\n{new}", "rewritten": new}.get(kind, "")
    start, end = chosen.span(1)
    texts = (sample.markdown, sample.markdown[:start] + new + sample.markdown[end:])
    before, after = (SampleDocument(sample.url, text, text, ()) for text in texts)
    return before, after


def changes(split: Splitter, samples: Sequence[SampleDocument], kind: str) -> Counter[int]:
    """How many chunks each edit changes: gone or new, whichever are more."""
    rolls = random.Random(7)
    found: Counter[int] = Counter()
    for sample in samples:
        for _ in range(EDITS):
            pair = edited(sample, kind, rolls)
            if pair is None:
                break
            old, new = (Counter(split(each)) for each in pair)
            found[max((old - new).total(), (new - old).total())] += 1
    return found


def by_markdown(sample: SampleDocument) -> Sequence[str]:
    """Ids of the chunks of a document of which only the Markdown is known."""
    marked = sample.markdown + "\n"  # equal to its text, it would be taken for plain text
    return [each.id for each in document_chunks(sample.url, sample.text, marked, None)]


def main() -> None:
    """Print the rates and their ratio, and how many chunks edits change."""
    samples = list(real())
    print(f"{len(samples)} real pages" if samples else f"made: no folder {DATA / 'mixed'}")
    samples = samples or list(made())
    size = sum(len(each.markdown) for each in samples) / len(samples)
    theirs = {"lines, filled up": naive, "semantic-text-splitter": semantic()}
    own = rate(ours, samples)
    print(f"{'atlas':24}{own:10.0f} documents/s/core of {size:.0f} characters")
    for name, split in theirs.items():
        if split is None:
            print(f"{name:24}   skipped: not installed")
        else:
            other = rate(split, samples)
            print(
                f"{name:24}{other:10.0f} documents/s/core; atlas is x{own / other:.3f}", flush=True
            )
    print("edits of one paragraph that change at most three chunks, and the most that one changed:")
    for kind in ("words added", "rewritten", "one added", "one removed"):
        shown = []
        for name, split in {"atlas": by_markdown, **theirs}.items():
            if split is not None:
                found = changes(split, samples, kind)
                few = sum(count for number, count in found.items() if number <= 3)
                shown.append(f"{name} {few / found.total():.2%} (most {max(found)})")
        print(f"  {kind:12} {'; '.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
