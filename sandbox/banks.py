"""Banks that answer. Each has a home (`in/`, `out/`, as its SFTP user sees it, and `taken/`) and books of its own.

A bank deduplicates nothing: what is sent twice is paid twice and shows in its books and statements.

| text in a creditor's name or the remittance | what happens |
|---|---|
| `REJECT AC04` (any ISO code) | pain.001: rejected in the pain.002, never booked |
| `RETURN R01` (any ACH code) | NACHA: returned, in a returns file and on the statement of the day it settles |
| `RETURN LATER` | settles, and comes back on the next day's statement (AC04; R02 and a returns file for NACHA) |

`python -m sandbox.banks --config FILE [--once | --every SECONDS] [--close-day]`; FILE keeps `BanksConfig`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import re
import sqlite3
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pydantic import model_validator
from ruamel.yaml import YAML

from canonical.profiles import Model
from sandbox._answers import nacha_returns, pain002
from sandbox._books import Books, Fate, book_file, put_out
from sandbox._examples import EXAMPLES, BankAccount, BankTerms
from sandbox._reading import Instruction, Reading, read_nacha, read_pain001
from sandbox._statement import (
    Entry,
    Statement,
    camt053,
    fee_entry,
    return_entry,
    settlement_entries,
    unknown_entry,
)

_TRIGGER: Final = re.compile(r"\b(REJECT [A-Z]{2}[0-9]{2}|RETURN R[0-9]{2}|RETURN LATER)\b")
_OPEN: Final = (
    "SELECT p.*, f.message_id FROM payments p JOIN files f USING (file) WHERE p.account = ? AND p.currency = ?"
)


class Bank:
    """One bank. `tick` and `close_day` may be repeated and may be killed anywhere: what is booked is booked once."""

    def __init__(self, terms: BankTerms, home: Path, books: Path) -> None:
        self.terms = terms
        self.books = Books(books)
        self._in, self._out, self._taken = home / "in", home / "out", home / "taken"
        for folder in (self._in, self._out, self._taken):
            folder.mkdir(parents=True, exist_ok=True)

    def tick(self, now: dt.datetime) -> None:
        """Take what was released, book it, answer. `now` is aware."""
        self._take()
        known = {row["taken"] for row in self.books.rows("SELECT taken FROM files")}
        for path in sorted(self._taken.iterdir()):
            if path.name not in known:
                self._book(path, now)
        self._announce_returns(now)
        self._write_out()

    def close_day(self, day: dt.date) -> Path | None:
        """Statement of a day for every account, in `out/`; None where the day is closed already."""
        with self.books.transaction() as db:
            last = db.execute("SELECT max(day) FROM statements").fetchone()[0]
            if last is not None and last >= day.isoformat():
                return None
            statements = [self._close(db, account, day) for account in self.terms.accounts]
            name = f"{self.terms.bank_id}-{day}.camt053.xml"
            put_out(db, name, camt053(f"{self.terms.code}-STMT-{day:%Y%m%d}", statements))
        self._announce_returns(dt.datetime.combine(day, dt.time(23, 59), dt.UTC))
        self._write_out()
        return self._out / name

    def paid(self) -> list[dict[str, Any]]:
        """Every payment that was booked and not rejected, as often as it was sent."""
        return self.books.rows("SELECT * FROM payments WHERE reason = '' ORDER BY payment")

    def _take(self) -> None:
        names = {path.name for path in self._in.iterdir() if path.is_file() and not path.name.startswith(".")}
        if self.terms.marker:
            released = {name for name in names if f"{name}.done" in names}
        else:
            released = {name for name in names if not name.endswith((".part", ".tmp", ".done"))}
        number = 1 + max((int(path.name.partition("-")[0]) for path in self._taken.iterdir()), default=0)
        for offset, name in enumerate(sorted(released)):
            (self._in / name).rename(self._taken / f"{number + offset:06d}-{name}")
            (self._in / f"{name}.done").unlink(missing_ok=True)

    def _book(self, path: Path, now: dt.datetime) -> None:
        data = path.read_bytes()
        reading = self._read(data)
        fates = [self._fate(item) for item in reading.instructions]
        name = path.name.partition("-")[2]
        with self.books.transaction() as db:
            file = book_file(db, reading, path.name, name, hashlib.sha256(data).hexdigest(), now, fates)
            answer = f"{self.terms.bank_id}-{file:06d}"
            if self.terms.format == "pain.001":
                row = dict(db.execute("SELECT * FROM files WHERE file = ?", (file,)).fetchone())
                payments = _fetch(db, "SELECT * FROM payments WHERE file = ? ORDER BY payment", file)
                put_out(db, f"{answer}.pain002.xml", pain002(row, payments, f"{self.terms.code}-STS-{file:06d}", now))
            elif reading.reason:
                # ACH has no message for a refused file: banks write or call.
                put_out(db, f"{answer}.refused.txt", f"{name}: {reading.reason} {reading.text}\n".encode())

    def _read(self, data: bytes) -> Reading:
        if self.terms.format == "pain.001":
            return read_pain001(data)
        return read_nacha(data, {item.agent[:8]: item.account for item in self.terms.accounts})

    def _fate(self, item: Instruction) -> Fate:
        found = _TRIGGER.search(f"{item.name}\n{item.remittance}")
        trigger = found.group(1) if found else ""
        is_ach = self.terms.format == "nacha"
        if all((item.account, item.currency) != (account.account, account.currency) for account in self.terms.accounts):
            return Fate(reason="AC01")
        if trigger.startswith("REJECT") and not is_ach:
            return Fate(reason=trigger[-4:])
        if trigger == "RETURN LATER":
            return Fate(return_reason="R02" if is_ach else "AC04", return_after=1)
        return Fate(return_reason=trigger[-3:]) if trigger.startswith("RETURN R") and is_ach else Fate()

    def _announce_returns(self, now: dt.datetime) -> None:
        """Returns files for ACH entries whose return is due, one for each file they came in."""
        if self.terms.format != "nacha":
            return
        with self.books.transaction() as db:
            due = _fetch(
                db,
                "SELECT p.*, f.header FROM payments p JOIN files f USING (file) WHERE return_reason != '' AND NOT announced"
                " AND date(due, '+' || return_after || ' days') <= ? ORDER BY file, payment",
                now.date().isoformat(),
            )
            for file, members in groupby(due, key=lambda item: item["file"]):
                payments = list(members)
                dfi = self.terms.accounts[0].agent[:8]
                data = nacha_returns(payments[0]["header"], payments, dfi, now)
                put_out(db, f"{self.terms.bank_id}-{file:06d}-{payments[0]['payment']:07d}.return.ach", data)
            db.executemany("UPDATE payments SET announced = 1 WHERE payment = ?", [(item["payment"],) for item in due])

    def _close(self, db: sqlite3.Connection, account: BankAccount, day: dt.date) -> Statement:
        key = (account.account, account.currency)
        previous = db.execute(
            "SELECT number, closing_minor FROM statements WHERE account = ? AND currency = ? ORDER BY day DESC LIMIT 1",
            key,
        ).fetchone()
        number, opening = (
            (previous["number"] + 1, previous["closing_minor"]) if previous else (1, account.opening_minor)
        )
        settling = _fetch(
            db, f"{_OPEN} AND p.reason = '' AND settled_in IS NULL AND due <= ? ORDER BY payment", *key, day.isoformat()
        )
        entries = self._settlements(db, settling, day)
        _mark(db, "settled_in", settling, day)
        returning = _fetch(
            db,
            f"{_OPEN} AND return_reason != '' AND settled_in IS NOT NULL AND returned_in IS NULL"
            " AND date(settled_in, '+' || return_after || ' days') <= ? ORDER BY payment",
            *key, day.isoformat(),
        )  # fmt: skip
        entries += [return_entry(item) for item in returning]
        _mark(db, "returned_in", returning, day)
        if self.terms.unknown_credit_minor and account == self.terms.accounts[0]:
            entries.append(unknown_entry(self.terms.unknown_credit_minor))
        statement = Statement(
            self.terms.code, number, day, account.account, account.agent, account.currency, opening, tuple(entries)
        )
        row = (*key, day.isoformat(), number, opening, statement.closing_minor)
        db.execute("INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?)", row)
        return statement

    def _settlements(self, db: sqlite3.Connection, payments: list[dict[str, Any]], day: dt.date) -> list[Entry]:
        entries: list[Entry] = []
        for file, members in groupby(payments, key=lambda item: item["file"]):
            settling = [item for item in members if item["amount_minor"]]
            if not settling:
                continue
            odd = file % 2 == 1
            together = self.terms.booking == "batch" or (self.terms.booking == "alternate" and odd)
            entries += settlement_entries(settling, together=together)
            charged = db.execute(
                "UPDATE files SET fee_in = ? WHERE file = ? AND fee_in IS NULL", (day.isoformat(), file)
            )
            if charged.rowcount and self.terms.fee_minor:
                entries.append(fee_entry(self.terms.fee_minor, settling[0]["batch_id"]))
        return entries

    def _write_out(self) -> None:
        for row in self.books.rows("SELECT name, data FROM outgoing WHERE NOT written"):
            temporary = self._out / f".{row['name']}.part"
            temporary.write_bytes(row["data"])
            temporary.rename(self._out / row["name"])
            with self.books.transaction() as db:
                db.execute("UPDATE outgoing SET written = 1 WHERE name = ?", (row["name"],))


def _fetch(db: sqlite3.Connection, query: str, *values: object) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query, values)]


def _mark(db: sqlite3.Connection, column: str, payments: Sequence[dict[str, Any]], day: dt.date) -> None:
    query = f"UPDATE payments SET {column} = ? WHERE payment = ?"  # noqa: S608  the column is one of ours
    db.executemany(query, [(day.isoformat(), item["payment"]) for item in payments])


class BankConfig(Model):
    """One bank to run: `example` names one of the two shipped, or `terms` describes another."""

    home: Path
    books: Path
    example: str | None = None
    terms: BankTerms | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> BankConfig:
        if (self.terms is None) == (self.example not in EXAMPLES):
            raise ValueError(f"name either terms or one of the examples: {', '.join(EXAMPLES)}")
        return self

    def open(self) -> Bank:
        """The bank."""
        return Bank(self.terms or EXAMPLES[str(self.example)], self.home, self.books)


class BanksConfig(Model):
    """What `--config` names."""

    banks: tuple[BankConfig, ...]


def main() -> None:
    """Tick once or for ever; the day is closed on request, and whenever the date changes while it runs."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.banks", description="Play the banks of the sandbox.")
    parser.add_argument("--config", type=Path, required=True, help="YAML or JSON file")
    parser.add_argument("--once", action="store_true", help="one tick, then end")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="pause between ticks")
    parser.add_argument("--close-day", action="store_true", help="close today after the first tick")
    arguments = parser.parse_args()
    config = BanksConfig.model_validate(YAML(typ="safe").load(arguments.config.read_text(encoding="utf-8")))
    banks = [item.open() for item in config.banks]
    day = dt.datetime.now(dt.UTC).date()
    _tick(banks, close=day if arguments.close_day else None)
    while not arguments.once:
        time.sleep(arguments.every)
        today = dt.datetime.now(dt.UTC).date()
        _tick(banks, close=day if today != day else None)
        day = today


def _tick(banks: Sequence[Bank], close: dt.date | None) -> None:
    for bank in banks:
        bank.tick(dt.datetime.now(dt.UTC))
        if close is not None:
            bank.close_day(close)


if __name__ == "__main__":
    main()
