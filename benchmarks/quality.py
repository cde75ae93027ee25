"""How good texts, metadata, languages, rankings and copies are: every figure beside others' in one
run, and beside the version before.

    make quality                                 # or: python -m benchmarks.quality
    python -m benchmarks.quality write           # keep the figures as those of this version

Pages and collections come from `datasets.py`, and from generators in 17 languages, so that there is
something to measure without any data. Exits with 1 if a figure is worse by more than .01 than the
one kept in `quality.json`, where it was measured on the same data. The forest and the weights that
Atlas ships have seen the pages of `datasets.py`: `block_training` and `metadata` print what they
reach on hosts that they have not seen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.datasets import DATA
from benchmarks.quality_rows import (
    QualityRow,
    copies,
    generated_texts,
    languages_told,
    rankings,
    real_texts,
    snippets,
)

KEPT = Path(__file__).with_name("quality.json")
README = Path(__file__).parent.parent / "README.md"
TOLERANCE = 0.01
NO_DATA = "made"
_BEGIN, _END = (
    "<!-- quality: written by `python -m benchmarks.quality write` -->",
    "<!-- /quality -->",
)
_IN_README = (
    "F1, article set", "F1, mixed pages", "F1, mixed pages, in the mix of the whole set",
    "F1, snippets of mixed pages", "title exact", "date right",
    "date wrong", "date invented", "CPU of all preparing",
    "language of questions, en: cranfield, 3 words", "language of questions, ru: xq_ru, 3 words",
    "language of questions, th: xq_th, 3 words", "language of questions, zh: xq_zh, 3 words",
    "nDCG@10, cranfield", "nDCG@10, xq_ru", "nDCG@10, xq_th", "nDCG@10, xq_zh",
    "snippet holds the wanted passage, xq_ru", "snippet holds the wanted passage, xq_th",
    "snippet holds the wanted passage, xq_zh", "marks on stop words alone, xq_ru",
    "near-duplicates found, 20% of words edited", "false pairs of near-duplicates",
    "pages of a manual joined",
)  # fmt: skip


def rows() -> Iterator[QualityRow]:
    """All of them; those of data that is not there are left out."""
    yield from real_texts()
    yield from generated_texts()
    yield from languages_told()
    yield from rankings()
    yield from snippets()
    yield from copies()


def data_id() -> str:
    """Names the data that was measured: figures of other data are not compared."""
    files = sorted(DATA.rglob("*.json*")) if DATA.is_dir() else []
    if not files:
        return NO_DATA
    told = "".join(f"{each.relative_to(DATA)} {each.stat().st_size}\n" for each in files)
    return sha256(told.encode()).hexdigest()[:12]


def is_held(row: QualityRow, before: float | None) -> bool:
    """Whether it is as good as before, within the tolerance."""
    if before is None or not row.held:
        return True
    worse = before - row.value if row.more_is_better else row.value - before
    return worse <= TOLERANCE


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The rows of the README, from what is kept."""
    lines = ["| figure | Atlas | others, in the same run | goal |", "|---|---|---|---|"]
    for name in (name for name in _IN_README if name in figures):
        row = figures[name]
        lines.append(f"| {name} | {row['value']:.3f} | {row['others']} | {row['goal']} |")
    return "\n".join([_BEGIN, *lines, _END])


def table_in(text: str) -> str:
    """The table that a page has."""
    start, end = text.index(_BEGIN), text.index(_END) + len(_END)
    return text[start:end]


def main() -> int:
    """Print the table; 1 if a figure dropped."""
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    before = kept.get(data_id(), {})
    print("| figure | Atlas | before | others | goal |\n|---|---|---|---|---|", flush=True)
    found: dict[str, dict[str, Any]] = {}
    made: dict[str, dict[str, Any]] = {}
    dropped = []
    for row in rows():
        earlier = before.get(row.name, {}).get("value")
        found[row.name] = {"value": round(row.value, 4), "others": row.others, "goal": row.goal}
        if row.made:
            made[row.name] = found[row.name]
        if not is_held(row, earlier):
            dropped.append(row.name)
        told = "" if earlier is None else f"{earlier:.3f}"
        cells = (row.name, f"{row.value:.3f}", told, row.others, row.goal)
        print(f"| {' | '.join(cells)} |", flush=True)
    if "write" in sys.argv[1:]:
        _write({**kept, data_id(): found, NO_DATA: made}, found)
    elif dropped:
        print(f"worse by more than {TOLERANCE}: {', '.join(dropped)}", file=sys.stderr)
        return 1
    return 0


def _write(kept: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    if "F1, article set" in found:  # the real pages were there
        text = README.read_text("utf-8")
        README.write_text(text.replace(table_in(text), table(found)), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
