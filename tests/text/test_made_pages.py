"""Pages made in 17 languages: text, title, date and language are found in each of them."""

from __future__ import annotations

from statistics import fmean

import pytest

from atlas.domain.prepared import PrepareJob
from atlas.text.prepare import prepare
from benchmarks.generated_pages import languages, pages
from benchmarks.page_sets import score

MADE = list(pages(each=1, seed=2))
_LEAST = {"zh": 0.9, "ja": 0.9, "th": 0.93}  # a line is one word there, or few


@pytest.mark.parametrize("language", languages())
def test_what_a_page_says_is_found_in_every_language(language: str) -> None:
    found = []
    for made in (each for each in MADE if each.language == language):
        job = PrepareJob(made.page.html.encode(), "text/html", "utf-8", made.page.url)
        extracted = prepare(job).extracted
        said = score(made.page, extracted.text)
        assert said.missing == 0 and said.unwanted == 0, made.page.kind
        assert (extracted.title, extracted.lang) == (made.title, language)
        assert (extracted.published and str(extracted.published.date())) == made.date
        found.append(said.f1)
    assert fmean(found) >= _LEAST.get(language, 0.97)
