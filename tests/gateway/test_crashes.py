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
from crash_day import DAY, STEPS, TERMS, Job, work_day
from crash_play import Database, PostgresDatabase, play
from lxml import etree
from workers import all_points, workers
from world import postgres_url

from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

pytestmark = pytest.mark.crash
_PATIENCE_S = 900
_STRUCK = [number for number, step in enumerate(STEPS) if step.struck]
_SAMPLE = {"sqlite": 5, "postgres": 3}
"""Steps that are struck in an ordinary run, for each way to strike."""


@dataclass
class Days:
    """The two days, undisturbed, and a copy of the town before each step of ours."""

    registry: str
    folder: Path
    database: Database
    points: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)
    ran_on: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "town"

    def play(self) -> None:
        worker = workers().Process(target=play, args=(self.folder, self.database))
        worker.start()
        worker.join(_PATIENCE_S)
        assert worker.exitcode == 0, "the undisturbed days"
        told = json.loads((self.folder / "played").read_text(encoding="utf-8"))
        self.points, self.left, self.outcome = told["points"], told["left"], told["outcome"]

    def start(self, first: int, last: int, at: int | None = None, how: int = signal.SIGKILL) -> Any:
        report = self.folder / f"report-{time.monotonic_ns()}"
        job = Job(self.root, self.database.url, first, last, report, at, how)
        worker = workers().Process(target=work_day, args=(job,))
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

    def sample(self, how: str) -> list[tuple[int, int]]:
        """All of them by hand, else one of each of some steps, chosen by a seed: other ones for each registry and way."""
        if all_points():
            return self.all_points
        chosen = random.Random(f"{self.registry} {how}")
        steps = chosen.sample([number for number in _STRUCK if self.points[number]], _SAMPLE[self.registry])
        return [(number, chosen.randrange(self.points[number])) for number in sorted(steps)]


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
    database = PostgresDatabase(postgres_url()) if request.param == "postgres" else Database()
    # A kill loses nothing that was written, so that memory is as good a disk as any here.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="crash-day-", dir=memory) as folder:
        found = Days(request.param, Path(folder), database)
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
    points = days.sample("killed")
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
    points = days.sample("asleep")
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
        if not all_points():
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
