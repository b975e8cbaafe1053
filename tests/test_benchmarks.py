"""The benchmarks run and their results hold: a thousandth of the inputs, no time looked at."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from world import REPOSITORY


@pytest.mark.parametrize(
    "case",
    [
        "pain.001",
        "pain.008",
        "nacha",
        "csv",
        "xlsx",  # and xlsx-200k
        "camt.053",
        "duplicates",
        "load",
        "match-quality",
        "reconcile",
        "pdf",
    ],
)
def test_a_case_runs_and_finds_what_was_written(case: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--share", "0.001", "--only", case],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "BULKRAIL_SCHEMAS_DIR": str(REPOSITORY.parent / "shared" / "xsd")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = ["xlsx 1,000 rows", "xlsx-200k:"] if case == "xlsx" else [case.split(".", maxsplit=1)[0]]
    assert all(name in done.stdout.lower() for name in told), done.stdout
