"""Strikes in the two days of `crash_day`: where, in which order, how, and what must have come of each.

The days are run once, undisturbed, and the town is copied before every step that is struck. For each point the copy is
taken, the worker is struck there, and another one does the step.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from crash_day import LOST, STEPS, Job, work_day
from crash_play import Database, play
from workers import all_points, workers

Point = tuple[int, int]
"""Number of a step, and of a point in it."""
Strike = Callable[["Days", int, int], None]

_PATIENCE_S = 900
_LOOKS, _LOOK_S = 30, 0.01
_TURN = {"deliver": 0, "deliver again": 0, "close": 2}
"""What moves money is struck first, what takes longest last."""
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
    ended_well: set[tuple[int, str]] = field(default_factory=set)
    """Number of a step and what was left after it: from there the days were run to the end they always have."""
    ran_on: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "town"

    def play(self) -> None:
        worker = workers().Process(target=play, args=(self.folder, self.database))
        worker.start()
        assert _exit_code(worker) == 0, "the undisturbed days"
        told = json.loads((self.folder / "played").read_text(encoding="utf-8"))
        self.points, self.left, self.outcome = told["points"], told["left"], told["outcome"]

    def start(self, first: int, last: int, **how: Any) -> Any:
        """A worker that does these steps. `how`: see `Job`."""
        report = self.folder / f"report-{time.monotonic_ns()}"
        job = Job(self.root, self.database.url, first, last, report, **how)
        worker = workers().Process(target=work_day, args=(job,))
        worker.report = report
        worker.start()
        return worker

    def done(self, first: int, last: int | None = None) -> dict[str, Any]:
        """Run steps to their end and read the report."""
        worker = self.start(first, first if last is None else last, tells=True)
        assert _exit_code(worker) == 0, f"{STEPS[first].name}: {_words(worker)}"
        return json.loads(worker.report.read_text(encoding="utf-8"))

    def before(self, number: int) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / f"before-{number}", self.root, copy_function=shutil.copy2)
        self.database.take(str(number))

    def goes_on_to_its_end(self, number: int) -> None:
        """After the strike another worker does the step, and the rest of the days brings what it always brings."""
        left = self.done(number)["left"]
        if left != self.left[number] and (number, left) not in self.ended_well:
            self.ran_on += 1
            self.ends_well(self.done(number + 1, len(STEPS) - 1))
            self.ended_well.add((number, left))

    def ends_well(self, told: dict[str, Any]) -> None:
        differences = _differences(told["outcome"], self.outcome)
        assert not differences, "; ".join(differences)

    @cached_property
    def all_points(self) -> list[Point]:
        struck = [number for number, step in enumerate(STEPS) if step.struck]
        struck.sort(key=lambda number: _TURN.get(STEPS[number].name, 1))
        return [(number, at) for number in struck for at in range(self.points[number])]

    def strike_every_step(self, strike: Strike, *, last: bool) -> None:
        """Days in which each step is struck, at its first or its last point, and done by another worker after it."""
        first = next(number for number, step in enumerate(STEPS) if step.struck)
        self.before(first)
        for number in range(first, len(STEPS)):
            if STEPS[number].struck and self.points[number]:
                strike(self, number, self.points[number] - 1 if last else 0)
            told = self.done(number)
        self.ends_well(told)

    def sample(self, how: str) -> list[Point]:
        """All of them by hand, else one of each of some steps, chosen by a seed: other ones for each registry and way."""
        if all_points():
            wanted = os.environ.get("BULKRAIL_CRASH_STEPS", "")
            return [(number, at) for number, at in self.all_points if re.search(wanted, STEPS[number].name)]
        chosen = random.Random(f"{self.registry} {how}")
        steps = chosen.sample(sorted({number for number, _ in self.all_points}), _SAMPLE[self.registry])
        return [(number, chosen.randrange(self.points[number])) for number in sorted(steps)]


def killed(days: Days, number: int, at: int) -> None:
    worker = days.start(number, number, at=at)
    assert _exit_code(worker) == -signal.SIGKILL, _words(worker)


def asleep(days: Days, number: int, at: int) -> None:
    """Another worker does the whole step while the first is stopped; where it waits for what the first holds, both go on."""
    sleeper = days.start(number, number, at=at, how=signal.SIGSTOP)
    _wait_until(lambda: sleeper.exitcode is not None or _threads(sleeper) == {"T"})
    assert sleeper.exitcode is None, "the worker ended before the point"
    other = days.start(number, number)
    try:
        _wait_until_done_or_waiting(other)
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    for worker in (sleeper, other):
        assert _exit_code(worker) in {0, LOST}, _words(worker)


class Log:
    """One line a point, in the file that BULKRAIL_CRASH_LOG names: what passed by it is not struck again."""

    def __init__(self, registry: str, how: str) -> None:
        self._head = f"{registry} {how}"
        named = os.environ.get("BULKRAIL_CRASH_LOG")
        self._path = Path(named) if named else None

    def note(self, point: Point, fault: str, seconds: float) -> None:
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                said = f"fault: {fault!r}" if fault else "passed"
                file.write(f"{self._place(point)}: {said} ({seconds:.1f} s)\n")

    def still_to_strike(self, points: list[Point]) -> list[Point]:
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path and self._path.exists() else []
        passed = {line.partition(": passed")[0] for line in lines if ": passed" in line}
        return [point for point in points if self._place(point) not in passed]

    def _place(self, point: Point) -> str:
        number, at = point
        return f"{self._head} {STEPS[number].name!r} step {number} point {at}"


def _exit_code(worker: Any) -> int:
    worker.join(_PATIENCE_S)
    if worker.exitcode is None:
        worker.kill()
        raise AssertionError("the worker hangs")
    return worker.exitcode


def _words(worker: Any) -> str:
    fault = worker.report.with_suffix(".fault")
    return fault.read_text(encoding="utf-8") if fault.exists() else f"exit code {worker.exitcode}"


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {_more(found[name], expected[name])} instead of {_more(expected[name], found[name])}"
        for name in expected if found[name] != expected[name]
    ]  # fmt: skip


def _more(rows: Any, than: Any) -> Any:
    """The rows that are there more often: a payment made twice is told once."""
    if not isinstance(rows, list):
        return rows
    others = list(than)
    return [row for row in rows if row not in others or others.remove(row)]


def _wait_until_done_or_waiting(worker: Any) -> None:
    """Waiting: none of its threads was seen at work for a while, however busy the machine."""
    idle = 0
    while worker.exitcode is None and idle < _LOOKS:
        worker.join(_LOOK_S)
        idle = 0 if _threads(worker) & {"R", "D"} else idle + 1


def _wait_until(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not seen():
        assert time.monotonic() < until, "the worker did not stop"
        time.sleep(_LOOK_S)


def _threads(worker: Any) -> set[str]:
    """States of its threads as the kernel tells them (proc(5)): R at work or about to be, D at a disk, S waiting, T stopped."""
    found = set()
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile, or one of its threads has
        for task in Path(f"/proc/{worker.pid}/task").glob("*/stat"):
            found.add(task.read_text(encoding="ascii").rpartition(")")[2].split()[0])
    return found
