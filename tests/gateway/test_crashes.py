"""Kill the worker anywhere in two bank days, or let it sleep while another acts: the books hold each payment once.

A point is before or after a commit or an outside effect, or in the middle of writing a file. The days are run once,
undisturbed, and the town is copied before every step that is struck. For each point the copy is taken, the worker is
struck there, and another one does the step. If all that the rest of the days depends on is then as it was without the
strike (`crash_day.left`), they end alike; if not, they are run to their end and what came of them is compared.

`make crash-test` does all points, on both registries; an ordinary run a seeded sample of them.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import multiprocessing.forkserver
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from crash_day import DAY, STEPS, TERMS, Job, lay_out, work_day
from lxml import etree
from sqlalchemy import create_engine
from world import postgres_url

from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

pytestmark = pytest.mark.crash
_PATIENCE_S = 900
_STRUCK = [number for number, step in enumerate(STEPS) if step.struck]
_SAMPLE = {"sqlite": 8, "postgres": 3}
"""Points of an ordinary run, for each way to strike."""


def _context() -> Any:
    """A fork of a process that has run Polars may hang: workers come from a server that has only imported it."""
    # One that another module started has not imported the days, which would cost every worker a second.
    multiprocessing.forkserver._forkserver._stop()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crash_day"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        patch.setenv("POLARS_MAX_THREADS", "1")
        multiprocessing.forkserver.ensure_running()
    return context


class Database:
    """The registry's copies: SQLite's lies in the town's folder and is copied with it."""

    url = ""

    def keep(self, name: str) -> None: ...

    def take(self, name: str) -> None: ...


class PostgresDatabase(Database):
    """A copy is a database made from another one as its template."""

    def __init__(self) -> None:
        self.url = postgres_url()
        self._name = self.url.rpartition("/")[2]
        self._admin = create_engine(f"{self.url.rpartition('/')[0]}/postgres", isolation_level="AUTOCOMMIT")

    def keep(self, name: str) -> None:
        self._copy(self._name, f"{self._name}_{name}")

    def take(self, name: str) -> None:
        self._copy(f"{self._name}_{name}", self._name)

    def _copy(self, old: str, new: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {new} WITH (FORCE)")
            connection.exec_driver_sql(f"CREATE DATABASE {new} TEMPLATE {old}")


@dataclass
class Days:
    """The two days, undisturbed, and a copy of the town before each step of ours."""

    registry: str
    folder: Path
    database: Database
    context: Any
    points: dict[int, int] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    ran_on: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "town"

    def play(self) -> None:
        self.root.mkdir()
        lay_out(self.root)
        for number, step in enumerate(STEPS):
            if step.struck:
                shutil.copytree(self.root, self.folder / f"before-{number}", copy_function=shutil.copy2)
                self.database.keep(str(number))
            told = self.done(number)
            self.points[number] = told["points"]
            if step.struck:
                told = self.done(number)  # whoever repeats a step asks once more about what nobody knows
            self.left[number] = told["left"]
        self.outcome = told["outcome"]

    def start(self, first: int, last: int, at: int | None = None, how: int = signal.SIGKILL) -> Any:
        report = self.folder / f"report-{time.monotonic_ns()}"
        job = Job(self.root, self.database.url, first, last, report, at, how)
        worker = self.context.Process(target=work_day, args=(job,))
        worker.report = report
        worker.start()
        return worker

    def done(self, first: int, last: int | None = None) -> dict[str, Any]:
        """Run steps to their end and read the report."""
        worker = self.start(first, first if last is None else last)
        worker.join(_PATIENCE_S)
        assert worker.exitcode == 0, f"{STEPS[first].name}: {_words(worker)}"
        return json.loads(worker.report.read_text(encoding="utf-8"))

    def before(self, number: int) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / f"before-{number}", self.root, copy_function=shutil.copy2)
        self.database.take(str(number))

    def goes_on_to_its_end(self, number: int, at: int) -> None:
        """After the strike another worker does the step, and the rest of the days brings what it always brings."""
        point = f"point {at} of {self.points[number]} of {STEPS[number].name!r}"
        told = self.done(number)
        if told["left"] != self.left[number] or at in {0, self.points[number] - 1}:
            self.ran_on += 1
            end = told if number == len(STEPS) - 1 else self.done(number + 1, len(STEPS) - 1)
            assert _differences(end["outcome"], self.outcome) == [], f"after a strike at {point}"

    @cached_property
    def all_points(self) -> list[tuple[int, int]]:
        return [(number, at) for number in _STRUCK for at in range(self.points[number])]

    def sample(self, count: int) -> list[tuple[int, int]]:
        """All of them by hand, else some of every step, chosen by a seed."""
        if os.environ.get("BULKRAIL_CRASH_POINTS") == "all":
            return self.all_points
        return sorted(random.Random(20261120).sample(self.all_points, count))


def _words(worker: Any) -> str:
    fault = worker.report.with_suffix(".fault")
    return fault.read_text(encoding="utf-8") if fault.exists() else f"exit code {worker.exitcode}"


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {[row for row in found[name] if row not in expected[name]]} instead of "
        f"{[row for row in expected[name] if row not in found[name]]}"
        if isinstance(found[name], list) else f"{name}: {found[name]!r} instead of {expected[name]!r}"
        for name in expected if found[name] != expected[name]
    ]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def days(request: pytest.FixtureRequest) -> Iterator[Days]:
    database = PostgresDatabase() if request.param == "postgres" else Database()
    # A kill loses nothing that was written, so that memory is as good a disk as any here.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="crash-day-", dir=memory) as folder:
        found = Days(request.param, Path(folder), database, _context())
        found.play()
        yield found


def test_undisturbed_the_banks_book_what_the_files_say(days: Days) -> None:
    """Held against the clients' files as an independent reader sees them."""
    files = [*_pain001(salaries_pain001(DAY)), *_nacha(suppliers_nacha(DAY)), *_csv(invoices_csv(DAY))]
    dogwood = [(name.replace("SAL-", "DOG-"), minor) for name, minor in _pain001(salaries_pain001(DAY))]
    refused = {
        "SAL-11-1004",
        "SAL-11-1007",
        "DOG-11-1004",
        "DOG-11-1007",
        "INV-2203",
        "INV-1003",
        "INV-1004",
        "INV-1006",
    }
    cancelled = {"SAL-11-1001"}
    accepted = [item for item in files + dogwood if item[0] not in refused | cancelled]
    assert len(accepted) == 32
    assert sorted(tuple(row[1:]) for row in days.outcome["banks"]) == sorted(accepted)
    assert days.outcome["open"] == days.outcome["inboxes"] == days.outcome["news_left"] == []
    assert days.outcome["fault_of_the_trail"] is None
    assert {row[3] for row in days.outcome["states"]} == {
        "settled", "returned", "rejected", "provider_rejected", "cancelled",
    }  # fmt: skip
    assert len(days.outcome["closes"]) == 2 * (len(TERMS) + 1)
    assert len(days.all_points) > 300


def _pain001(data: bytes) -> list[tuple[str, int]]:
    found = etree.fromstring(data).iterfind(".//{*}CdtTrfTxInf")
    return [(item.findtext(".//{*}EndToEndId"), _minor(item.findtext(".//{*}InstdAmt"))) for item in found]


def _nacha(data: bytes) -> list[tuple[str, int]]:
    return [(line[39:54].strip(), int(line[29:39])) for line in data.decode().splitlines() if line[0] == "6"]


def _csv(data: bytes) -> list[tuple[str, int]]:
    rows = csv.DictReader(data.decode().splitlines())
    return [(row["end_to_end_id"], _minor(row["amount"])) for row in rows if row["end_to_end_id"] != "TOTAL"]


def _minor(amount: str) -> int:
    whole, _, fraction = amount.partition(".")
    return int(whole) * 100 + int(f"{fraction:0<2}"[:2])


def test_killed_anywhere(days: Days, capsys: pytest.CaptureFixture[str]) -> None:
    points = days.sample(_SAMPLE[days.registry])
    assert points
    faults = []
    for number, at in points:
        days.before(number)
        worker = days.start(number, number, at)
        worker.join(_PATIENCE_S)
        assert worker.exitcode == -signal.SIGKILL
        faults += _fault_of(days, number, at)
    _report(days, "killed", points, capsys)
    assert faults == []


def test_asleep_anywhere_while_another_acts(days: Days, capsys: pytest.CaptureFixture[str]) -> None:
    points = days.sample(_SAMPLE[days.registry])
    assert points
    faults = []
    for number, at in points:
        days.before(number)
        sleeper = days.start(number, number, at, signal.SIGSTOP)
        _wait_until_stopped(sleeper.pid)
        other = days.start(number, number)
        # Where the sleeper holds a lock the other one waits for it: then both go on at once.
        other.join(1.5)
        os.kill(sleeper.pid, signal.SIGCONT)
        for worker in (sleeper, other):
            worker.join(_PATIENCE_S)
            assert worker.exitcode in {0, 1}, f"step {number}, point {at}: {_words(worker)}"
        faults += _fault_of(days, number, at)
    _report(days, "asleep", points, capsys)
    assert faults == []


def _fault_of(days: Days, number: int, at: int) -> list[str]:
    try:
        days.goes_on_to_its_end(number, at)
    except AssertionError as fault:
        if os.environ.get("BULKRAIL_CRASH_POINTS") != "all":
            raise
        return [str(fault)]
    return []


def _report(days: Days, how: str, points: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(
            f"\n{days.registry}, {how}: {len(points)} of {len(days.all_points)} points of two days, "
            f"{days.ran_on} of them run to the end of the days\n"
        )
    days.ran_on = 0


def _wait_until_stopped(pid: int | None) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.01)
    raise AssertionError("the worker did not stop")
