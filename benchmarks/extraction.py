"""F1 and speed of the extraction against trafilatura alone, in the same run.

Score: F1 over 4-word shingles of the article body, averaged over pages (`datasets.py` says
where they are). Run `python -m benchmarks extraction`.
"""

import gzip
import json
import re
import time
from collections.abc import Callable

from benchmarks.datasets import DATA

PAGES = DATA / "extraction"


def shingles(text: str) -> set[tuple[str, ...]]:
    """The distinct runs of four words."""
    words = re.findall(r"\w+", text)
    return {tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))} if words else set()


def f1(found: str, wanted: str) -> float:
    """Harmonic mean of precision and recall over shingles."""
    left, right = shingles(found), shingles(wanted)
    return 2 * len(left & right) / max(len(left) + len(right), 1)


def score(
    extract: Callable[[str, str], str], pages: dict[str, str], gold: dict[str, dict[str, str]]
) -> tuple[float, float]:
    """Mean F1 and pages per second of CPU time."""
    began = time.process_time()
    texts = {key: extract(html, gold[key]["url"]) for key, html in pages.items()}
    seconds = time.process_time() - began
    mean = sum(f1(texts[key], gold[key]["articleBody"]) for key in pages) / len(pages)
    return mean, len(pages) / seconds


def main() -> None:
    """Print one line per extractor and the ratios, or why there is nothing to measure."""
    if not PAGES.is_dir():
        print(f"skipped: no folder {PAGES.resolve()}; set ATLAS_BENCH_DATA to the data's folder")
        return
    import trafilatura

    from atlas.text.extract import extract

    gold = json.loads((PAGES / "ground-truth.json").read_text())
    pages = {
        key: gzip.decompress((PAGES / "html" / f"{key}.html.gz").read_bytes()).decode(
            "utf-8", "replace"
        )
        for key in gold
    }

    def atlas(html: str, url: str) -> str:
        return extract(html.encode(), "text/html", "utf-8", url).text

    def alone(html: str, url: str) -> str:
        return trafilatura.extract(html, include_comments=False) or ""

    def fast(html: str, url: str) -> str:
        return trafilatura.extract(html, fast=True, include_comments=False) or ""

    score(atlas, dict(list(pages.items())[:5]), gold)  # models and patterns load once
    results = {
        name: score(f, pages, gold)
        for name, f in [
            ("atlas, with metadata and links", atlas),
            ("trafilatura", alone),
            ("trafilatura fast", fast),
        ]
    }
    for name, (quality, speed) in results.items():
        print(f"{name:32} F1 {quality:.4f}  {speed:6.1f} pages/s/core")
    ours, theirs = results["atlas, with metadata and links"], results["trafilatura"]
    print(f"against trafilatura: F1 x{ours[0] / theirs[0]:.3f}, speed x{ours[1] / theirs[1]:.2f}")


if __name__ == "__main__":
    main()
