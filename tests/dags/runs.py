"""Run a DAG as Airflow does, and say what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

# Payments of the sandbox's day that pass validation: all that may reach a bank, each once.
ACCEPTED = {"alder": 10, "birch": 7, "cedar": 6}


@dataclass(frozen=True)
class Run:
    """A finished DAG run. `tasks`: task id → its states by map index; `labels`: what mapped tasks were called."""

    state: str
    tasks: dict[str, list[str]]
    labels: dict[str, list[str]]
    tries: dict[str, list[int]]
    run_id: str


def run(dag: Any, conf: dict[str, Any] | None = None) -> Run:
    done = dag.test(run_conf=conf)
    found = sorted(done.get_task_instances(), key=lambda item: (item.task_id, item.map_index))
    tasks: dict[str, list[str]] = {}
    labels: dict[str, list[str]] = {}
    tries: dict[str, list[int]] = {}
    for item in found:
        tasks.setdefault(item.task_id, []).append(str(item.state))
        labels.setdefault(item.task_id, []).append(item.rendered_map_index)
        tries.setdefault(item.task_id, []).append(item.try_number)
    return Run(str(done.state), tasks, labels, tries, done.run_id)


def without_waiting(dag: Any, task_id: str) -> None:
    """Let a mapped task's retries follow at once."""
    dag.get_task(task_id).partial_kwargs["retry_delay"] = dt.timedelta(0)
    dag.get_task(task_id).partial_kwargs["retry_exponential_backoff"] = 0


def rung(asset: str) -> int:
    """How often an asset was told."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        query = select(func.count()).select_from(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return int(session.scalar(query.where(AssetModel.name == asset)))


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
