"""Kill the worker at every commit and every outside effect, start another, and compare: nothing lost, nothing twice."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import polars as pl
import pytest
from crash_worker import work
from world import BANK_TERMS, Clock, upload

from gateway.composition import Gateway, open_gateway
from gateway.dispatch import due
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.submissions import SENT
from sandbox.banks import Bank
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

pytestmark = pytest.mark.crash
TODAY = dt.date(2026, 11, 20)
# A fork of a process that has run Polars may hang: workers come from a server that has only imported it.
# It is found by PYTHONPATH alone: the server does not take over this process's sys.path.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
_WORKERS = multiprocessing.get_context("forkserver")
_WORKERS.set_forkserver_preload(["crash_worker"])
_PATIENCE_S = 60


def run(root: Path, what: str, at: int | None = None, how: int = signal.SIGKILL, report: str = "") -> int:
    """Exit code of a worker (negative: the signal that ended it)."""
    worker = _WORKERS.Process(target=work, args=(str(root), what, at, how, report))
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
    return open_gateway(Settings(home=root / "home", config_dir=root / "config"), Clock())


@pytest.fixture
def prepared(tmp_path: Path, config_dir: Path) -> Path:
    """Inboxes with three files, one of them twice; nothing received yet. Copied for every point."""
    root = tmp_path / "root"
    root.mkdir()
    gateway = opened_at(root, config_dir, tmp_path)
    upload(gateway, "alder", "a.xml", salaries_pain001(TODAY))
    upload(gateway, "birch", "b.ach", suppliers_nacha(TODAY))
    upload(gateway, "cedar", "c.csv", invoices_csv(TODAY))
    upload(gateway, "alder", "z.xml", salaries_pain001(TODAY))
    gateway.registry.engine.dispose()
    return root


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


def outcome_of_intake(root: Path) -> dict[str, object]:
    """What must be the same after any crash."""
    gateway = opened(root)
    files = gateway.registry.rows(t.FILES)
    submissions = gateway.registry.rows(t.SUBMISSIONS)
    answers = [row for row in submissions if row["kind"] == "answer"]
    inboxes = [item.key for item in gateway.store.list("clients") if "/inbox/" in item.key]
    outboxes = sorted(item.key for item in gateway.store.list("clients") if "/outbox/" in item.key)
    found = {
        "files": sorted((row["file_id"], row["state"]) for row in files),
        "arrivals": sorted((row["name"], row["duplicate"]) for row in gateway.registry.rows(t.ARRIVALS)),
        "planned": sorted(
            (row["slot"], row["payments"], row["sum_minor"]) for row in submissions if row["kind"] == "payment"
        ),
        "answers": sorted((row["name"], row["state"]) for row in answers),
        "inboxes": inboxes,
        "outboxes": outboxes,
        "rows": {row["file_id"]: gateway.lake.whole(row["file_id"], "payments").height for row in files},
        "placed": {
            row["file_id"]: gateway.lake.whole(row["file_id"], "routes")["payment_id"].is_unique().all()
            for row in files
        },
    }
    gateway.registry.engine.dispose()
    return found


def test_intake_survives_a_kill_at_every_point(prepared: Path, tmp_path: Path) -> None:
    whole = copy(prepared, tmp_path / "whole")
    points = points_of(whole, "intake")
    expected = outcome_of_intake(whole)
    assert len(expected["files"]) == 3
    assert expected["inboxes"] == []
    assert points > 30
    for at in _sample(points):
        root = copy(prepared, tmp_path / f"at-{at}")
        assert run(root, "intake", at) == -signal.SIGKILL
        assert run(root, "intake") == 0
        assert outcome_of_intake(root) == expected, f"after a kill at point {at} of {points}"
        shutil.rmtree(root)


def test_delivery_survives_a_kill_at_every_point(prepared: Path, tmp_path: Path) -> None:
    assert run(prepared, "intake") == 0
    planned = planned_payments(prepared)
    assert len(planned) == 23
    points = points_of(copy(prepared, tmp_path / "whole"), "deliver")
    assert booked(tmp_path / "whole") == planned
    for at in _sample(points):
        root = copy(prepared, tmp_path / f"at-{at}")
        assert run(root, "deliver", at) == -signal.SIGKILL
        assert run(root, "deliver") == 0
        assert booked(root) == planned, f"after a kill at point {at} of {points}"
        all_sent(root)
        shutil.rmtree(root)


def test_delivery_survives_a_worker_that_sleeps_while_another_acts(prepared: Path, tmp_path: Path) -> None:
    assert run(prepared, "intake") == 0
    planned = planned_payments(prepared)
    points = points_of(copy(prepared, tmp_path / "whole"), "deliver")
    for at in _sample(points):
        root = copy(prepared, tmp_path / f"at-{at}")
        sleeper = _WORKERS.Process(target=work, args=(str(root), "deliver", at, signal.SIGSTOP, ""))
        sleeper.start()
        _wait_until_stopped(sleeper.pid)
        if not _holds_the_database(at, root):
            assert run(root, "deliver") == 0
        os.kill(sleeper.pid, signal.SIGCONT)
        sleeper.join(_PATIENCE_S)
        assert sleeper.exitcode in {0, 1}, "a sleeper that lost may stop with an error, and must not hang"
        assert run(root, "deliver") == 0
        assert booked(root) == planned, f"after a sleep at point {at} of {points}"
        all_sent(root)
        shutil.rmtree(root)


def _sample(points: int) -> list[int]:
    """All points by hand (`make crash-test`), some twenty in an ordinary run, the first and the last always."""
    if os.environ.get("BULKRAIL_CRASH_POINTS") == "all":
        return list(range(points))
    return sorted({*range(0, points, max(1, points // 20)), points - 1})


def _wait_until_stopped(pid: int | None) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        if state == "T":
            return
        time.sleep(0.02)
    raise AssertionError("the worker did not stop")


def _holds_the_database(at: int, root: Path) -> bool:
    """SQLite has one writer: a worker that sleeps inside a transaction keeps every other out, and nobody acts."""
    import sqlite3

    with sqlite3.connect(root / "home" / "registry.sqlite", timeout=0.2) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        db.rollback()
    return False


def planned_payments(root: Path) -> list[tuple[str, str, int]]:
    """provider, reference, amount of every planned payment."""
    gateway = opened(root)
    routes = pl.concat([gateway.lake.whole(row["file_id"], "routes") for row in gateway.registry.rows(t.FILES)])
    assert len(due(gateway)) == len(gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment"))
    gateway.registry.engine.dispose()
    return sorted(routes.select("provider", "reference", "amount_minor").rows())


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


def all_sent(root: Path) -> None:
    gateway = opened(root)
    states = {row["state"] for row in gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment")}
    assert states <= set(SENT) - {"UNKNOWN"}, json.dumps(sorted(states))
    gateway.registry.engine.dispose()
