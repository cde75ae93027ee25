"""Timeouts and retry policies of every activity, in one place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypedDict

from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeout
from temporalio.workflow import ActivityCancellationType

from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING, QUEUE_RENDERING
from atlas.contracts.priorities import EARLY, FIRST, LAST, NORMAL

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""For ever: what is retried here is no page's fault (database, blobs, a lost worker, a bug), and
a run must outlast it."""


class ActivityOptions(TypedDict):
    """Keyword arguments of `workflow.execute_activity`."""

    task_queue: str
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType
    priority: Priority


class WatchOptions(ActivityOptions):
    """For activities that are given up: what they found out later would be worthless."""

    schedule_to_close_timeout: timedelta


class QueuedOptions(ActivityOptions):
    """For activities whose queue may have no worker at all."""

    schedule_to_start_timeout: timedelta


def _options(
    *, start_to_close: timedelta, task_queue: str = QUEUE, priority: Priority = Priority.default
) -> ActivityOptions:
    # Every activity beats, the short ones too: so a killed worker costs ten seconds, and not the
    # whole timeout.
    # WAIT: by default a cancelled run would close while its activity still writes.
    return ActivityOptions(
        task_queue=task_queue,
        start_to_close_timeout=start_to_close,
        heartbeat_timeout=timedelta(seconds=10),
        retry_policy=RETRY,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=priority,  # by default the workflow's own
    )


SHORT = _options(start_to_close=timedelta(seconds=60))
"""A transaction or two."""
LISTING = _options(start_to_close=timedelta(hours=2))
"""A sitemap of a thousand files from a slow host."""
FETCHING = _options(start_to_close=timedelta(minutes=10))
"""One minute of work, and the requests then under way."""
PROCESSING = _options(start_to_close=timedelta(hours=2), task_queue=QUEUE_PROCESSING)
"""A batch of documents that each take their whole time limit."""


def _rendering(start_to_close: timedelta, priority: Priority = Priority.default) -> QueuedOptions:
    options = _options(start_to_close=start_to_close, task_queue=QUEUE_RENDERING, priority=priority)
    # Then it is looked whether there is a worker with a browser: one that is only busy is waited
    # for again, and one that is being restarted is back within this time.
    return QueuedOptions(**options, schedule_to_start_timeout=timedelta(minutes=2))


RENDERING = _rendering(timedelta(minutes=20))
"""Five minutes of work, and the pages then under way."""
RENDERING_ONE = _rendering(timedelta(minutes=30), Priority(priority_key=FIRST))
"""Ten minutes for the host's turn; the rest for browsers that others use, and for the page."""
FETCHING_ONE = _options(start_to_close=timedelta(minutes=30), priority=Priority(priority_key=FIRST))
"""Ten minutes each for the host's turn, for robots.txt and for the request itself."""
SETTLING = _options(start_to_close=timedelta(minutes=30))
"""A batch in one transaction, which may wait for the locks of other batches."""
CLOSING = _options(start_to_close=timedelta(minutes=30))
"""Every page of a source is compared with the listing, and the run's texts are judged together."""
REPORTING = _options(start_to_close=timedelta(hours=2))
"""A few days counted, each through every live page; a report from what was counted."""
BULK = _options(
    start_to_close=timedelta(hours=2), task_queue=QUEUE_BULK, priority=Priority(priority_key=LAST)
)
"""A part of a rebuild, a backfill or a clean-up: everything else goes first, even if a person
started it."""


def never_began(error: ActivityError) -> bool:
    """Whether an activity of `QueuedOptions` failed because no worker took it up."""
    cause = error.cause
    return isinstance(cause, TemporalTimeout) and cause.type == TimeoutType.SCHEDULE_TO_START


def of_source(options: ActivityOptions, source: str, *, scheduled: bool) -> ActivityOptions:
    """What a person waits for goes before what a schedule began; sources of one priority take
    turns, where the server knows fairness."""
    return {**options, "priority": _priority(source, scheduled=scheduled)}


def queued_of_source(options: QueuedOptions, source: str, *, scheduled: bool) -> QueuedOptions:
    """The same."""
    return {**options, "priority": _priority(source, scheduled=scheduled)}


def _priority(source: str, *, scheduled: bool) -> Priority:
    key = NORMAL if scheduled else EARLY
    return Priority(priority_key=key, fairness_key=source)


def _watching(*, start_to_close: timedelta, schedule_to_close: timedelta) -> WatchOptions:
    # First in the queue: a watch that waits behind what it watches is blind.
    options = _options(start_to_close=start_to_close, priority=Priority(priority_key=FIRST))
    options["retry_policy"] = replace(RETRY, maximum_attempts=3)
    return WatchOptions(**options, schedule_to_close_timeout=schedule_to_close)


# Together well within the four minutes of a run of `health_check`.
CHECKING = _watching(start_to_close=timedelta(seconds=40), schedule_to_close=timedelta(seconds=80))
ALERTING = _watching(start_to_close=timedelta(seconds=60), schedule_to_close=timedelta(seconds=90))
"""Each check limits itself to 20 seconds, the webhook to 35."""
