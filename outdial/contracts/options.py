"""Every timeout and retry policy, named, with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

from outdial.domain.definition.callbacks import CallbackRetry


class Options(TypedDict, total=False):
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


class LocalOptions(TypedDict, total=False):
    start_to_close_timeout: timedelta
    local_retry_threshold: timedelta
    retry_policy: RetryPolicy


DATABASE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=20),
)
"""Without end: while the database is down nothing may be decided, and nothing is lost."""

SHORT_WRITE = LocalOptions(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=DATABASE_RETRY,
    # Longer waits become timers, so that a dead database does not hold a workflow task open.
    local_retry_threshold=timedelta(seconds=5),
)
"""A short database transaction, run where the workflow runs: one history event."""

ENROLL = Options(
    # A million rows that an earlier version staged, at a few thousand a second, with room.
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=timedelta(seconds=60),
    retry_policy=DATABASE_RETRY,
)

ENROLL_ADDED = Options(
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=timedelta(seconds=60),
    # Bounded: a run that waits for it without end could never continue as new.
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=20),
        maximum_attempts=6,
    ),
)
"""Rows that were added while a campaign runs; the campaign tries again later."""

LAUNCH = Options(
    # A million rows take a minute; a launch of the same name is waited for.
    start_to_close_timeout=timedelta(minutes=30),
    # A worker that dies is noticed long before that.
    heartbeat_timeout=timedelta(seconds=60),
    retry_policy=DATABASE_RETRY,
)

PLACE = Options(
    # The fence, waiting for the line's rate (bounded in the activity), one request, one write.
    start_to_close_timeout=timedelta(seconds=60),
    # A worker that dies is noticed soon: its slot is idle until the placement is reconciled.
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=DATABASE_RETRY,
)
"""Repeating it is safe: a placement that got past the fence is reconciled, never repeated."""

ASK_PROVIDER = Options(
    start_to_close_timeout=timedelta(seconds=30),
    # Few: the watchdog looks up again anyway when the line has reported nothing for a while.
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_attempts=4
    ),
)

READ = Options(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=DATABASE_RETRY,
)

SWEEP = Options(
    # One sweep is bounded in rows; the next one continues.
    start_to_close_timeout=timedelta(minutes=2),
    retry_policy=RetryPolicy(maximum_attempts=1),
)
"""Not retried: the schedule comes round again in seconds."""

DELIVER = Options(
    # One drain works for a minute, and a request may take a quarter of one more.
    start_to_close_timeout=timedelta(minutes=3),
    # A worker that dies is noticed soon: what it was sending waits for the next one.
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=DATABASE_RETRY,
)
"""A repetition sends only what was not recorded as sent; receivers recognize repeated events by
their id."""


def callback(retry: CallbackRetry) -> Options:
    """Options for the activity of one callback, from its `retry`."""
    return Options(
        # The far side gets its whole time; the rest is for our own reads and writes.
        start_to_close_timeout=retry.timeout + timedelta(seconds=30),
        # A worker that dies is noticed soon, however long the far side may take.
        heartbeat_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(
            initial_interval=retry.delay,
            backoff_coefficient=2.0,
            maximum_interval=max(retry.longest, retry.delay),
            maximum_attempts=retry.max_attempts,
        ),
    )
