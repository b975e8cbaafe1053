"""What goes wrong around a worker: the database restarts or is locked, the disk is full, the clock jumps, others do the same."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from crash_day import DAY, FOLDERS, TERMS, Town, enter, lay_out
from world import Clock

from canonical.errors import BulkrailError, OutsideError, TransientError
from gateway.delivery.dispatch import dispatch, due
from gateway.intake.receive import receive
from gateway.registry import engine
from gateway.registry import tables as t
from gateway.registry.engine import open_registry
from gateway.stages import deliver, run_journey, unfinished_files
from sandbox.day import invoices_csv, salaries_pain001


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Salaries and invoices, planned and not sent."""
    lay_out(tmp_path)
    found = enter(tmp_path, "")
    found.upload("alder", "a.xml", salaries_pain001(DAY))
    found.upload("cedar", "c.csv", invoices_csv(DAY))
    take_in(found)
    assert len(due(found.gateway)) == 3
    return found


def take_in(town: Town) -> None:
    receive(town.gateway)
    for file in unfinished_files(town.gateway):
        run_journey(town.gateway, file["file_id"])


def paid_once(town: Town) -> None:
    """Everything that was accepted is in the banks' books, once."""
    booked = []
    for name in TERMS:
        bank = town.bank(name)
        bank.tick(dt.datetime.combine(DAY, dt.time(18), dt.UTC))
        booked += [row["end_to_end_id"] for row in bank.books.rows("SELECT end_to_end_id FROM payments")]
    assert len(booked) == len(set(booked)) == 16


def released(town: Town) -> list[str]:
    return sorted(
        path.name for name in FOLDERS.values() for path in (town.root / name / "in").iterdir() if path.name[0] != "."
    )


# --------------------------------------------------------------------------------------------------- several at once


def test_many_workers_on_each_submission_at_once(town: Town) -> None:
    faults: list[BaseException] = []

    def work() -> None:
        try:
            gateway = enter(town.root, "").gateway
            for row in due(gateway):
                start.wait(20)
                dispatch(gateway, row["submission_id"])
        except BaseException as fault:  # noqa: BLE001  told below
            faults.append(fault)

    start = threading.Barrier(4)
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert faults == []
    paid_once(town)


def test_arrivals_told_twice_at_once_and_out_of_order(tmp_path: Path) -> None:
    """The event of a second file comes first, each comes to several workers, and once more when all is done."""
    lay_out(tmp_path)
    town = enter(tmp_path, "")
    town.upload("alder", "b.xml", salaries_pain001(DAY))
    town.upload("alder", "a.xml", salaries_pain001(DAY))
    town.upload("cedar", "c.csv", invoices_csv(DAY))
    first, second = (town.root / f"home/store/clients/alder/inbox/{name}" for name in ("a.xml", "b.xml"))
    os.utime(first, (first.stat().st_atime, second.stat().st_mtime - 60))
    told: list[list[str]] = []

    def work() -> None:
        told.append(sorted(item.outcome for item in receive(enter(tmp_path, "").gateway)))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert len(told) == 4
    assert receive(town.gateway) == []
    files, arrivals = town.gateway.registry.rows(t.FILES), town.gateway.registry.rows(t.ARRIVALS)
    assert sorted((row["client_id"], row["name"]) for row in files) == [("alder", "a.xml"), ("cedar", "c.csv")]
    assert sorted((row["name"], row["duplicate"]) for row in arrivals) == [("a.xml", 0), ("b.xml", 1), ("c.csv", 0)]


# ---------------------------------------------------------------------------------------------------------- the clock


@pytest.mark.parametrize("jump", [dt.timedelta(hours=-1), dt.timedelta(hours=2), dt.timedelta(days=1)])
def test_the_clock_jumps_between_commit_and_effect(town: Town, monkeypatch, jump: dt.timedelta) -> None:
    """Back an hour, forward two, forward a day (over the cut-off), after RELEASING was committed and before the rename."""
    from providers.folder import _FolderPlace

    whole, jumped = _FolderPlace.rename, []

    def rename(place: object, temporary: str, final: str) -> None:
        if not jumped:
            jumped.append(final)
            town.clock.now += jump
        whole(place, temporary, final)

    monkeypatch.setattr(_FolderPlace, "rename", rename)
    for row in due(town.gateway):
        deliver(town.gateway, row["submission_id"])
    assert jumped
    town.clock.now = dt.datetime.combine(DAY, dt.time(12), dt.UTC)  # and it is set right again
    for _ in range(2):
        for row in due(town.gateway):
            deliver(town.gateway, row["submission_id"])
    if jump.days > 0:  # what missed its cut-off by that clock goes with Monday's window
        town.clock.now += dt.timedelta(days=3)
        take_in(town)
        for row in due(town.gateway):
            deliver(town.gateway, row["submission_id"])
    paid_once(town)


# ----------------------------------------------------------------------------------------------------------- the disk


@contextmanager
def _tiny_disk(folder: Path, kib: int) -> Iterator[None]:
    """A file system of so many KiB; skips where none may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(filler: Path) -> None:
    """All but a page of what is free."""
    filler.write_bytes(b"x" * (shutil.disk_usage(filler.parent).free - 4096))


def test_a_full_disk_of_the_store_loses_nothing(tmp_path: Path) -> None:
    lay_out(tmp_path)
    town = enter(tmp_path, "")
    data = salaries_pain001(DAY)
    with _tiny_disk(tmp_path / "home" / "store", 48):
        town.gateway.store.put("clients/alder/inbox/a.xml", data)
        _fill(tmp_path / "home/store/filler")
        told = receive(town.gateway)
        assert [item.outcome for item in told] == ["failed"]
        assert town.gateway.registry.rows(t.FILES) == [], "nothing counts that is not archived"
        assert town.gateway.store.get("clients/alder/inbox/a.xml") == data, "the inbox is not cleared"
        (tmp_path / "home/store/filler").unlink()
        assert [item.outcome for item in receive(town.gateway)] == ["new"]
        (file,) = town.gateway.registry.rows(t.FILES)
        subprocess.run(["mount", "-o", "remount,size=4m", str(tmp_path / "home/store")], check=True)
        run_journey(town.gateway, file["file_id"])
        assert town.gateway.lake.whole(file["file_id"], "payments").height == 12


def test_a_full_disk_of_a_bank_releases_nothing(town: Town) -> None:
    with _tiny_disk(town.root / "euro" / "in", 4):
        rows = [row for row in due(town.gateway) if row["destination"] == "euro_bank"]
        assert rows
        for row in rows:
            with pytest.raises(OutsideError):
                deliver(town.gateway, row["submission_id"])
        assert released(town) == []
        states = town.gateway.registry.rows(t.SUBMISSIONS, t.SUBMISSIONS.c.kind == "payment")
        assert {row["state"] for row in states} <= {"PREPARED", "UPLOADING"}
    for row in due(town.gateway):
        deliver(town.gateway, row["submission_id"])
    paid_once(town)


def test_a_full_disk_of_the_registry_decides_nothing(tmp_path: Path) -> None:
    with _tiny_disk(tmp_path / "small", 1200):
        registry = open_registry(f"sqlite:///{tmp_path / 'small' / 'registry.sqlite'}", Clock())
        _fill(tmp_path / "small/filler")

        def write() -> None:
            for _ in range(200):
                with registry.transaction() as connection:
                    registry.audit(connection, "somebody", "did", "x", told="y" * 4000)

        with pytest.raises(OutsideError, match=r"full|I/O"):
            write()
        (tmp_path / "small/filler").unlink()
        with registry.transaction() as connection:
            assert engine.trail.verify(connection)[1] is None
            registry.audit(connection, "somebody", "did", "x")
        registry.engine.dispose()


# ------------------------------------------------------------------------------------------------------- the database


def test_a_locked_sqlite_is_told_as_passing_and_the_day_goes_on(town: Town, monkeypatch) -> None:
    monkeypatch.setattr(engine, "_BUSY_TIMEOUT_S", 0.2)
    path = town.root / "home" / "registry.sqlite"
    gateway = enter(town.root, "").gateway
    rows = due(gateway)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match="locked"):
            dispatch(gateway, rows[0]["submission_id"])
        assert released(town) == []
        other.execute("ROLLBACK")
    for row in rows:
        deliver(gateway, row["submission_id"])
    paid_once(town)


class Postgres:
    """A server of this test's own, that can be restarted."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found or os.getuid() or shutil.which("su") is None:
            pytest.skip("no PostgreSQL that this test may start")
        self._bin, self._folder = found[-1].parent, folder
        self.port = 20_000 + os.getpid() % 20_000
        shutil.chown(folder, "postgres")
        self._run(f"'{self._bin}/initdb' -D '{folder}/db' -A trust -U bulkrail")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://bulkrail@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run(f"'{self._bin}/pg_ctl' -D '{self._folder}/db' -w -l '{self._folder}/log' -o \"{options}\" start")

    def stop(self) -> None:
        self._run(f"'{self._bin}/pg_ctl' -D '{self._folder}/db' -w -m immediate stop")

    def _run(self, command: str) -> None:
        subprocess.run(["su", "postgres", "-c", f"cd / && {command} >/dev/null 2>&1"], check=True, timeout=120)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    folder = Path(f"/tmp/bulkrail-postgres-{os.getpid()}")
    folder.mkdir()
    server = None
    try:
        server = Postgres(folder)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_postgresql_restarts_in_the_middle_of_a_delivery(tmp_path: Path, postgres: Postgres, monkeypatch) -> None:
    """It is killed after the first file's rename and before DELIVERED can be committed, and comes up again by its log."""
    from providers.folder import _FolderPlace

    lay_out(tmp_path)
    town = enter(tmp_path, postgres.url)
    town.upload("alder", "a.xml", salaries_pain001(DAY))
    town.upload("cedar", "c.csv", invoices_csv(DAY))
    take_in(town)
    whole, struck = _FolderPlace.rename, []

    def rename(place: object, temporary: str, final: str) -> None:
        whole(place, temporary, final)
        if not struck:
            struck.append(final)
            postgres.stop()

    monkeypatch.setattr(_FolderPlace, "rename", rename)
    rows = due(town.gateway)
    faults = []
    for row in rows:
        try:
            deliver(town.gateway, row["submission_id"])
        except BulkrailError as fault:
            faults.append(fault)
    assert struck
    assert faults
    assert all(isinstance(fault, TransientError) for fault in faults), faults
    postgres.start()
    for row in due(town.gateway):
        deliver(town.gateway, row["submission_id"])
    assert due(town.gateway) == []
    paid_once(town)
