"""A sandbox bank's books: one SQLite file. Everything that is sent is booked as often as it is sent."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox._reading import Instruction, Reading

_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    file INTEGER PRIMARY KEY, taken TEXT UNIQUE, name TEXT, sha256 TEXT, received TEXT, message TEXT, message_id TEXT,
    header TEXT, reason TEXT, text TEXT, fee_in TEXT);
CREATE TABLE IF NOT EXISTS payments (
    payment INTEGER PRIMARY KEY, file INTEGER, batch_id TEXT, account TEXT, currency TEXT, direction TEXT,
    amount_minor INTEGER, instruction_id TEXT, end_to_end_id TEXT, name TEXT, counter_account TEXT, remittance TEXT,
    due TEXT, raw_batch TEXT, raw_entry TEXT, reason TEXT, settled_in TEXT, return_reason TEXT, return_after INTEGER,
    return_due TEXT, announced INTEGER DEFAULT 0, returned_in TEXT);
CREATE INDEX IF NOT EXISTS open_payments ON payments (account, currency, settled_in);
CREATE INDEX IF NOT EXISTS payments_of_file ON payments (file);
CREATE TABLE IF NOT EXISTS statements (
    account TEXT, currency TEXT, day TEXT, number INTEGER, opening_minor INTEGER, closing_minor INTEGER,
    PRIMARY KEY (account, currency, day));
CREATE TABLE IF NOT EXISTS outgoing (name TEXT PRIMARY KEY, data BLOB, written INTEGER DEFAULT 0);
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a trigger in a payment's text makes of it: rejected at once, or returned so many days after it settled."""

    reason: str = ""
    return_reason: str = ""
    return_after: int = 0


class Books:
    """Access to one bank's books; every method that writes is part of the transaction it is called in."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self.transaction() as db:
            db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed when the block ends."""
        with closing(sqlite3.connect(self._path, timeout=30)) as db:
            db.row_factory = sqlite3.Row
            with db:
                yield db

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries."""
        with self.transaction() as db:
            return [dict(row) for row in db.execute(query, values)]


def book_file(
    db: sqlite3.Connection, reading: Reading, taken: str, name: str, sha256: str, now: dt.datetime, fates: list[Fate]
) -> int:
    """Book a file and all its payments; its number."""
    cursor = db.execute(
        "INSERT INTO files (taken, name, sha256, received, message, message_id, header, reason, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (taken, name, sha256, now.isoformat(), reading.message, reading.message_id, reading.header, reading.reason, reading.text),
    )  # fmt: skip
    file = int(cursor.lastrowid or 0)
    if not reading.reason:
        rows = [_row(file, item, fate, now.date()) for item, fate in zip(reading.instructions, fates, strict=True)]
        db.executemany(
            "INSERT INTO payments (file, batch_id, account, currency, direction, amount_minor, instruction_id,"
            " end_to_end_id, name, counter_account, remittance, due, raw_batch, raw_entry, reason, return_reason,"
            " return_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return file


def _row(file: int, item: Instruction, fate: Fate, today: dt.date) -> tuple[object, ...]:
    return (
        file, item.batch_id, item.account, item.currency, item.direction, item.amount_minor, item.instruction_id,
        item.end_to_end_id, item.name, item.counter_account, item.remittance, max(item.due, today).isoformat(),
        *item.raw, fate.reason, fate.return_reason, fate.return_after,
    )  # fmt: skip


def put_out(db: sqlite3.Connection, name: str, data: bytes) -> None:
    """Keep a file that is to be offered in `out/`; a name is used once."""
    db.execute("INSERT INTO outgoing (name, data) VALUES (?, ?)", (name, data))
