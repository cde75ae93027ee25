"""Where the benchmarks find pages and collections whose right answers are known.

They are not part of the repository. ATLAS_BENCH_DATA names the folder (default: `data` in this
folder, which git ignores); a benchmark that misses its part says so and is skipped. It holds:

- `extraction/`, `mixed/`: real pages (`html/ID.html.gz`) with `ground-truth.json`, ID to the fields
  of the page: `articleBody` and `url`, as in Scrapinghub's article-extraction-benchmark, or
  `main_content`, `url` and more, as in the WCXB set.
- `retrieval/NAME/`: `docs.jsonl` and `queries.jsonl` (`id`, `text`), and `qrels.tsv` (query,
  document, relevance): Cranfield, and paragraphs and questions of XQuAD as `xq_zh`, `xq_ru` and
  `xq_th`.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("ATLAS_BENCH_DATA", Path(__file__).with_name("data")))
