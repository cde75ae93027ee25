"""The README's table of quality is what was measured last, and a figure that drops is noticed."""

from __future__ import annotations

import json

from benchmarks import quality
from benchmarks.quality_rows import QualityRow


def test_the_table_is_that_of_the_kept_figures() -> None:
    kept = json.loads(quality.KEPT.read_text())
    shown = quality.table_in(quality.README.read_text("utf-8"))
    assert shown in [quality.table(figures) for figures in kept.values()]
    assert shown.count("\n") > 10


def test_a_figure_may_rise_and_not_drop() -> None:
    found, invented = QualityRow("found", 0.9), QualityRow("invented", 0.1, more_is_better=False)
    assert quality.is_held(found, 0.905) and quality.is_held(found, 0.5)
    assert not quality.is_held(found, 0.915)
    assert quality.is_held(invented, 0.095) and not quality.is_held(invented, 0.085)
    assert quality.is_held(QualityRow("time", 9.0, held=False), 99.0)
    assert quality.is_held(found, None)
