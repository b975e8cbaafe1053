"""What the DAGs share: who owns them, what is repeated, the pools, and the assets by which one wakes the next.

Tasks of a pool that does not exist are never started: `airflow pools import bulkrail_airflow/pools.json` makes them, once.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
)

from bulkrail_airflow.triggers import FeedbackTrigger, InboxTrigger

INBOX: Final = Asset("bulkrail://inbox", watchers=[AssetWatcher(name="inbox", trigger=InboxTrigger())])
"""Something new lies in a client's inbox."""
OFFERS: Final = Asset("bulkrail://offers", watchers=[AssetWatcher(name="offers", trigger=FeedbackTrigger())])
"""A provider offers something new."""
SUBMISSIONS: Final = Asset("bulkrail://submissions")
"""A file was planned: there are submissions to deliver."""
FEEDBACK: Final = Asset("bulkrail://feedback")
"""Feedback was applied: there may be entries to match."""

FILES_POOL: Final = "bulkrail_files"
"""Tasks that read whole files. As many at once as the workers have memory for."""
DELIVERY_POOL: Final = "bulkrail_delivery"
"""Tasks that hold a connection to a provider."""

FILE_LABEL: Final = "{{ task.op_kwargs['file']['label'] }}"
"""What a mapped task shows of its file: client and name."""

RETRY_TRANSIENT: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="canonical.errors.TransientError",
            action=RetryAction.RETRY,
            reason="a listed fault of the outside that is safe to repeat",
        )
    ],
    default=RetryAction.FAIL,
)
"""Only what the gateway lists as safe to repeat is repeated, besides tasks whose worker died: every stage may be."""

DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "payment-operations",
    "retries": 3,
    "retry_delay": dt.timedelta(seconds=20),
    "retry_exponential_backoff": 2,
    "max_retry_delay": dt.timedelta(minutes=3),
    "retry_policy": RETRY_TRANSIENT,
    "execution_timeout": dt.timedelta(hours=1),
}

DAG_OPTIONS: Final[dict[str, Any]] = {
    "start_date": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "catchup": False,
    "default_args": DEFAULT_ARGS,
}


def woken_by(asset: Asset, cron: str) -> AssetOrTimeSchedule:
    """Runs when the asset rings, and by the clock (UTC) in case it did not."""
    return AssetOrTimeSchedule(assets=[asset], timetable=CronTriggerTimetable(cron, timezone="UTC"))
