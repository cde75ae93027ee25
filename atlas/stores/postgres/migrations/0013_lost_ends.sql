-- Up to 0.3.0 a mark of processing lost its end when the blob store or the database went away, and
-- after three of them a healthy document was taken for one that kills its workers. Which those are
-- cannot be told any more: all are let go. One that really is deadly is found out again.
with released as (
    delete from quarantine where code = 'extractor_killed_worker' returning page_id
)
update page_state ps
set lifecycle = case ps.lifecycle when 'quarantined' then 'discovered' else ps.lifecycle end,
    -- Without a failure, and with a body that is not settled, the next run takes the page on.
    failures = case ps.failed_code when 'extractor_killed_worker' then 0 else ps.failures end,
    failed_class = case when ps.failed_code is distinct from 'extractor_killed_worker'
                        then ps.failed_class end,
    failed_code = nullif(ps.failed_code, 'extractor_killed_worker')
from released where ps.page_id = released.page_id;

-- Runs under way begin to count anew.
update run_pages set marks = 0 where marks > 0 and stage <> 'done';
