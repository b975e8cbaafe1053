"""What the transport tests share: a delivery log with real compare-and-set, parcels, a cutting line, crashing workers."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import pickle
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
from workers import workers

from canonical.contracts import DeliveryState, Parcel, Reply, RequestBlock
from canonical.errors import BulkrailError, Conflict, ReleaseOver
from providers._release import carry
from providers._s3_remote import _S3Place
from providers._sftp_folder import SftpFolder
from providers._ways import ReleaseTerms
from providers.folder import FolderOptions, _FolderPlace
from providers.http_api import TRANSPORT as HTTP
from providers.http_api import HttpApiOptions
from providers.s3 import TRANSPORT as BUCKET
from providers.s3 import S3Options
from providers.sftp import TRANSPORT, SftpOptions

S = DeliveryState
DATA = b"<Document>" + b"x" * 70_000 + b"</Document>\n"


class Log:
    """A delivery log in SQLite: one row, every move a conditional update."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(sqlite3.connect(path, timeout=20)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS log (one PRIMARY KEY, state, attempt, detail)")
            db.execute("INSERT OR IGNORE INTO log VALUES (1, 'PREPARED', 0, '')")
            state, self.attempt, self.detail = db.execute("SELECT state, attempt, detail FROM log").fetchone()
        self.state = S(state)

    def begin_upload(self) -> int:
        self._move({S.PREPARED, S.UPLOADING, S.UPLOADED}, S.UPLOADING, self.attempt + 1)
        return self.attempt

    def uploaded(self) -> None:
        self._move({S.UPLOADING}, S.UPLOADED)

    def begin_release(self) -> None:
        self._move({S.UPLOADED}, S.RELEASING)

    def recheck(self) -> None:
        if (self._path.with_suffix(".over")).exists():
            raise ReleaseOver("cut-off missed")

    def withdrawn(self, detail: str) -> None:
        assert not any(block.attempt for block in self.plan_requests(0, 1)), "somebody sends"
        self._move({S.RELEASING}, S.VOIDED, detail=detail)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def ran_on(self) -> bool:
        return True

    def delivered(self, detail: str) -> None:
        self._move({S.RELEASING, S.UNKNOWN}, S.DELIVERED, detail=detail)

    def unknown(self, detail: str) -> None:
        self._move({S.RELEASING}, S.UNKNOWN, detail=detail)

    # requests to an API

    def plan_requests(self, count: int, block: int) -> tuple[RequestBlock, ...]:
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS requests (first PRIMARY KEY, attempt, pickle)")
            for first in range(0, count, block):
                planned = RequestBlock(first, min(first + block, count) - 1)
                db.execute("INSERT OR IGNORE INTO requests VALUES (?, 0, ?)", (first, pickle.dumps(planned)))
            rows = db.execute("SELECT pickle FROM requests ORDER BY first").fetchall()
        return tuple(pickle.loads(row[0]) for row in rows)

    def begin_requests(self, block: RequestBlock, note: str = "", *, sends: bool = True) -> RequestBlock:
        now = self.now()
        begun = replace(
            block, attempt=block.attempt + 1, begun_at=now, first_at=block.first_at or now, note=note or block.note,
            absent_at=None,
        )  # fmt: skip
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("SELECT state FROM log").fetchone() != (S.RELEASING.value,):
                raise Conflict("not releasing any more")
            moved = db.execute(
                "UPDATE requests SET attempt = ?, pickle = ? WHERE first = ? AND attempt = ?",
                (begun.attempt, pickle.dumps(begun), block.first, block.attempt),
            )
            if moved.rowcount != 1:
                raise Conflict("somebody else began them")
        return begun

    def answered(self, block: RequestBlock, replies: tuple[Reply, ...], *, certain: bool = False) -> RequestBlock:
        told = replace(block, replies=(*block.replies, *replies), begun_at=None if certain else block.begun_at)
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            moved = db.execute(
                "UPDATE requests SET pickle = ? WHERE first = ? AND attempt = ? AND pickle = ?",
                (pickle.dumps(told), block.first, block.attempt, pickle.dumps(block)),
            )
            if moved.rowcount != 1:
                raise Conflict("somebody else began them")
        return told

    def not_shown(self, block: RequestBlock, at: dt.datetime) -> RequestBlock:
        told = replace(block, absent_at=at)
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            moved = db.execute(
                "UPDATE requests SET pickle = ? WHERE first = ? AND attempt = ? AND pickle = ?",
                (pickle.dumps(told), block.first, block.attempt, pickle.dumps(block)),
            )
            if moved.rowcount != 1:
                raise Conflict("somebody else began them")
        return told

    def force(self, state: DeliveryState, attempt: int = 1) -> Log:
        self._move(set(S), state, attempt)
        return self

    def _move(
        self, before: set[DeliveryState], after: DeliveryState, attempt: int | None = None, detail: str = ""
    ) -> None:
        assert self.state in before, f"no move from {self.state} to {after}"
        new = self.attempt if attempt is None else attempt
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            moved = db.execute(
                "UPDATE log SET state = ?, attempt = ?, detail = ? WHERE state = ? AND attempt = ?",
                (after.value, new, detail, self.state.value, self.attempt),
            )
            if moved.rowcount != 1:
                raise Conflict("somebody else moved it")
        self.state, self.attempt, self.detail = after, new, detail


def make_parcel(folder: Path, name: str = "S0123456789abcdef012.xml", data: bytes = DATA) -> Parcel:
    path = folder / f"local-{name}"
    path.write_bytes(data)
    return Parcel("S0123456789abcdef012", name, path, len(data), hashlib.sha256(data).hexdigest())


class CutLine:
    """A TCP line to a server that breaks for good after so many bytes went out."""

    def __init__(self, port: int, bytes_out: int) -> None:
        self._port, self._left = port, bytes_out
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._port))
        threading.Thread(target=self._back, args=(far, near), daemon=True).start()
        while self._left > 0 and (data := near.recv(min(self._left, 65536))):
            far.sendall(data)
            self._left -= len(data)
        for side in (near, far, self._listener):
            # Both directions at once, as a cable that is pulled.
            side.close() if side is self._listener else side.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _back(far: socket.socket, near: socket.socket) -> None:
        try:
            while data := far.recv(65536):
                near.sendall(data)
        except OSError:
            return


@dataclass(frozen=True)
class Job:
    """One worker's run. `at`: ordinal of the point where it kills or stops itself, None to run through."""

    options: Any
    secret: str
    parcel: Parcel
    log: Path
    report: Path
    at: int | None = None
    how: int = signal.SIGKILL


class _Points:
    """Counts the points before, in the middle of and after each effect, and strikes at one."""

    def __init__(self, job: Job) -> None:
        self._job, self._seen = job, 0

    def strikes(self) -> bool:
        self._seen += 1
        return self._seen - 1 == self._job.at

    def pass_by(self) -> None:
        if self.strikes():
            os.kill(os.getpid(), self._job.how)
            time.sleep(0.05)  # a stop reaches all threads in a moment, not at once

    def report(self, outcome: str) -> None:
        self._job.report.write_text(f"{self._seen} {outcome}")


class _Struck:
    """Any object whose named methods are effects; everything else passes through."""

    def __init__(self, inner: Any, effects: tuple[str, ...], points: _Points) -> None:
        self._inner, self._effects, self._points = inner, effects, points

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in self._effects:
            return value

        def effect(*args: Any, **named: Any) -> Any:
            self._points.pass_by()
            # An object appears whole or not at all: only files can be half written.
            if name == "put" and not isinstance(self._inner, _S3Place) and self._points.strikes():
                half = args[1].with_name(f"{args[1].name}.half")
                half.write_bytes(args[1].read_bytes()[: args[1].stat().st_size // 2])
                value(args[0], half)
                os.kill(os.getpid(), self._points._job.how)
                return None
            result = value(*args, **named)
            self._points.pass_by()
            return result

        return effect


# Here, so that the server of workers has loaded them before it forks: the transports load them when they connect.
import_module("providers._http_remote")
boto3.client("s3", region_name="us-east-1")

MOVES = ("begin_upload", "uploaded", "begin_release", "delivered", "unknown", "withdrawn", "begin_requests", "answered")


def work(job: Job) -> None:
    """Deliver, in a process of its own."""
    points = _Points(job)
    log = _Struck(TestsLog(job.log), MOVES, points)
    with ExitStack() as stack:
        try:
            if isinstance(job.options, HttpApiOptions):
                remote = stack.enter_context(HTTP.connect(job.options, lambda _: job.secret))
                line = remote._caller.client._transport
                line._line = _Struck(line._line, ("handle_request",), points)
                remote.deliver(job.parcel, log)
            else:
                place = _place(job, stack)
                carry(_Struck(place, ("put", "resume", "rename", "mark"), points), job.parcel, log, job.options)
        except BulkrailError as fault:
            points.report(f"{type(fault).__name__} {fault}")
        else:
            points.report("done")


class TestsLog(Log):
    """Its clock goes on by the minutes that stand beside it."""

    def now(self) -> dt.datetime:
        beside = self._path.with_suffix(".minutes")
        return super().now() + dt.timedelta(minutes=int(beside.read_text()) if beside.exists() else 0)


def _place(job: Job, stack: ExitStack) -> Any:
    if isinstance(job.options, S3Options):
        bucket = stack.enter_context(BUCKET.connect(job.options, lambda _: job.secret))
        return _S3Place(bucket._client, job.options)
    if isinstance(job.options, FolderOptions):
        return _FolderPlace(job.options.inbox)
    remote = stack.enter_context(TRANSPORT.connect(job.options, lambda _: job.secret))
    return SftpFolder(remote._sftp, job.options.inbox, hash_offered=False)


@dataclass(frozen=True)
class World:
    """One submission, one bank folder, and workers that are processes."""

    folder: Path
    options: ReleaseTerms
    secret: str

    @property
    def inbox(self) -> Path:
        return self.folder / "in"

    @property
    def job(self) -> Job:
        log, report = self.folder / "log.db", self.folder / "report"
        return Job(self.options, self.secret, make_parcel(self.folder), log, report)

    def start(self, at: int | None = None, how: int = signal.SIGKILL) -> Any:
        process = workers().Process(target=work, args=(replace(self.job, at=at, how=how),))
        process.start()
        return process

    def run(self, at: int | None = None) -> int:
        process = self.start(at)
        process.join(30)
        return process.exitcode

    def points(self) -> int:
        assert self.run() == 0
        seen, outcome = (self.folder / "report").read_text().split(" ", 1)
        assert outcome == "done"
        assert self.state() is S.DELIVERED
        return int(seen)

    def state(self) -> DeliveryState:
        return Log(self.folder / "log.db").state

    def bank_takes(self) -> None:
        """The bank moves away what was released, as it comes."""
        taken = self.folder / "taken"
        taken.mkdir(exist_ok=True)
        for path in self.released():
            path.rename(taken / f"{len(list(taken.iterdir()))}-{path.name}")
            path.with_name(f"{path.name}.done").unlink(missing_ok=True)

    def released(self) -> list[Path]:
        names = {path.name for path in self.inbox.iterdir() if not path.name.startswith(".")}
        if self.options.release == "marker":
            names = {name.removesuffix(".done") for name in names if name.endswith(".done")}
        return [self.inbox / name for name in sorted(names)]

    def copies(self) -> list[Path]:
        """Everything that the bank ever had released to it."""
        taken = self.folder / "taken"
        return self.released() + (sorted(taken.iterdir()) if taken.exists() else [])


def wait_until_stopped(pid: int) -> bool:
    """True when the process has stopped itself, False when it ended instead."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state in "TZX":
            return state == "T"
        time.sleep(0.01)
    raise AssertionError("the worker neither stopped nor ended")


MakeWorld = Callable[[str], World]
__all__ = ["DATA", "CutLine", "FolderOptions", "Log", "S", "SftpOptions", "World", "make_parcel", "wait_until_stopped"]
