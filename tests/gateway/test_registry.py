"""The registry's contract, on SQLite and on PostgreSQL: decisions are made once, whoever asks, however often."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select

from canonical.errors import Conflict, TransientError
from gateway.registry import tables as t
from gateway.registry.engine import Registry, insert_new, move, open_registry, row_of, take_numbers

FILE = {
    "file_id": "f" * 20, "client_id": "alder", "name": "a.xml", "sha256": "0" * 64, "round": 1, "size_bytes": 1,
    "complete": 1, "received_at": "2026-11-20T12:00:00.000000+00:00", "received_on": "2026-11-20", "state": "received", "answered": 0,
    "news": 0, "told": 0,
}  # fmt: skip


def test_migrations_make_exactly_the_tables(registry: Registry) -> None:
    with registry.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.METADATA) == []


def test_opening_twice_changes_nothing(registry: Registry, registry_url: str) -> None:
    with registry.transaction() as connection:
        insert_new(connection, t.FILES, **FILE)
    again = open_registry(registry_url, registry.clock)
    assert again.one(t.FILES, file_id=FILE["file_id"]) is not None
    again.engine.dispose()


def test_insert_new_is_won_once(registry: Registry) -> None:
    with registry.transaction() as connection:
        assert insert_new(connection, t.FILES, **FILE)
        assert not insert_new(connection, t.FILES, **{**FILE, "name": "other"})
    row = registry.one(t.FILES, file_id=FILE["file_id"])
    assert row is not None
    assert row["name"] == "a.xml"


def test_a_move_is_won_once_by_many_threads(registry: Registry) -> None:
    with registry.transaction() as connection:
        insert_new(connection, t.FILES, **FILE)

    def claim(_: int) -> bool:
        with registry.transaction() as connection:
            return move(connection, t.FILES, {"file_id": FILE["file_id"], "state": "received"}, state="parsed")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(16))) == 1


def test_numbers_never_repeat_under_threads(registry: Registry) -> None:
    def take(_: int) -> int:
        with registry.transaction() as connection:
            return take_numbers(connection, "trace:bank", 3)

    with ThreadPoolExecutor(8) as pool:
        firsts = sorted(pool.map(take, range(24)))
    assert firsts == list(range(1, 1 + 24 * 3, 3))


def test_a_failed_transaction_leaves_nothing(registry: Registry) -> None:
    with pytest.raises(Conflict), registry.transaction() as connection:  # noqa: PT012
        insert_new(connection, t.FILES, **FILE)
        registry.audit(connection, "me", "received", "f")
        raise Conflict("no")
    assert registry.one(t.FILES, file_id=FILE["file_id"]) is None
    with registry.transaction() as connection:
        assert connection.execute(select(func.count()).select_from(t.AUDIT)).scalar() == 0


def test_one_slot_has_one_live_submission(registry: Registry) -> None:
    submission = {
        "kind": "payment", "file_id": FILE["file_id"], "slot": "x", "destination": "bank", "payments": 1, "sum_minor": 1,
        "name": "n", "business_date": "2026-11-20", "attempt": 0, "detail": "", "created_at": "", "changed_at": "",
    }  # fmt: skip
    with registry.transaction() as connection:
        insert_new(connection, t.FILES, **FILE)
        assert insert_new(connection, t.SUBMISSIONS, submission_id="S1", state="VOIDED", **submission)
        assert insert_new(connection, t.SUBMISSIONS, submission_id="S2", state="PREPARED", **submission)
        assert not insert_new(connection, t.SUBMISSIONS, submission_id="S3", state="PREPARED", **submission)
        assert row_of(connection, t.SUBMISSIONS, submission_id="S3") is None


def test_sqlite_is_durable_and_locks_before_it_reads(tmp_path, clock) -> None:
    registry = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}", clock)
    with registry.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        other = subprocess.run(
            [sys.executable, "-c",
             f"import sqlite3; c = sqlite3.connect('{tmp_path / 'r.sqlite'}', timeout=0); c.execute('BEGIN IMMEDIATE')"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert "database is locked" in other.stderr


def test_a_database_that_is_down_says_so(clock) -> None:
    with pytest.raises(TransientError, match="refused"):
        open_registry("postgresql+psycopg://nobody@127.0.0.1:9/none", clock)


def test_rows_of_any_number_of_values(registry: Registry) -> None:
    """More than a query has parameters for."""
    names = [f"{number:06d}" for number in range(40_000)]
    with registry.transaction() as connection:
        for name in names[::8_000]:
            insert_new(connection, t.COUNTERS, name=name, value=1)
            insert_new(connection, t.COUNTERS, name=f"other-{name}", value=1)
    found = registry.rows_of(t.COUNTERS, t.COUNTERS.c.name, reversed([*names, *names]), t.COUNTERS.c.value == 1)
    assert [row["name"] for row in found] == names[::8_000]
    assert registry.rows_of(t.COUNTERS, t.COUNTERS.c.name, []) == []
