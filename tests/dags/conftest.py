"""A real Airflow of our own: its home, database and DAG folder stand in the environment before anything imports it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS_FOLDER = REPOSITORY / "dags"
_HOME = Path(tempfile.mkdtemp(prefix="bulkrail-airflow-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

# Only names: Airflow itself takes seconds to import, and is imported by the fixtures of those tests that need it.
os.environ.update(
    {
        "AIRFLOW_HOME": str(_HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [
                {
                    "name": "bulkrail",
                    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                    "kwargs": {"path": str(DAGS_FOLDER)},
                }
            ]
        ),
    }
)


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, with the pools of this project."""
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    for name, pool in json.loads((REPOSITORY / "bulkrail_airflow" / "pools.json").read_text()).items():
        Pool.create_or_update_pool(name, **pool)


@pytest.fixture(scope="session")
def dags(airflow_database: None) -> dict[str, Any]:
    """DAG id → DAG, as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=DAGS_FOLDER)
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Iterator[Any]:
    """S3, the SFTP front, two banks, and the environment that leads to them."""
    from town import open_town

    with open_town(tmp_path, monkeypatch) as found:
        yield found
