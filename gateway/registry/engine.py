"""Open the registry: SQLite (one writer at a time, durable) or PostgreSQL, migrated to head by Alembic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from canonical.errors import OutsideError, TransientError
from gateway.registry import tables as t
from gateway.registry import trail

Clock = Callable[[], datetime]
_BUSY_TIMEOUT_S = 30
_IN_QUERY_MAX = 1_000
_TOLD = "trail"
_PATIENT = ("database is locked", "could not serialize", "deadlock detected", "connection refused", "server closed")


class Registry:
    """One engine and one clock. Every decision is one `transaction`; reads outside it see committed data only."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock

    def now(self) -> str:
        """The clock's UTC time as the registry writes it."""
        return self.clock().isoformat(timespec="microseconds")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing.

        Raises:
            TransientError: locked, deadlock, connection lost before anything was decided.
            OutsideError: any other fault of the database (disk full, no permission).
        """
        try:
            with self.engine.begin() as connection:
                told: list[trail.Entry] = []
                connection.info[_TOLD] = told
                yield connection
                trail.append(connection, told)
        except OperationalError as fault:
            words = str(fault.orig).lower()
            kind = TransientError if any(sign in words for sign in _PATIENT) else OutsideError
            raise kind(f"the registry failed: {fault.orig}") from fault
        except DBAPIError as fault:
            raise OutsideError(f"the registry refused: {fault.orig}") from fault

    def one(self, table: Table, **key: Any) -> Mapping[str, Any] | None:
        """The row of that key, None where there is none."""
        with self.transaction() as connection:
            return row_of(connection, table, **key)

    def rows(self, table: Table, *conditions: Any, order: Any = None) -> list[Mapping[str, Any]]:
        """Rows that meet the conditions, ordered by the column or columns of `order`, or by the primary key."""
        columns = table.primary_key.columns if order is None else order if isinstance(order, tuple) else (order,)
        query = select(table).where(*conditions).order_by(*columns)
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def rows_of(self, table: Table, column: Any, values: Iterable[str], *conditions: Any) -> list[Mapping[str, Any]]:
        """`rows` whose column has one of any number of values, in order of these, some at a time: a query has a bound of parameters."""
        known = iter(sorted(set(values)))
        found: list[Mapping[str, Any]] = []
        while some := list(islice(known, _IN_QUERY_MAX)):
            found += self.rows(table, column.in_(some), *conditions)
        return found

    def audit(self, connection: Connection, actor: str, action: str, subject: str, **detail: Any) -> None:
        """Write down who did what, in the transaction that does it, when it ends."""
        told: list[trail.Entry] = connection.info[_TOLD]
        told.append(trail.Entry(self.now(), actor, action, subject, json.dumps(detail, sort_keys=True)))


def row_of(connection: Connection, table: Table, **key: Any) -> Mapping[str, Any] | None:
    """The row of that key inside a transaction."""
    row = connection.execute(select(table).where(*_equal(table, key))).mappings().first()
    return None if row is None else dict(row)


def insert_new(connection: Connection, table: Table, **values: Any) -> bool:
    """INSERT … ON CONFLICT DO NOTHING: True where the row is ours, False where somebody was first."""
    statement = _insert(connection, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None


def _insert(connection: Connection, table: Table) -> Any:
    # Each dialect is imported where it is spoken: the other one's would be a tenth of a start.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def move(connection: Connection, table: Table, where: dict[str, Any], **values: Any) -> bool:
    """One conditional UPDATE: True where exactly one row met the condition."""
    return connection.execute(table.update().where(*_equal(table, where)).values(**values)).rowcount == 1


def take_numbers(connection: Connection, name: str, count: int = 1, first: int = 1) -> int:
    """Reserve `count` numbers of a counter; the first of them. Numbers of one counter never repeat."""
    insert_new(connection, t.COUNTERS, name=name, value=first)
    update = t.COUNTERS.update().where(t.COUNTERS.c.name == name).values(value=t.COUNTERS.c.value + count)
    after: int = connection.execute(update.returning(t.COUNTERS.c.value)).scalar_one()
    return after - count


def take_number_below(connection: Connection, name: str, bound: int) -> int | None:
    """The next number of a counter that begins at 0, None where it would reach the bound."""
    insert_new(connection, t.COUNTERS, name=name, value=0)
    update = t.COUNTERS.update().where(t.COUNTERS.c.name == name, t.COUNTERS.c.value < bound)
    after: int | None = connection.execute(
        update.values(value=t.COUNTERS.c.value + 1).returning(t.COUNTERS.c.value)
    ).scalar()
    return None if after is None else after - 1


def _equal(table: Table, key: dict[str, Any]) -> list[Any]:
    return [
        table.c[name].in_(value) if isinstance(value, list | tuple | set) else table.c[name] == value
        for name, value in key.items()
    ]


def open_registry(url: str, clock: Clock) -> Registry:
    """Connect and migrate to head. Safe to call from many processes at once.

    Raises:
        TransientError, OutsideError: the database is down or refuses.
    """
    registry = Registry(_engine(url), clock)
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(0o700, parents=True, exist_ok=True)
    migrate(registry)
    return registry


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    # NullPool: a connection must not be shared between forked workers.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # SQLAlchemy says BEGIN itself, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads and then writes must not lose the race in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _revision(connection: Connection) -> str | None:
    """The migration that the schema is at, as Alembic wrote it; importing Alembic for that would take most of a start."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def migrate(registry: Registry) -> None:
    """Bring the schema to head, one process at a time."""
    versions = Path(__file__).parents[1] / "migrations"
    head = max(path.name.partition("_")[0] for path in (versions / "versions").glob("[0-9]*_*.py"))
    with registry.transaction() as connection:
        if _revision(connection) == head:
            return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(versions))
    with registry.transaction() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7281646)")  # SQLite holds its write lock here
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
