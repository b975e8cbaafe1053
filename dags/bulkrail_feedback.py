"""What the providers answer, applied and told to the clients.

## What it does

Fetches what the providers offer (status files, returns, statements), applies it, and tells each client what became of the
payments. It runs when a provider offers something new, and every five minutes.

## What a red task means

| task | meaning | what to do |
|---|---|---|
| `follow` | this provider cannot be reached, or refuses; the others were followed | passing faults mend themselves; else mend the login or host key |
| `report_faults` | its log names providers not followed, and feedback files that nobody can read | ask the provider for the file again; a corrected file is another file |
| `answer` | this client was not told | clear the task |
| `watch` | nobody looks for what has not come | clear the task; `bulkrail alerts` shows what stands |

## What is safe to repeat

Everything. A feedback file is known by its bytes, a statement by its account and id: nothing is applied twice.
`bulkrail follow PROVIDER` does the same by hand.

## Whom to call

The provider's help desk for its files; payment operations for the rest.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from bulkrail_airflow import work
from bulkrail_airflow.wiring import DAG_OPTIONS, DELIVERY_POOL, FEEDBACK, FILE_LABEL, FILES_POOL, OFFERS, woken_by

with DAG(
    dag_id="bulkrail_feedback",
    dag_display_name="bulkrail 3: feedback",
    doc_md=__doc__,
    tags=["bulkrail", "providers", "clients"],
    schedule=woken_by(OFFERS, "*/5 * * * *"),
    max_active_runs=1,
    **DAG_OPTIONS,
):

    @task
    def providers() -> list[str]:
        """Everybody we have an account with."""
        return work.providers()

    @task(map_index_template="{{ task.op_kwargs['provider_id'] }}", pool=DELIVERY_POOL)
    def follow(provider_id: str) -> dict[str, Any]:
        """Fetch and apply what this provider offers."""
        return work.follow(provider_id)

    @task(task_display_name="files with news", trigger_rule="all_done")
    def files_with_news() -> list[dict[str, Any]]:
        """Files of whose payments more is known than their clients were told."""
        return work.files_with_news()

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL, task_display_name="answer client")
    def answer(file: dict[str, Any]) -> str:
        """Tell the client what became of the payments since."""
        return work.stage("outcome", file["file_id"])

    @task(task_display_name="announce feedback", trigger_rule="all_done", outlets=[FEEDBACK])
    def announce(followed: Any) -> int:
        """Wake the reconciliation; skipped where nothing new came."""
        applied: int = sum(record["applied"] for record in followed[:])
        if not applied:
            raise AirflowSkipException("nothing new came")
        return applied

    @task(task_display_name="report what was not followed", trigger_rule="all_done")
    def report_faults(asked: list[str], followed: Any) -> None:
        """Fail where a provider was not followed or a file cannot be read, and name it."""
        if faults := work.feedback_faults(asked, followed[:]):
            raise AirflowFailException("not followed:\n" + "\n".join(faults))

    @task(task_display_name="look for what has not come", trigger_rule="all_done")
    def watch() -> int:
        """Raise alerts for answers and statements that are overdue, and end those that came."""
        return work.watch()

    asked = providers()
    followed = follow.expand(provider_id=asked)
    untold = files_with_news()
    followed >> [untold, watch()]
    answer.expand(file=untold)
    announce(followed)
    report_faults(asked, followed)
