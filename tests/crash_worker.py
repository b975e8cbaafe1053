"""A gateway worker that kills or stops itself at a chosen point: before and after every commit and every outside effect."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from world import Clock, intake

from canonical.errors import Conflict
from canonical.plugins import discover
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.registry.engine import Registry
from gateway.settings import Settings
from gateway.store import LocalObjectStore, ObjectStore
from providers._http_calls import Guarded
from providers.folder import _FolderPlace


class Points:
    """Counts the points and strikes at one."""

    def __init__(self, at: int | None, how: int) -> None:
        self._at, self._how, self.seen = at, how, 0

    def pass_by(self) -> None:
        self.seen += 1
        if self.seen - 1 == self._at:
            os.kill(os.getpid(), self._how)
            time.sleep(0.1)  # a stop reaches all threads in a moment, not at once

    def is_next(self) -> bool:
        """The next point is the one."""
        return self.seen == self._at

    def around(self, owner: type, name: str) -> None:
        """Points before and after a method."""
        whole = getattr(owner, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.pass_by()
            result = whole(*arguments, **named)
            self.pass_by()
            return result

        setattr(owner, name, wrapped)

    def around_commits(self) -> None:
        """Points before and after every commit that wrote something."""
        whole = Registry.transaction
        event.listen(Engine, "after_cursor_execute", _note_writing)

        @contextmanager
        def transaction(registry: Registry) -> Iterator[Any]:
            with whole(registry) as connection:
                connection.info["wrote"] = False
                yield connection
                wrote = connection.info["wrote"]
                if wrote:
                    self.pass_by()
            if wrote:
                self.pass_by()

        Registry.transaction = transaction  # type: ignore[method-assign]

    def around_effects(self) -> None:
        """Points before and after everything that is done outside; a file is also left half written."""
        for owner, name in (
            (ObjectStore, "put"), (LocalObjectStore, "delete"), (_FolderPlace, "rename"), (_FolderPlace, "mark"),
            (Guarded, "handle_request"),
        ):  # fmt: skip
            self.around(owner, name)
        whole = _FolderPlace.put

        def put(place: _FolderPlace, name: str, path: Path) -> None:
            self.pass_by()
            with tempfile.NamedTemporaryFile() as half:
                half.write(path.read_bytes()[: path.stat().st_size // 2])
                half.flush()
                if self.is_next():
                    whole(place, name, Path(half.name))
                self.pass_by()
            if self._at == self.seen - 1:
                (place._folder / name).unlink(missing_ok=True)  # it was stopped half way, and goes on
            whole(place, name, path)
            self.pass_by()

        _FolderPlace.put = put  # type: ignore[method-assign]


def _note_writing(connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
    if cursor.rowcount and statement.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}:
        connection.info["wrote"] = True


class TestsClock(Clock):
    """Stands still until the test writes into `minutes` how far it went on meanwhile."""

    minutes: Path

    def __call__(self) -> dt.datetime:
        ahead = int(self.minutes.read_text()) if self.minutes.exists() else 0
        return self.now + dt.timedelta(minutes=ahead)


def deliver(gateway: Gateway) -> None:
    for row in due(gateway):
        try:
            dispatch(gateway, row["submission_id"])
        except Conflict:
            continue


# Here, so that the server of workers has imported them before it forks: what is loaded when it is first used.
for _package, _constant in (
    ("parsers", "FORMAT"), ("validators", "RULE"), ("exporters", "EXPORT"), ("providers", "TRANSPORT"),
    ("reconciliation.rungs", "RUNG"),
):  # fmt: skip
    discover(_package, _constant)
for _name in (
    "alembic.command", "numpy.ma", "pandera.api.pandas", "pandera.backends.polars.builtin_checks",
    "pandera.backends.polars.checks", "pandera.backends.polars.components", "pandera.backends.polars.container", "pandera.strategies.base_strategies", "polars._utils.parquet", "pyarrow.compute",
    "ruamel.yaml.mergevalue",
):  # fmt: skip
    import_module(_name)

WORK: dict[str, Callable[[Gateway], None]] = {"intake": intake, "deliver": deliver}


def work(root: str, what: str, at: int | None, how: int, report: str) -> None:
    """Run to the end, or to the point; a whole run writes how many points it passed."""
    points = Points(at, how)
    if at is not None or report:
        points.around_commits()
        points.around_effects()
    home = Path(root)
    clock = TestsClock(dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC))
    clock.minutes = home / "minutes"
    gateway = open_gateway(Settings(home=home / "home", config_dir=home / "config"), clock)
    WORK[what](gateway)
    if report:
        Path(report).write_text(str(points.seen), encoding="ascii")


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]) if sys.argv[3] != "-" else None, signal.SIGKILL, sys.argv[4])
