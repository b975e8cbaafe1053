"""The day's books tied out, and the reports for finance.

## What it does

Prepares the close of a day, in the name of `gateway`: ties the books out, provider by provider, posts, and writes the
reconciliation and settlement reports. They are preliminary until a person reviews them: `bulkrail close review DAY`. It runs
daily at 04:00 UTC for the day before. *Trigger* with a `day` prepares that day, also once more: where inputs changed, as a
further revision. A day that was reviewed is not changed. Then each client's report of the day is made, and what is committed is
published for other tools. The day's digest is written beside that, whether the day ties or not.

## What a red task means

| what says so | meaning | what to do |
|---|---|---|
| `settle`: `NotTied` | the day does not add up, or book and bank do not meet; the log names each row at fault | finance finds the cause; settle the day again by hand |
| `settle`: `Conflict` | the day is closed and something came late, or an earlier day is open | the message says which command is needed |
| `digest` or `report` alone is red | the close stands | clear the task when its cause in the log is gone |
| `TransientError`, `OutsideError` | registry or object store | passing faults mend themselves; then clear the task |

A day that does not tie is not repeated by itself: a repeat would read the same numbers.

## What is safe to repeat

Everything: the same inputs give the same reports. Days that Airflow slept through are not made up by themselves:
`airflow backfill create --dag-id bulkrail_settlement --from-date DAY --to-date DAY`, or `bulkrail settle DAY`.

## Once a month

`bulkrail sweep` on each machine that runs tasks lists what killed ones left: objects that nothing names, temporary files. Look at it,
then `bulkrail sweep --delete`. It is safe beside running tasks: what is younger than a day is never looked at.

## Whom to call

Finance, with the rows of the log.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task
from airflow.sdk.exceptions import AirflowFailException

from bulkrail_airflow import work
from bulkrail_airflow.wiring import DAG_OPTIONS, FILES_POOL

with DAG(
    dag_id="bulkrail_settlement",
    dag_display_name="bulkrail 5: settlement",
    doc_md=__doc__,
    tags=["bulkrail", "finance"],
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
    max_active_runs=1,
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description="The day to prepare; empty: the day before",
        )
    },
    **DAG_OPTIONS,
):

    @task(task_display_name="day to close")
    def day_to_close(params: dict[str, Any], data_interval_start: dt.datetime | None = None) -> str:
        """The day of the form, or the day before this run."""
        if params["day"]:
            return str(params["day"])
        if data_interval_start is None:
            raise AirflowFailException("this run has no date of its own: trigger it with a day")
        return f"{data_interval_start:%Y-%m-%d}"

    @task(task_display_name="settle the day", pool=FILES_POOL)
    def settle(day: str) -> list[str]:
        """Tie the day out and write its reports."""
        return work.settle(day)

    @task(task_display_name="digest of the day", pool=FILES_POOL)
    def digest(day: str) -> list[str]:
        """Write the day on one page, whether it ties or not."""
        return work.digest(day)

    @task(task_display_name="client reports, published data", pool=FILES_POOL)
    def report(day: str) -> list[str]:
        """Tell the clients what became of their files, and publish what is committed."""
        return work.report(day)

    closing = day_to_close()
    settle(closing) >> report(closing)
    digest(closing)
