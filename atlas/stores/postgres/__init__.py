"""The corpus in PostgreSQL: one file per aggregate, its SQL beside its row mapping.

Where to look:

=============  ===================================================================================
sources        sources (rules and lease), plans (order of a run of several)
pages          pages, listings, enlisting, skipping, lifecycles, vanishing, reconcile, rechecks
runs           runs, frame (begin and end of one source's), jobs (of those without one), queue,
               claims
fetching       fetches (ledger rows), ledger (its partitions), hosts, breakers, robots,
               limits (set by hand)
documents      documents, settle, quarantines; batches, selection, adopting (processed again)
index          index, search, scoring; generations, generation_list, copying, gates, rebuilds
duplicates     clusters, buckets, similar; drift, evidence (checked); duplicates, deduplication
clean-up       upkeep, retention, candidates, expiring, outlived, store_scan, blob_rows
for people     catalogue (reads outside runs), glance (status and top), host_status, artifacts,
               stats and freezing (reports)
health         watching, probes
underneath     pool, migrate, migrations/
=============  ===================================================================================

What activities see: `corpus` (with `frame` and `listings`), `batches`, `rebuilds`, `deduplication`,
`upkeep`, `stats`. Lock order everywhere: page rows by id, then SETTLE, then GENERATIONS.
"""
