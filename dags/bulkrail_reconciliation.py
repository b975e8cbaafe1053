"""Outstanding payments matched with statement entries.

## What it does

Matches the payments that are outstanding at each provider with the entries of its statements, and tells the clients what
was booked or came back. It runs when feedback was applied, and once a day, so that what no statement explains becomes a
break in time.

## What a red task means

| task | meaning | what to do |
|---|---|---|
| `reconcile` | this provider was not reconciled; the others were | read the log; passing faults mend themselves |
| `report_faults` | its log names the providers that were not reconciled | as above |
| `answer` | this client was not told | clear the task |
| `breaks` | breaks are not up to date: the last look stands | clear the task |

A payment or an entry without its counterpart is no red task: it is a break (`bulkrail breaks list`), in the report of the day, with
its age. Breaks whose cause is gone close by themselves.

## What is safe to repeat

Everything: a match is claimed once, and a repeat finds nothing left to claim. `bulkrail reconcile PROVIDER` does the same
by hand.

## Whom to call

Finance for breaks; payment operations for providers; the developers for `FrameBroken`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

from bulkrail_airflow import work
from bulkrail_airflow.wiring import DAG_OPTIONS, FEEDBACK, FILE_LABEL, FILES_POOL, woken_by

with DAG(
    dag_id="bulkrail_reconciliation",
    dag_display_name="bulkrail 4: reconciliation",
    doc_md=__doc__,
    tags=["bulkrail", "finance", "clients"],
    schedule=woken_by(FEEDBACK, "30 3 * * *"),
    max_active_runs=1,
    **DAG_OPTIONS,
):

    @task
    def providers() -> list[str]:
        """Everybody we have an account with."""
        return work.providers()

    @task(map_index_template="{{ task.op_kwargs['provider_id'] }}", pool=FILES_POOL)
    def reconcile(provider_id: str) -> str:
        """Match what is outstanding at this provider."""
        return work.reconcile(provider_id)

    @task(task_display_name="files with news", trigger_rule="all_done")
    def files_with_news() -> list[dict[str, Any]]:
        """Files of whose payments more is known than their clients were told."""
        return work.files_with_news()

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL, task_display_name="answer client")
    def answer(file: dict[str, Any]) -> str:
        """Tell the client what became of the payments since."""
        return work.stage("outcome", file["file_id"])

    @task(task_display_name="report what was not reconciled", trigger_rule="all_done")
    def report_faults(asked: list[str], reconciled: Any) -> None:
        """Fail where a provider was not reconciled, and name it."""
        if missing := sorted(set(asked) - set(reconciled[:])):
            raise AirflowFailException(f"not reconciled: {', '.join(missing)}; see their tasks")

    @task(trigger_rule="all_done")
    def breaks() -> str:
        """Find what does not explain itself, and close what does now."""
        return work.breaks()

    asked = providers()
    reconciled = reconcile.expand(provider_id=asked)
    untold = files_with_news()
    reconciled >> untold
    reconciled >> breaks()
    answer.expand(file=untold)
    report_faults(asked, reconciled)
