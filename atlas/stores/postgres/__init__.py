"""The corpus in PostgreSQL: one folder per aggregate, SQL beside its row mapping.

A folder may import those below it in this table, and none above (`pyproject.toml`, checked by
`make check`); those on one line do not import each other.

===============  =================================================================================
services         what activities hold, each bound to a pool and a clock: runs, listing, batches,
                 fetches, settlement, clean-up, rebuilds, deduplication; and `catalogue`, what
                 people read and change outside a run
cleanup          deletion of data past its retention, class by class; the audit of blobs
reporting        frozen days and reports, the figures of status, top, health and metrics, probes
settlement       the one transaction that makes a text part of the corpus; changes that are held,
                 pages that leave
index            generations of the search index, the gates of a rebuild, what a search shows
near_duplicates  LSH buckets, similar pairs, clusters, marks of duplicates, consistency checks
crawl            runs and their pages, claims and fences, the ledger of fetches, documents,
                 quarantine, rechecks, blobs and artifacts
changes          what happened to the corpus, numbered in the order of commits: log and readers
hosts            rate limiter, circuit breaker, limits set by hand, robots.txt
sources          rules and lease of each source; which a request selects, and in which order
===============  =================================================================================

Under all of them: `migrate`, `ping`, `silent_sessions` and `clock`; and below those `connection`
(the pool, what a lost connection raises), `lifecycle_sql` (the table of lifecycles as SQL) and
`advisory_locks`. `migrations/` holds the schema.

Writers lock in one order, or they could deadlock: page rows by id, then the advisory lock SETTLE
(`settlement/settle.py` says why), and last of all the row that numbers changes
(`changes/change_log.py`).
"""
