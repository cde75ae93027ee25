"""How often the language of a page, or of a few words, is told right; before (0.3.0) and after.

Manuals are folders of HTML whose language is known: ATLAS_BENCH_MANUALS lists them as
`LANGUAGE=FOLDER`, separated as in PATH (Debian's packages git-doc and postgresql-doc by default).
`datasets.py` says where the real pages are; their truth is what the model says of the article's
whole text, where it is sure. Collections give passages, and the first words of their questions.
Each is asked with the page's own declaration and without; `null` counts what nothing was sure of.
"""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.errors import PageError
from atlas.text.blocks.markdown import to_text
from atlas.text.languages import language
from atlas.text.main_text.main_blocks import main_blocks
from atlas.text.markup.charset import decode
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import declared_language, read_head
from benchmarks.datasets import DATA

MANUALS = os.environ.get(
    "ATLAS_BENCH_MANUALS",
    os.pathsep.join(f"en=/usr/share/doc/{name}" for name in ("git-doc", "postgresql-doc-15/html")),
)
_SURE = 0.9
_COLLECTIONS = (("cranfield", "en", True), ("xq_zh", "zh", False), ("xq_ru", "ru", True),
                ("xq_th", "th", False))  # fmt: skip

Guess = Callable[[str, str | None], str]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, what its page declares, and its language."""

    group: str
    text: str
    declared: str | None
    truth: str


def before(text: str, declared: str | None = None) -> str:
    """What 0.3.0 said: the model's best answer to the first 400 characters."""
    if sum(character.isalpha() for character in text[:400]) >= 20:
        return str(language._detector().detect(text[:400], model="lite")[0]["lang"])
    return language._primary(declared)


def _page(group: str, body: bytes, truth: str) -> LabelledText | None:
    try:
        tree = parse_html(decode(body, None))
    except PageError:
        return None
    head = read_head(tree)
    text = to_text(main_blocks(tree, head)).text
    return LabelledText(group, text, declared_language(tree, head), truth)


def _manuals() -> Iterator[LabelledText | None]:
    for entry in MANUALS.split(os.pathsep):
        truth, _, folder = entry.partition("=")
        for path in sorted(Path(folder).rglob("*.html")):
            yield _page(
                f"{truth}: {Path(folder).parent.name}/{Path(folder).name}", path.read_bytes(), truth
            )


def _articles() -> Iterator[LabelledText | None]:
    for kind, field in (("mixed", "main_content"), ("extraction", "articleBody")):
        truths = DATA / kind / "ground-truth.json"
        gold = json.loads(truths.read_text()) if truths.is_file() else {}
        for key, about in gold.items():
            whole = " ".join((about.get(field) or "").split())
            if len(whole) < 200:
                continue
            found = language._detector().detect(whole[:20_000], model="lite")[0]
            if found["score"] >= _SURE:
                body = gzip.decompress((DATA / kind / "html" / f"{key}.html.gz").read_bytes())
                yield _page(f"{kind} pages", body, str(found["lang"]))


def passages() -> Iterator[LabelledText]:
    """The passages of the collections, and the first words of their questions."""
    for name, truth, spaced in _COLLECTIONS:
        folder = DATA / "retrieval" / name
        for file, words in (("docs", 0), ("queries", 3), ("queries", 6)):
            lines = (folder / f"{file}.jsonl").open() if folder.is_dir() else ()
            for line in lines:
                text = json.loads(line)["text"]
                if words:
                    text = " ".join(text.split()[:words]) if spaced else text[: 2 * words]
                if text.strip():
                    kind = f"{words} words" if words else "passages"
                    yield LabelledText(f"{truth}: {name}, {kind}", text, truth, truth)


def _row(name: str, guess: Guess, samples: list[LabelledText]) -> str:
    cells = []
    for told in (True, False):
        answers = [guess(each.text, each.declared if told else None) for each in samples]
        pairs = list(zip(answers, samples, strict=True))
        right = sum(answer == sample.truth for answer, sample in pairs)
        wrong = Counter(answer for answer, sample in pairs if answer not in ("", sample.truth))
        most = " ".join(f"{code}:{count}" for code, count in wrong.most_common(4))
        cells.append(f"{right:5} {answers.count(''):5} {wrong.total():5}  {most:24}")
    return f"  {name:7} {'| '.join(cells)}"


def main() -> None:
    """Print right, null and wrong answers by group, and what they cost."""
    pages = (each for source in (_manuals, _articles, passages) for each in source())
    groups: dict[str, list[LabelledText]] = {}
    for each in pages:
        if each is not None:
            groups.setdefault(each.group, []).append(each)
    if not groups:
        print(f"skipped: neither {DATA.resolve()} nor a folder of {MANUALS} is there")
        return
    print(f"  {'':7} {'declared: right null wrong':44}| {'undeclared: right null wrong'}")
    for group, samples in groups.items():
        print(f"{group} ({len(samples)})")
        print(_row("before", before, samples))
        print(_row("after", language.language_of, samples))
    _costs([sample for samples in groups.values() for sample in samples])


def _costs(samples: list[LabelledText]) -> None:
    for name, guess in (("before", before), ("after", language.language_of)):
        began = time.process_time()
        for sample in samples:
            guess(sample.text, sample.declared)
        each = (time.process_time() - began) / len(samples)
        print(f"{name}: {1000 * each:.2f} ms of CPU a text")


if __name__ == "__main__":
    main()
