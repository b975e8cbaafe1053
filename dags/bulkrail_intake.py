"""Files from the clients' inboxes to their plans.

## What it does

Takes in what lies in the clients' inboxes, and takes each file to its plan: **parse**, **validate**, **approve**,
**route**, **answer**. It runs when a file arrives, and every five minutes in case an arrival was missed. Files that an
earlier run left behind, and held files that a person released, are taken up again.

A file above its client's automatic limit is **held**: *route* is skipped, the client is told, and a person decides with
`bulkrail approve FILE_ID` (or `--refuse`).

## What a red task means

| task | meaning | what to do |
|---|---|---|
| `receive` | object store or registry cannot be reached | nothing: the next run tries again |
| `report_faults` | an object could not be taken in; its log names client, file and fault | unknown client: add `clients/ID.yaml`, or remove the object |
| `file.*` | this file stopped here; all others went on | read the log, mend the cause, clear the task |
| `answer_repeated` | a client who sent a known file again was not told | clear the task |

What is wrong *in* a file makes no task red: it is a finding, and the client reads it in the answer.
`FrameBroken` is a fault of bulkrail itself: the file stays where it is, no money moves; call the developers.

## What is safe to repeat

Everything, at any time, also at once: clear any task, trigger the DAG, or use `bulkrail run STAGE FILE_ID` and
`bulkrail replay FILE_ID`. What was committed stands. Tasks repeat by themselves only after faults that are listed as passing.

## Whom to call

Payment operations; the data team for Airflow itself. `bulkrail status FILE_ID` tells where a file stands.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from bulkrail_airflow import work
from bulkrail_airflow.wiring import DAG_OPTIONS, FILE_LABEL, FILES_POOL, INBOX, SUBMISSIONS, woken_by

with DAG(
    dag_id="bulkrail_intake",
    dag_display_name="bulkrail 1: intake",
    doc_md=__doc__,
    tags=["bulkrail", "clients"],
    schedule=woken_by(INBOX, "*/5 * * * *"),
    max_active_runs=4,  # a large file must not keep the next one waiting
    **DAG_OPTIONS,
):

    @task(task_display_name="receive inboxes", max_active_tis_per_dag=1)
    def receive() -> list[dict[str, Any]]:
        """Archive and register what lies in the inboxes; the inboxes are cleared."""
        return work.receive()

    @task(task_display_name="files to take up")
    def files_to_take_up(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Files of this run, and what an earlier run left behind or a person released."""
        return work.files_to_take_up(records)

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL)
    def parse(file: dict[str, Any]) -> str:
        """The client's bytes become payments."""
        return work.stage("parse", file["file_id"])

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL)
    def validate(file: dict[str, Any]) -> str:
        """Every payment gets a verdict, every fault a finding."""
        return work.stage("validate", file["file_id"])

    @task(map_index_template=FILE_LABEL)
    def approve(file: dict[str, Any]) -> str:
        """Within the client's limit, or held for a person."""
        return work.approve(file["file_id"])

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL, outlets=[SUBMISSIONS])
    def route(file: dict[str, Any], decision: str) -> str:
        """Plan the accepted payments onto providers; skipped where the file goes no further."""
        if decision != "approved":
            raise AirflowSkipException(f"nothing to route: the file is {decision}")
        return work.stage("route", file["file_id"])

    @task(map_index_template=FILE_LABEL, pool=FILES_POOL, task_display_name="answer client", trigger_rule="none_failed")
    def answer(file: dict[str, Any]) -> list[str]:
        """Tell the client what was decided, also for further arrivals of the same bytes."""
        return work.answer_file(file["file_id"])

    @task_group(group_id="file", prefix_group_id=True)
    def journey(file: dict[str, Any]) -> None:
        """The journey of one file; what stops it stops no other."""
        decision = approve(file=file)
        parse(file=file) >> validate(file=file) >> decision
        route(file=file, decision=decision) >> answer(file=file)

    @task(task_display_name="answer files sent again")
    def answer_repeated() -> list[str]:
        """Tell clients who sent a known file again that the original stands."""
        return work.answer_repeated()

    @task(task_display_name="report what was not taken in")
    def report_faults(records: list[dict[str, Any]]) -> None:
        """Fail where an object could not be taken in, and name it."""
        if faults := work.arrival_faults(records):
            raise AirflowFailException("not taken in:\n" + "\n".join(faults))

    received = receive()
    journey.expand(file=files_to_take_up(received))
    received >> answer_repeated()
    report_faults(received)
