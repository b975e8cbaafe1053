"""Planned submissions to the providers, exactly once.

## What it does

Delivers every planned submission to its provider, the earliest cut-off first, and answers that were left on the way to
their clients. It runs when a file was planned, and every five minutes. One run at a time: a second one would take uploads
out of the first one's hands.

## What a red task means

| task `deliver` says | meaning | what to do |
|---|---|---|
| `TransientError` | the provider did not answer, several times; nothing was released | nothing: the next run tries again |
| `OutcomeUnknown`, "the next delivery looks" | the line broke during the release | nothing: the next run looks what happened |
| `OutcomeUnknown`, "ask the provider" | released, and nobody can say whether it arrived | **ask the provider.** Its status file or statement resolves it; later runs ask again where they can; `bulkrail resolve` says what it said |
| `OutsideError` | login, host key, permission, disk: nothing was released | mend it with the provider; the next run delivers |
| `FrameBroken` | the file differs from its plan: nothing was sent | call the developers |

A submission whose cut-off passed before its release is voided and planned again for the next window: a warning in the
log, not a fault.

## What is safe to repeat

Clear any task or trigger the DAG: the registry decides whether a submission may still be uploaded or released, also when
two workers try at once. What was delivered, or may have been, is never sent again.

## Whom to call

The provider's help desk with the submission id, which is the message id of the file; then payment operations.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from bulkrail_airflow import work
from bulkrail_airflow.wiring import DAG_OPTIONS, DELIVERY_POOL, SUBMISSIONS, woken_by

with DAG(
    dag_id="bulkrail_dispatch",
    dag_display_name="bulkrail 2: dispatch",
    doc_md=__doc__,
    tags=["bulkrail", "providers"],
    schedule=woken_by(SUBMISSIONS, "*/5 * * * *"),
    max_active_runs=1,
    **DAG_OPTIONS,
):

    @task(task_display_name="submissions due")
    def due() -> list[dict[str, Any]]:
        """What is to be delivered, the earliest cut-off first."""
        return work.due()

    @task(map_index_template="{{ task.op_kwargs['submission']['label'] }}", pool=DELIVERY_POOL)
    def deliver(submission: dict[str, Any]) -> str:
        """Upload, release, and write down which of both is a fact."""
        return work.deliver(submission["submission_id"])

    deliver.expand(submission=due())
