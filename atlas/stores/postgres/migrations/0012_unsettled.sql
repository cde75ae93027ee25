-- How far the index lags is asked every few seconds by each worker that shows metrics: without
-- this, all that is remembered of all runs would be read for it.
create index run_pages_unsettled on run_pages (run_id) where stage in ('fetched', 'processed');
