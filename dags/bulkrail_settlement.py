"""The day's books tied out, and the reports for finance.

## What it does

Closes a day: ties the books out, provider by provider, and writes the reconciliation and settlement reports. It runs daily
at 04:00 UTC for the day before. *Trigger* with a `day` closes that day, also once more: a close whose inputs changed is a
further revision, and the earlier one stays.

## What a red task means

| `settle` says | meaning | what to do |
|---|---|---|
| `NotTied` | the day does not add up; the log names each row at fault | finance finds the cause; close the day again by hand |
| `TransientError`, `OutsideError` | registry or object store | passing faults mend themselves; then clear the task |

A day that does not tie is not repeated by itself: a repeat would read the same numbers.

## What is safe to repeat

Everything: the same inputs give the same reports. Days that Airflow slept through are not made up by themselves:
`airflow backfill create --dag-id bulkrail_settlement --from-date DAY --to-date DAY`, or `bulkrail settle DAY`.

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
            description="The day to close; empty: the day before",
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

    settle(day_to_close())
