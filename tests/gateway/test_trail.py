"""The audit trail: a changed, removed, inserted or re-written row is found, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from canonical.errors import Conflict
from gateway.registry import tables as t
from gateway.registry import trail
from gateway.registry.engine import Registry
from gateway.registry.trail import End, verify


@pytest.fixture
def written(registry: Registry) -> Registry:
    """A trail of six rows, from three transactions."""
    for n in range(3):
        with registry.transaction() as connection:
            registry.audit(connection, "anna", "approved", f"F{n}", reason="müde")
            registry.audit(connection, "gateway", "routed", f"F{n}")
    return registry


def looked(registry: Registry, noted: End | None = None) -> tuple[End, str | None]:
    with registry.transaction() as connection:
        return verify(connection, noted)


def test_an_untouched_trail_is_whole(written: Registry) -> None:
    end, fault = looked(written)
    assert (end.sequence, fault) == (6, None)
    assert looked(written, end) == (end, None)


def test_an_empty_trail_is_whole(registry: Registry) -> None:
    assert looked(registry) == (End(0, trail.GENESIS), None)


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "berta"), ("detail", "{}"), ("at", "2026-01-01"), ("subject", "F9"), ("action", "x")],
)
def test_a_changed_row_is_found(written: Registry, column: str, value: str) -> None:
    with written.transaction() as connection:
        connection.execute(t.AUDIT.update().where(t.AUDIT.c.sequence == 3).values({column: value}))
    _, fault = looked(written)
    assert fault is not None
    assert fault.startswith("row 3 was changed")


@pytest.mark.parametrize(
    ("row", "words"), [(1, "between row 0 and row 2"), (4, "between row 3 and row 5"), (6, "should end with row 6")]
)
def test_a_removed_row_is_found(written: Registry, row: int, words: str) -> None:
    with written.transaction() as connection:
        connection.execute(t.AUDIT.delete().where(t.AUDIT.c.sequence == row))
    _, fault = looked(written)
    assert fault is not None
    assert words in fault


def test_an_inserted_row_is_found(written: Registry) -> None:
    with written.transaction() as connection:
        values = dict(connection.execute(select(t.AUDIT).where(t.AUDIT.c.sequence == 6)).mappings().one())
        connection.execute(t.AUDIT.insert().values(values | {"sequence": 7}))
    _, fault = looked(written)
    assert fault is not None
    assert fault.startswith("row 7 was changed")


def test_a_trail_written_anew_is_found_by_an_end_that_was_noted(written: Registry) -> None:
    noted, _ = looked(written)
    with written.transaction() as connection:
        rows = [dict(row) for row in connection.execute(select(t.AUDIT).order_by(t.AUDIT.c.sequence)).mappings()]
        rows[2]["actor"] = "berta"
        _write_anew(connection, rows)
    assert looked(written)[1] is None
    _, fault = looked(written, noted)
    assert fault is not None
    assert "written anew" in fault


def test_a_trail_cut_short_is_found_by_an_end_that_was_noted(written: Registry) -> None:
    noted, _ = looked(written)
    with written.transaction() as connection:
        rows = [dict(row) for row in connection.execute(select(t.AUDIT).order_by(t.AUDIT.c.sequence)).mappings()]
        _write_anew(connection, rows[:4])
    _, fault = looked(written, noted)
    assert fault is not None
    assert "not there any more" in fault


def _write_anew(connection: Connection, rows: list[dict[str, Any]]) -> None:
    entries = [trail.Entry(**{name: row[name] for name in trail.Entry.__slots__}) for row in rows]
    chained = trail.chained(End(0, trail.GENESIS), entries)
    connection.execute(t.AUDIT.delete())
    connection.execute(t.AUDIT.insert(), chained)
    connection.execute(t.AUDIT_END.update().values(sequence=len(chained), digest=chained[-1]["digest"]))


def test_many_at_once_leave_one_chain_without_gaps(registry: Registry) -> None:
    def write(n: int) -> None:
        with registry.transaction() as connection:
            registry.audit(connection, "gateway", "did", str(n))
            registry.audit(connection, "gateway", "did more", str(n))
            if n % 5 == 0:
                raise Conflict("no")

    def try_to_write(n: int) -> None:
        with contextlib.suppress(Conflict):
            write(n)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_to_write, range(40)))
    end, fault = looked(registry)
    assert (end.sequence, fault) == (64, None)
    with registry.transaction() as connection:
        assert connection.execute(select(func.count()).select_from(t.AUDIT)).scalar() == 64
