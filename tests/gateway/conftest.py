"""A gateway of its own for every test: both registries, both stores, a clock that stands still until it is moved."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gateway.registry.engine import Registry, open_registry

NOON = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


class Clock:
    """Stands still; `move` sets it on."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def postgres_url() -> str:
    """URL of a new empty database on the server the environment names; skips where it names none."""
    server = os.environ.get("BULKRAIL_TEST_POSTGRES_URL")
    if not server:
        pytest.skip("no PostgreSQL server here (BULKRAIL_TEST_POSTGRES_URL is not set)")
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'registry.sqlite'}" if request.param == "sqlite" else postgres_url()


@pytest.fixture
def registry(registry_url: str, clock: Clock) -> Iterator[Registry]:
    opened = open_registry(registry_url, clock)
    yield opened
    opened.engine.dispose()
