"""Text and speed of all preparing against trafilatura with metadata, in the same run.

Articles are scored by F1 over the distinct runs of four words, other pages by F1 over words, each
averaged over pages; `page_sets.py` says more. Snippets: F1 of those that a page's text should hold
against those that it should not. CPU is that of `prepare`: text, Markdown, metadata, links, sketch
and index terms, against trafilatura's text with its metadata.

Run `python -m benchmarks extraction`.
"""

import time
from collections.abc import Callable

from atlas.domain.errors import PageError
from atlas.domain.prepared import PrepareJob
from atlas.text.prepare import prepare, warm_up
from benchmarks.datasets import DATA
from benchmarks.page_sets import (
    KnownPage,
    PageScore,
    articles,
    mean_f1,
    mixed,
    score,
    snippet_f1,
)

Extractor = Callable[[KnownPage], str]


def atlas(page: KnownPage) -> str:
    """All that Atlas does with a page; "" if it has no visible text."""
    try:
        return prepare(
            PrepareJob(page.html.encode(), "text/html", "utf-8", page.url)
        ).extracted.text
    except PageError:
        return ""


def trafilatura(page: KnownPage) -> str:
    """The baseline, with the metadata that Atlas gives as well."""
    from trafilatura import bare_extraction

    found = bare_extraction(page.html, url=page.url, include_comments=False, with_metadata=True)
    return str(getattr(found, "text", None) or "")


EXTRACTORS: dict[str, Extractor] = {"atlas": atlas, "trafilatura": trafilatura}


def measured(extract: Extractor, pages: list[KnownPage]) -> tuple[list[PageScore], float]:
    """The score of each page, and milliseconds of CPU time a page."""
    began = time.process_time()
    texts = [extract(page) for page in pages]
    spent = time.process_time() - began
    return [score(*each) for each in zip(pages, texts, strict=True)], 1000 * spent / len(pages)


def main() -> None:
    """Print a table, or why there is nothing to measure."""
    pages = articles() + mixed()
    if not pages:
        print(f"skipped: no pages in {DATA.resolve()}; set ATLAS_BENCH_DATA to the data's folder")
        return
    warm_up()
    results = {}
    for name, extract in EXTRACTORS.items():
        extract(pages[0])  # models and patterns load once
        results[name] = measured(extract, pages)
    kinds = sorted({page.kind for page in pages})
    print("                    " + "".join(f"{name:>14}" for name in results))
    for kind in kinds:
        print(
            f"{kind:20}" + "".join(f"{mean_f1(each, kind):14.4f}" for each, _ in results.values())
        )
    print(f"{'mixed snippets':20}" + "".join(f"{snippet_f1(s):14.4f}" for s, _ in results.values()))
    others = [[each for each in s if each.kind != "article set"] for s, _ in results.values()]
    print(f"{'mixed pages':20}" + "".join(f"{mean_f1(each):14.4f}" for each in others if each))
    print(f"{'CPU, ms a page':20}" + "".join(f"{spent:14.1f}" for _, spent in results.values()))
    print(f"CPU against trafilatura: x{results['atlas'][1] / results['trafilatura'][1]:.2f}")


if __name__ == "__main__":
    main()
