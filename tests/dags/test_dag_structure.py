"""Every DAG parses fast, without frames, and tells its operators what it does."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

DAGS_FOLDER = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(DAGS_FOLDER.glob("*.py"))
RUNBOOK = ("## What it does", "## What a red task means", "## What is safe to repeat", "## Whom to call")
HEAVY = {"polars", "pandera", "pyarrow", "obstore", "paramiko", "boto3", "lxml", "gateway"}
_MEASURE = """
import json, sys, time
import airflow.triggers.base
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronDataIntervalTimetable, CronTriggerTimetable
from airflow.sdk import ExceptionRetryPolicy, Param, RetryRule, task, task_group
from airflow.sdk.exceptions import AirflowFailException
sys.path.insert(0, sys.argv[1])
seconds = {}
for name in sys.argv[2:]:
    started = time.perf_counter()
    __import__(name)
    seconds[name] = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "packages": sorted({m.partition(".")[0] for m in sys.modules})}))
"""


def test_there_are_the_five_dags() -> None:
    names = ["dispatch", "feedback", "intake", "reconciliation", "settlement"]
    assert [path.stem for path in FILES] == [f"bulkrail_{name}" for name in names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_wiring_and_a_runbook(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"__future__", "airflow", "bulkrail_airflow", "datetime", "typing"}


@pytest.mark.airflow
def test_dag_files_parse_in_less_than_a_second_and_without_frames() -> None:
    names = [path.stem for path in FILES]
    command = [sys.executable, "-c", _MEASURE, str(DAGS_FOLDER), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert list(found["seconds"]) == names
    assert max(found["seconds"].values()) < 1
    assert not HEAVY & set(found["packages"])


@pytest.mark.airflow
def test_every_dag_has_an_owner_tags_and_a_runbook(dags) -> None:
    assert sorted(dags) == [path.stem for path in FILES]
    for dag in dags.values():
        assert dag.owner == "payment-operations"
        assert "bulkrail" in dag.tags
        assert dag.dag_display_name != dag.dag_id
        assert not dag.catchup
        missing = [heading for heading in RUNBOOK if heading not in dag.doc_md]
        assert missing == [], f"{dag.dag_id} has a runbook without {missing}"
        for task in dag.tasks:
            assert task.python_callable.__doc__, f"{dag.dag_id}.{task.task_id} does not say what it does"


@pytest.mark.airflow
def test_only_what_is_listed_as_passing_is_repeated(dags) -> None:
    from airflow.sdk import RetryAction

    from canonical.errors import Conflict, FrameBroken, NotTied, OutcomeUnknown, OutsideError, TransientError
    from gateway.delivery.submissions import CutOffMissed

    repeated = [task for dag in dags.values() for task in dag.tasks if task.retries]
    assert repeated
    for task in repeated:
        policy = task.retry_policy
        assert policy.evaluate(TransientError("refused"), 1, 3).action is RetryAction.RETRY
        for fault in (OutsideError, OutcomeUnknown, CutOffMissed, NotTied, Conflict, FrameBroken, ValueError):
            assert policy.evaluate(fault("no"), 1, 3).action is RetryAction.FAIL, f"{task.task_id} repeats {fault}"


@pytest.mark.airflow
def test_every_pool_that_a_task_names_is_in_the_file_of_pools(dags) -> None:
    pools = json.loads((DAGS_FOLDER.parent / "bulkrail_airflow" / "pools.json").read_text(encoding="utf-8"))
    named = {task.pool for dag in dags.values() for task in dag.tasks} - {"default_pool"}
    assert named == set(pools)


@pytest.mark.airflow
def test_runs_are_woken_by_an_event_and_by_the_clock(dags) -> None:
    from airflow.sdk import AssetOrTimeSchedule

    woken = {name: dag.schedule for name, dag in dags.items() if isinstance(dag.schedule, AssetOrTimeSchedule)}
    assert sorted(woken) == [f"bulkrail_{name}" for name in ("dispatch", "feedback", "intake", "reconciliation")]
    awaited = {asset.name for schedule in woken.values() for asset in schedule.asset_condition.objects}
    rung = {asset.name for dag in dags.values() for task in dag.tasks for asset in task.outlets}
    assert awaited == rung | {"bulkrail://inbox", "bulkrail://offers"}
