"""The two days of `crash_day`, undisturbed: what they come to, and a copy of the town before each step that is struck."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog
from crash_day import STEPS, enter, lay_out, left, outcome
from crash_worker import Points
from sqlalchemy import create_engine


@dataclass(frozen=True)
class Database:
    """The registry's copies: SQLite's lies in the town's folder and is copied with it."""

    url: str = ""

    def keep(self, name: str) -> None: ...

    def take(self, name: str) -> None: ...


class PostgresDatabase(Database):
    """A copy is a database made from another one as its template; nobody may be connected to that one."""

    def keep(self, name: str) -> None:
        self._copy(self._name, f"{self._name}_{name}")

    def take(self, name: str) -> None:
        self._copy(f"{self._name}_{name}", self._name)

    @property
    def _name(self) -> str:
        return self.url.rpartition("/")[2]

    def _copy(self, old: str, new: str) -> None:
        admin = create_engine(f"{self.url.rpartition('/')[0]}/postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {new} WITH (FORCE)")
            connection.exec_driver_sql(f"CREATE DATABASE {new} TEMPLATE {old}")
        admin.dispose()


def play(folder: Path, database: Database) -> None:
    """Run as a process in `folder`; writes `played`: of each step how many points it has and what is left after it, and the end."""
    root = folder / "town"
    root.mkdir()
    lay_out(root)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory((folder / "play.log").open("a")))
    points, seen, found = Points(None, 0), [], []
    points.around_commits()
    points.around_effects()
    for number, step in enumerate(STEPS):
        if step.struck:
            shutil.copytree(root, folder / f"before-{number}", copy_function=shutil.copy2)
            database.keep(str(number))
        town = enter(root, database.url, step.day)
        points.seen = 0  # opening the registry is no work
        step.act(town)
        seen.append(points.seen)
        if step.struck:
            step.act(town)  # whoever repeats a step asks once more about what nobody knows
        found.append(left(town))
        end = outcome(town) if number == len(STEPS) - 1 else {}
        town.gateway.registry.engine.dispose()
    told = {"points": seen, "left": found, "outcome": end}
    (folder / "played").write_text(json.dumps(told), encoding="utf-8")
