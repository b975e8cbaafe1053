"""Processes to be killed: forked from one server that has imported all they need, and has done nothing yet.

A fork of a process that has run Polars may hang, and a worker that imports for itself costs seconds. A test process has one
such server, whichever test asks first: it is started here and nowhere else, with the same imports and environment for all.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import random
import sys
from functools import cache
from typing import Any, TypeVar

import pytest
from world import AWS

_IMPORTS = ("crash_play", "delivery_world", "crash_frozen")
Point = TypeVar("Point")


@cache
def workers() -> Any:
    """The context that makes them: `workers().Process(...)`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTS))
    with pytest.MonkeyPatch.context() as patch:
        # The server imports before it is told this process's sys.path.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        patch.setenv("POLARS_MAX_THREADS", "1")
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        for name, value in AWS.items():
            patch.setenv(name, value)
        multiprocessing.forkserver.ensure_running()
    return context


def all_points() -> bool:
    """By hand (`make crash-test`) every point is struck, in an ordinary run a sample."""
    return os.environ.get("BULKRAIL_CRASH_POINTS") == "all"


def sample(points: list[Point], count: int) -> list[Point]:
    """The first, the last, and others chosen by a seed: `count` in all. By hand all of them."""
    if all_points() or count >= len(points):
        return points
    places = random.Random(20261120).sample(range(1, len(points) - 1), count - 2)
    return [points[place] for place in sorted({0, *places, len(points) - 1})]
