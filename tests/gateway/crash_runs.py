"""Workers of a small town that are killed at a point: what the crash tests of single stages share."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
from pathlib import Path

from crash_worker import work
from workers import workers
from world import BANK_TERMS, Clock, lay_registry

from gateway.composition import Gateway, open_gateway
from gateway.settings import Settings
from sandbox.banks import Bank

_PATIENCE_S = 60


def run(root: Path, what: str, at: int | None = None, how: int = signal.SIGKILL, report: str = "") -> int:
    """Exit code of a worker (negative: the signal that ended it)."""
    worker = workers().Process(target=work, args=(str(root), what, at, how, report))
    worker.start()
    worker.join(_PATIENCE_S)
    assert worker.exitcode is not None, "the worker hangs"
    return worker.exitcode


def points_of(root: Path, what: str) -> int:
    """How many points a whole run passes."""
    report = root / "points"
    assert run(root, what, report=str(report)) == 0
    return int(report.read_text(encoding="ascii"))


def opened(root: Path) -> Gateway:
    lay_registry(root / "home/registry.sqlite")
    return open_gateway(Settings(home=root / "home", config_dir=root / "config"), Clock())


def opened_at(root: Path, config_dir: Path, old: Path) -> Gateway:
    shutil.copytree(config_dir, root / "config")
    move_providers(root, old)
    return opened(root)


def move_providers(root: Path, old: Path) -> None:
    """Point the copied provider profiles at the copied folders."""
    for path in (root / "config" / "providers").glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(str(old), str(root)), encoding="utf-8")
    for place in ("euro/in", "euro/out", "us/in", "us/out"):
        (root / place).mkdir(parents=True, exist_ok=True)


def copy(root: Path, to: Path) -> Path:
    shutil.copytree(root, to, copy_function=shutil.copy2)
    move_providers(to, root)
    return to


def booked(root: Path) -> list[tuple[str, str, int]]:
    """What the banks paid, as often as they were told to."""
    found = []
    for provider, folder in (("euro_bank", "euro"), ("us_bank", "us")):
        bank = Bank(BANK_TERMS[provider], root / folder, root / f"{folder}.sqlite")
        bank.tick(dt.datetime(2026, 11, 20, 18, 0, tzinfo=dt.UTC))
        found += [
            (provider, row["instruction_id"], row["amount_minor"]) for row in bank.books.rows("SELECT * FROM payments")
        ]
    return sorted(found)
