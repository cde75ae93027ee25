"""How often titles and dates are right: others' sites than those that the weights are learnt from.

Titles: exactly right, and right but for spelling (case, quotes, dashes); exactly also of each kind
of page, and with the kinds mixed as in the whole set. Dates: the day of publication right, missing
or wrong, and invented where a page has none. Beside trafilatura, in the same run. `datasets.py`
says where the pages are; run `python -m benchmarks metadata`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from atlas.text.metadata.site_names import key_of
from atlas.text.metadata.weighed_answers import best_of
from benchmarks.page_sets import in_set_mix
from benchmarks.weights import (
    FOLDS,
    MIXED,
    JudgedPage,
    WeightLesson,
    date_lesson,
    judged_pages,
    title_lesson,
    with_bias,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader says of a page."""

    title: str
    date: str | None


def learnt_readings(pages: Sequence[JudgedPage]) -> list[Reading]:
    """What Atlas says of each page, with weights learnt from the sites of the other folds."""
    titles, dates = title_lesson(pages), date_lesson(pages)
    tables = [
        (_without(titles, pages, n), with_bias(_without(dates, pages, n))) for n in range(FOLDS)
    ]
    return [_read(page, *tables[page.fold]) for page in pages]


def _without(lesson: WeightLesson, pages: Sequence[JudgedPage], fold: int) -> dict[str, float]:
    return lesson.table(lesson.learn([at for at, page in enumerate(pages) if page.fold != fold]))


def _read(page: JudgedPage, titles: dict[str, float], dates: dict[str, float]) -> Reading:
    title, date = best_of(page.titles, titles), best_of(page.dates, dates)
    return Reading(title.value if title else "", date and date.value and str(date.value.date()))


def _trafilatura(page: JudgedPage) -> Reading:
    from trafilatura.metadata import extract_metadata

    found = extract_metadata(page.html, default_url=page.url)
    return Reading((found and found.title) or "", (found and found.date) or None)


def report(name: str, pages: Sequence[JudgedPage], read: Sequence[Reading]) -> dict[str, float]:
    """Print and return the shares of right answers."""
    rows = list(zip(pages, read, strict=True))
    exact = [" ".join(r.title.split()) == " ".join(p.title.split()) for p, r in rows]
    spelt = [key_of(r.title) == key_of(p.title) for p, r in rows]
    dated = [(p.date, r.date) for p, r in rows if p.date]
    undated = [r.date for p, r in rows if not p.date]
    found = {
        "title exact": sum(exact) / len(rows),
        "title": sum(spelt) / len(rows),
        "date right": sum(a == b for a, b in dated) / len(dated),
        "date missing": sum(b is None for _, b in dated) / len(dated),
        "date wrong": sum(b is not None and a != b for a, b in dated) / len(dated),
        "date invented": sum(each is not None for each in undated) / len(undated),
    }
    by_kind = {
        kind: fmean(right for page, right in zip(pages, exact, strict=True) if page.kind == kind)
        for kind in sorted({page.kind for page in pages})
    }
    if (mixed := in_set_mix(by_kind)) is not None:
        found["title exact, in the mix of the whole set"] = mixed
    for figures in (found, by_kind):
        print(f"{name:12} " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    return found


def main() -> None:
    """Print two lines for Atlas and two for trafilatura: of all pages, and titles by kind."""
    if not MIXED.is_dir():
        print(f"skipped: no folder {MIXED.resolve()}; set ATLAS_BENCH_DATA to the data's folder")
        return
    pages = list(judged_pages())
    report("atlas", pages, learnt_readings(pages))
    report("trafilatura", pages, [_trafilatura(page) for page in pages])


if __name__ == "__main__":
    main()
